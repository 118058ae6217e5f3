// SPDX-License-Identifier: Apache-2.0
// Where the program that spreads is hooked, and the keeper that holds its links when the process is gone.
#ifndef BERTH_SPREAD_HOOKS_H
#define BERTH_SPREAD_HOOKS_H

#include "spread-engine.h"

// Looks for the keeper. One that is new gets all links, one that is known only what has changed. False without a
// keeper.
bool spread_tell_keeper(struct spread *spread, bool has_changed);

// Puts the program in the place of the one before it, without a gap. An interface where it cannot be put in has none of
// ours any more, which a look finds.
void spread_rehook(struct spread *spread);

// The program leaves all interfaces. The connection to the keeper ends first: what it has it holds for its time, as
// when the process had died.
void spread_let_go(struct spread *spread);

#endif
