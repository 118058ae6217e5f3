// SPDX-License-Identifier: Apache-2.0
// What the answering thread runs, and what it shares with JavaScript's thread.
#ifndef BERTH_RESPONDER_LOOP_H
#define BERTH_RESPONDER_LOOP_H

#include <pthread.h>
#include <stdatomic.h>

#include "monotonic-clock.h"
#include "packet-ring.h"
#include "responder.h"
#include "vip-table.h"

// A ring is known to epoll by slot * RING_COUNT + ring.
enum { WAKE = SLOT_COUNT * RING_COUNT };

struct slot {
  // Set when everything below is valid; cleared before anything of it goes.
  atomic_bool is_open;
  struct packet_ring rings[RING_COUNT];
  uint8_t mac[MAC_BYTES];
  uint64_t bit;
};

struct responder {
  // Odd while the thread works on a frame. Whoever takes something away from the thread changes it first, then waits
  // for an even number or another one (wait_for_reader in responder.c).
  _Atomic uint64_t turn;
  _Atomic(struct vip_table *) table;
  // Deadline on CLOCK_BOOTTIME, in nanoseconds.
  _Atomic uint64_t fence;
  _Atomic uint64_t outcomes[OUTCOME_COUNT];
  struct slot slots[SLOT_COUNT];
  pthread_t thread;
  int epoll;
  int wake;
};

static inline bool responder_fence_holds(struct responder *responder) {
  return fence_now() < atomic_load_explicit(&responder->fence, memory_order_acquire);
}

// Answers what comes until "wake" is readable. Takes a struct responder.
void *responder_loop(void *responder);

#endif
