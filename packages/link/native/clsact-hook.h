// SPDX-License-Identifier: Apache-2.0
// The hook for programs of kernels before 6.6: a filter on the clsact queueing discipline of an interface (tc-bpf(8)). Unlike a TCX
// link it outlives its process; what was left behind is silent once the fence has run out, and is taken away when it is found.
#ifndef BERTH_CLSACT_HOOK_H
#define BERTH_CLSACT_HOOK_H

#include "responder.h"

// Runs the program on the ingress of an interface, before other filters of its priority. Takes the place of a filter that an earlier
// process left behind; a filter that is not ours stays, and so does the queueing discipline, which others may use.
bool clsact_attach(int program, int ifindex, struct failure *failure);

// Takes our filter off the interface; nothing happens when there is none, or when the interface is gone.
void clsact_detach(int ifindex);

// Takes our filters off all interfaces of this network namespace.
void clsact_sweep(void);

#endif
