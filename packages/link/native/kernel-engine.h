// SPDX-License-Identifier: Apache-2.0
// The parts of the engine that is a program in the kernel: interfaces (kernel-hooks.c), the table (kernel-table.c), and
// the rest of it (kernel-engine.c).
#ifndef BERTH_KERNEL_ENGINE_H
#define BERTH_KERNEL_ENGINE_H

#include <stdatomic.h>

#include "clsact-hook.h"
#include "engine.h"

// How an interface is answered: not at all, by the program, or by the thread since the program could not be hooked.
enum attachment_kind { ATTACHED_NOT, ATTACHED_HOOK, ATTACHED_THREAD };

struct attachment {
  // 0: the slot is free.
  int ifindex;
  uint8_t mac[MAC_BYTES];
  enum attachment_kind kind;
  // Of the TCX link; -1 for clsact.
  int link;
  struct clsact_place place;
};

struct kernel_engine {
  struct engine engine;
  struct kernel_program program;
  enum kernel_hook hook;
  // What the map "vips" holds, but for entries that are missing; the counters of its entries are copies that are
  // refreshed when asked for.
  struct vip_table *table;
  // What the map "fence" holds of the answer fence. Written by JavaScript's thread or by the one that sends heartbeats
  // (heartbeat.c).
  _Atomic uint64_t fence;
  struct attachment attachments[SLOT_COUNT];
  // Answers where the program cannot be hooked; NULL until it is needed. Has the same table, slots and fence.
  _Atomic(struct responder *) thread;
  // Sends announcements; receives nothing.
  int socket;
};

static inline struct kernel_engine *kernel_engine_of(struct engine *engine) { return (struct kernel_engine *)engine; }

// As in engine.h.
int kernel_attach(struct engine *base, const struct attach_request *request, enum answer_by by, struct failure *failure);
bool kernel_attach_again(struct engine *base, int slot, enum answer_by by, struct failure *failure);
enum hook_state kernel_look(struct engine *base, int slot);
void kernel_detach(struct engine *base, int slot);
bool kernel_replace(struct engine *base, const uint8_t *rows, size_t count, struct failure *failure);
const struct vip_table *kernel_table(struct engine *base);

// Puts another program in the place of the one that is hooked, on all interfaces and without a gap. An interface where
// that fails has no program of ours any more, which a look finds.
void kernel_rehook(struct kernel_engine *engine);

// Takes the program or the thread off an interface; the slot stays.
void kernel_unhook(struct kernel_engine *engine, int slot);

#endif
