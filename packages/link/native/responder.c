// SPDX-License-Identifier: Apache-2.0
#include "responder.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame-verdict.h"
#include "monotonic-clock.h"
#include "responder-loop.h"

// Returns when the thread can no longer use what was taken away before the call. It waits for one frame at most.
static void wait_for_reader(struct responder *responder) {
  uint64_t turn = atomic_load(&responder->turn);
  if (turn % 2 == 0) return;
  while (atomic_load(&responder->turn) == turn) sched_yield();
}

static bool watch(struct responder *responder, int fd, uint32_t token, struct failure *failure) {
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = token};
  if (epoll_ctl(responder->epoll, EPOLL_CTL_ADD, fd, &event) == 0) return true;
  return fail(failure, "epoll_ctl", errno);
}

// Signals are for JavaScript's thread.
static bool start_thread(struct responder *responder, struct failure *failure) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&responder->thread, NULL, responder_loop, responder);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error != 0) return fail(failure, "pthread_create", error);
  pthread_setname_np(responder->thread, "berth-answers");
  return true;
}

static bool set_up(struct responder *responder, struct failure *failure) {
  struct vip_table *table = vip_table_create(NULL, 0, NULL);
  if (table == NULL) return fail(failure, "calloc", ENOMEM);
  atomic_store(&responder->table, table);
  responder->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (responder->epoll < 0) return fail(failure, "epoll_create1", errno);
  responder->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (responder->wake < 0) return fail(failure, "eventfd", errno);
  return watch(responder, responder->wake, WAKE, failure) && start_thread(responder, failure);
}

static void release(struct responder *responder) {
  if (responder->epoll >= 0) close(responder->epoll);
  if (responder->wake >= 0) close(responder->wake);
  vip_table_destroy(atomic_load(&responder->table), NULL);
  free(responder);
}

struct responder *responder_create(struct failure *failure) {
  struct responder *responder = calloc(1, sizeof *responder);
  if (responder == NULL) {
    fail(failure, "calloc", ENOMEM);
    return NULL;
  }
  responder->epoll = responder->wake = -1;
  if (set_up(responder, failure)) return responder;
  release(responder);
  return NULL;
}

void responder_destroy(struct responder *responder) {
  uint64_t one = 1;
  // Cannot fail: the counter of an eventfd has room for one more.
  ssize_t written = write(responder->wake, &one, sizeof one);
  (void)written;
  pthread_join(responder->thread, NULL);
  for (int slot = 0; slot < SLOT_COUNT; slot++) responder_detach(responder, slot);
  release(responder);
}

int responder_free_slot(struct responder *responder) {
  for (int slot = 0; slot < SLOT_COUNT; slot++) {
    if (!atomic_load(&responder->slots[slot].is_open)) return slot;
  }
  return -1;
}

static bool watch_rings(struct responder *responder, int number, struct failure *failure) {
  for (int ring = 0; ring < RING_COUNT; ring++) {
    uint32_t token = (uint32_t)(number * RING_COUNT + ring);
    if (!watch(responder, responder->slots[number].rings[ring].fd, token, failure)) return false;
  }
  return true;
}

bool responder_attach(struct responder *responder, int number, const struct attach_request *request, struct failure *failure) {
  struct slot *slot = &responder->slots[number];
  if (!packet_rings_open(slot->rings, request->ifindex, &failure->call)) {
    failure->error = errno;
    return false;
  }
  memcpy(slot->mac, request->mac, MAC_BYTES);
  slot->bit = UINT64_C(1) << number;
  atomic_store(&slot->is_open, true);
  if (watch_rings(responder, number, failure)) return true;
  responder_detach(responder, number);
  return false;
}

static void count_kernel_drops(struct responder *responder, const struct slot *slot) {
  atomic_fetch_add(&responder->outcomes[RESPONDER_KERNEL_DROP], packet_rings_take_drops(slot->rings));
}

void responder_detach(struct responder *responder, int number) {
  struct slot *slot = &responder->slots[number];
  if (!atomic_exchange(&slot->is_open, false)) return;
  wait_for_reader(responder);
  count_kernel_drops(responder, slot);
  // Closing the last descriptor takes it out of the epoll set.
  packet_rings_close(slot->rings);
}

bool responder_replace(struct responder *responder, const uint8_t *rows, size_t count, struct failure *failure) {
  struct vip_table *before = atomic_load(&responder->table);
  struct vip_table *table = vip_table_create(rows, count, before);
  if (table == NULL) return fail(failure, "calloc", ENOMEM);
  atomic_store(&responder->table, table);
  wait_for_reader(responder);
  vip_table_destroy(before, table);
  return true;
}

void responder_set_deadline(struct responder *responder, uint64_t deadline) {
  atomic_store(&responder->fence, deadline);
  if (deadline == 0) wait_for_reader(responder);
}

void responder_set_fence(struct responder *responder, uint64_t milliseconds) {
  responder_set_deadline(responder, milliseconds == 0 ? 0 : fence_now() + milliseconds * 1000000u);
}

bool responder_renew(struct responder *responder, uint64_t milliseconds) {
  if (!responder_fence_holds(responder)) return false;
  // No one else writes the fence meanwhile: calls are made on JavaScript's thread, or on that of heartbeat.c, and then
  // not on the other.
  responder_set_fence(responder, milliseconds);
  return true;
}

enum announce_result responder_announce(struct responder *responder, int slot, const uint8_t *frame, size_t length,
                                        struct failure *failure) {
  if (!responder_fence_holds(responder)) return ANNOUNCE_FENCED;
  // A socket marks what it sends with the protocol that it is bound to.
  int ring = frame_is_ipv6(frame, length) ? NDP_RING : ARP_RING;
  if (send(responder->slots[slot].rings[ring].fd, frame, length, MSG_DONTWAIT) >= 0) return ANNOUNCE_SENT;
  fail(failure, "send", errno);
  return ANNOUNCE_FAILED;
}

void responder_outcomes(struct responder *responder, uint64_t counts[OUTCOME_COUNT]) {
  for (int number = 0; number < SLOT_COUNT; number++) {
    struct slot *slot = &responder->slots[number];
    if (atomic_load(&slot->is_open)) count_kernel_drops(responder, slot);
  }
  for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++) counts[outcome] = atomic_load(&responder->outcomes[outcome]);
}

const struct vip_table *responder_table(const struct responder *responder) { return atomic_load(&responder->table); }
