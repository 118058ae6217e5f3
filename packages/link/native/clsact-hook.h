// SPDX-License-Identifier: Apache-2.0
// The hook for programs of kernels before 6.6: a filter on the clsact queueing discipline of an interface (tc-bpf(8)).
// Unlike a TCX link it outlives its process; what was left behind is silent once the fence has run out, and is taken
// away when it is found.
#ifndef BERTH_CLSACT_HOOK_H
#define BERTH_CLSACT_HOOK_H

#include "bpf-calls.h"

// Names of our filters, by the program that is in them.
#define CLSACT_ANSWER "berth_answer"
#define CLSACT_SPREAD "berth_spread"

struct clsact_program {
  int descriptor;
  const char *name;
  // The EtherType that the program looks at beside IPv6.
  uint16_t protocol;
};

// Where a filter of ours is on its interface.
struct clsact_place {
  uint32_t priority;
  uint32_t handle;
};

// Runs the program on the ingress of an interface, at the first priority that is free or has room beside filters of
// others; fills `place`. Takes the place of filters of that name that an earlier process left behind; a filter that is
// not ours stays, and so does the queueing discipline, which others may use.
bool clsact_attach(const struct clsact_program *program, int ifindex, struct clsact_place *place, struct failure *failure);

// Puts the program in the place of the one that runs there, without a gap.
bool clsact_replace(const struct clsact_program *program, int ifindex, const struct clsact_place *place,
                    struct failure *failure);

// Looks what became of the filter.
enum hook_state clsact_look(const struct clsact_program *program, int ifindex, const struct clsact_place *place);

// Takes our filters with this name off the interface; nothing happens when there is none, or when the interface is
// gone.
void clsact_detach(int ifindex, const char *name);

// Takes our filters with this name off all interfaces of this network namespace.
void clsact_sweep(const char *name);

#endif
