// SPDX-License-Identifier: Apache-2.0
#include "responder-loop.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include "frame-verdict.h"

// Frames of one interface that are looked at before the others have their turn.
enum { TURN_FRAMES = 256, EVENTS_AT_ONCE = 16 };

static void count(_Atomic uint64_t *counter) { atomic_fetch_add_explicit(counter, 1, memory_order_relaxed); }

static void enter(struct responder *responder) { atomic_fetch_add(&responder->turn, 1); }
static void leave(struct responder *responder) { atomic_fetch_add(&responder->turn, 1); }

static void record_claim(struct vip_counters *counters, const uint8_t *sender) {
  uint64_t claimant = 0;
  for (int index = 0; index < MAC_BYTES; index++) claimant = claimant << 8 | sender[index];
  atomic_store_explicit(&counters->claimant, claimant, memory_order_relaxed);
  count(&counters->claims);
}

// Frames of VLANs that the socket of the untagged interface sees too.
static bool is_other_segment(const struct packet_frame *frame, const struct verdict *verdict) {
  return frame->is_for_other_interface || (frame->is_for_other_host && !verdict->is_for_other_host);
}

static void answer(struct responder *responder, const struct slot *slot, const struct packet_ring *ring,
                   const struct packet_frame *frame) {
  uint8_t reply[NDP_FRAME_BYTES];
  struct decision_point at = {.table = atomic_load(&responder->table),
                         .slot_bit = slot->bit,
                         .mac = slot->mac,
                         .fence_holds = responder_fence_holds(responder)};
  struct verdict verdict = frame_verdict(&at, frame->bytes, frame->length, reply);
  if (is_other_segment(frame, &verdict)) {
    count(&responder->outcomes[RESPONDER_OTHER_SEGMENT]);
    return;
  }
  bool is_answered = verdict.reply_length > 0;
  bool is_sent = is_answered && send(ring->fd, reply, verdict.reply_length, MSG_DONTWAIT) >= 0;
  count(&responder->outcomes[is_answered && !is_sent ? RESPONDER_SEND_FAILED : verdict.outcome]);
  if (verdict.vip == NULL) return;
  struct vip_counters *counters = verdict.vip->counters;
  if (verdict.is_claim) record_claim(counters, verdict.sender);
  if (is_answered || verdict.is_fenced) count(&counters->requests);
  if (is_sent) count(&counters->replies);
}

// Looks at one frame. Returns false when there is none, or when the slot was closed.
static bool serve_frame(struct responder *responder, struct slot *slot, struct packet_ring *ring) {
  struct packet_frame frame;
  enter(responder);
  bool has_frame = atomic_load(&slot->is_open) && packet_ring_peek(ring, &frame);
  if (has_frame) {
    answer(responder, slot, ring, &frame);
    packet_ring_release(ring);
  }
  leave(responder);
  return has_frame;
}

// An interface that goes down leaves an error on its socket, which must be fetched or epoll reports it for ever.
static void fetch_error(struct responder *responder, struct slot *slot, const struct packet_ring *ring) {
  int error = 0;
  socklen_t length = sizeof error;
  enter(responder);
  if (atomic_load(&slot->is_open)) {
    getsockopt(ring->fd, SOL_SOCKET, SO_ERROR, &error, &length);
    count(&responder->outcomes[RESPONDER_SOCKET_ERROR]);
  }
  leave(responder);
}

static void serve_ring(struct responder *responder, uint32_t token, uint32_t events) {
  struct slot *slot = &responder->slots[token / RING_COUNT];
  struct packet_ring *ring = &slot->rings[token % RING_COUNT];
  if ((events & EPOLLERR) != 0) fetch_error(responder, slot, ring);
  for (int frames = 0; frames < TURN_FRAMES; frames++) {
    if (!serve_frame(responder, slot, ring)) return;
  }
}

void *responder_loop(void *argument) {
  struct responder *responder = argument;
  struct epoll_event events[EVENTS_AT_ONCE];
  for (;;) {
    int ready = epoll_wait(responder->epoll, events, EVENTS_AT_ONCE, -1);
    // Only EINTR is possible here: the descriptor and the buffer are ours.
    for (int index = 0; index < ready; index++) {
      if (events[index].data.u32 == WAKE) return NULL;
      serve_ring(responder, events[index].data.u32, events[index].events);
    }
  }
}
