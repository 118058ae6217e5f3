// SPDX-License-Identifier: Apache-2.0
// What answers: the thread on packet sockets (thread-engine.c) or a program in the kernel (kernel-engine.c). Both have
// the same table, the same fence and the same counters, so JavaScript drives both through one binding.
#ifndef BERTH_ENGINE_H
#define BERTH_ENGINE_H

#include "kernel-program.h"
#include "responder.h"

struct engine;

enum answer_by { BY_ENGINE, BY_THREAD };

// Meaning and results are those of the functions of responder.h with the same names.
struct engine_ops {
  void (*destroy)(struct engine *engine);
  // Returns a slot, or -1. By the thread: on an interface where the program cannot be hooked; an engine that is the
  // thread has no other way.
  int (*attach)(struct engine *engine, const struct attach_request *request, enum answer_by by, struct failure *failure);
  // The same for an interface that has a slot, whatever became of its hook. On failure the slot stays, and nothing is
  // answered there.
  bool (*attach_again)(struct engine *engine, int slot, enum answer_by by, struct failure *failure);
  // Whether what was attached is still there and is asked first.
  enum hook_state (*look)(struct engine *engine, int slot);
  void (*detach)(struct engine *engine, int slot);
  // False when there was no room for some VIPs, whose entries in the table say so; all others are in force.
  bool (*replace)(struct engine *engine, const uint8_t *rows, size_t count, struct failure *failure);
  bool (*renew)(struct engine *engine, uint64_t milliseconds);
  void (*set_fence)(struct engine *engine, uint64_t milliseconds);
  // For this long from now, questions for VIPs that are not answered here are held back from the kernel. The thread
  // cannot do that.
  void (*keep_quiet)(struct engine *engine, uint64_t milliseconds);
  enum announce_result (*announce)(struct engine *engine, int slot, const uint8_t *frame, size_t length,
                                   struct failure *failure);
  void (*outcomes)(struct engine *engine, uint64_t counts[OUTCOME_COUNT]);
  // The table in force with counters that are current. Valid until the next call of replace.
  const struct vip_table *(*table)(struct engine *engine);
};

// The first member of every engine.
struct engine {
  const struct engine_ops *ops;
};

// Where the program in the kernel sits: a TCX link (Linux 6.6), or a filter on the clsact queueing discipline.
enum kernel_hook { HOOK_TCX, HOOK_CLSACT };

// All start with an empty table and a fence that has run out. NULL on failure.
struct engine *thread_engine_create(struct failure *failure);
// EOPNOTSUPP of "bpf(BPF_LINK_CREATE)": the kernel has no TCX.
struct engine *kernel_engine_create(enum kernel_hook hook, struct failure *failure);

#endif
