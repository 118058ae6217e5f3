// SPDX-License-Identifier: Apache-2.0
// What the thread of heartbeats sends on one interface: a frame with its key, to the group, to MAC addresses one by
// one, and to addresses by UDP. Nothing here takes the lock of heartbeat.c.
#ifndef BERTH_BEAT_SLOT_H
#define BERTH_BEAT_SLOT_H

#include "heartbeat.h"

struct beat_slot {
  // -1: not in use.
  int fd;
  size_t length;
  uint8_t frame[HEARTBEAT_FRAME_BYTES];
  struct hmac_key key;
  // MAC addresses, one after the other; owned by the slot.
  uint8_t *copies;
  size_t copy_count;
  // Socket addresses, one after the other, and the sockets for both families (-1: none); owned by the slot.
  uint8_t *addresses;
  size_t address_count;
  int fd4;
  int fd6;
};

static const struct beat_slot EMPTY_BEAT_SLOT = {.fd = -1, .fd4 = -1, .fd6 = -1};

// Opens a socket that sends on an interface and receives nothing; returns its descriptor, or -1.
int beat_socket_open(int ifindex, struct failure *failure);

// Closes and frees all that the slot owns; it is empty afterwards.
void beat_slot_close(struct beat_slot *slot);

// Sends the frame to all that it is for, with this counter and the tag that covers it. Whether any of it went out.
bool beat_slot_send(struct beat_slot *slot, uint64_t counter);

// Fills an empty slot with these addresses and with duplicates of their sockets. False when there is no memory or
// descriptor; the slot is to be closed in any case.
bool beat_datagrams_make(struct beat_slot *slot, const struct heartbeat_datagrams *datagrams);

// Exchanges the addresses and sockets of a slot for those of a new one.
void beat_datagrams_swap(struct beat_slot *slot, struct beat_slot *with);

#endif
