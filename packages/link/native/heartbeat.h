// SPDX-License-Identifier: Apache-2.0
// The thread that sends heartbeats (docs/design/0010-membership-protocol.md, sections 4.3 and 7). JavaScript gives it
// frames, a pace and a deadline; it sends the frames at that pace until the deadline, each with a counter and a tag of
// its own, and lets the engine answer for a while after each round. A pause of JavaScript is not seen on the wire; a
// process that stands still is silent by itself.
#ifndef BERTH_HEARTBEAT_H
#define BERTH_HEARTBEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine.h"
#include "hmac-sha256.h"

// Room for one frame: Ethernet header and the largest heartbeat.
enum {
  ETHERNET_HEADER_BYTES = 14,
  HEARTBEAT_FRAME_BYTES = ETHERNET_HEADER_BYTES + 1280,
  HEARTBEAT_TAG_BYTES = 16,
  HEARTBEAT_COUNTER_OFFSET = ETHERNET_HEADER_BYTES + 32,
  // Copies of one frame: as many as a segment has members at most.
  HEARTBEAT_MOST_COPIES = 800,
  // struct sockaddr_in6, the longer one.
  HEARTBEAT_ADDRESS_BYTES = 28,
};

struct heartbeat;

// What the thread has seen since it was started.
struct heartbeat_report {
  uint64_t rounds;
  uint64_t lapses;
  // Longest delay of a round since this was last read, in nanoseconds.
  uint64_t latest;
  bool is_lapsed;
};

// Starts the thread; it sends nothing yet. The engine must outlive it. NULL on failure.
struct heartbeat *heartbeat_create(struct engine *engine, struct failure *failure);

// Stops the thread and closes its sockets. The fence of the engine is left as it is.
void heartbeat_destroy(struct heartbeat *heartbeat);

// Time between rounds, and how long the engine may answer after a round, in milliseconds.
void heartbeat_pace(struct heartbeat *heartbeat, uint64_t interval, uint64_t answer);

// Opens a socket for an interface; returns its slot, or -1.
int heartbeat_attach(struct heartbeat *heartbeat, int ifindex, struct failure *failure);
void heartbeat_detach(struct heartbeat *heartbeat, int slot);

// The frame of a slot from now on, with the key of its tag. Not longer than HEARTBEAT_FRAME_BYTES.
void heartbeat_frame(struct heartbeat *heartbeat, int slot, const uint8_t *frame, size_t length,
                     const struct hmac_key *key);

// Sends each frame of a slot also to these MAC addresses, besides the destination that it bears: for peers that the
// group does not reach. At most HEARTBEAT_MOST_COPIES; false when there is no memory, and then nothing has changed.
bool heartbeat_copies(struct heartbeat *heartbeat, int slot, const uint8_t *macs, size_t count);

// Sends each frame of a slot, without its Ethernet header, also as a datagram to these addresses: for peers that no raw
// frame reaches. An address has HEARTBEAT_ADDRESS_BYTES: a struct sockaddr_in or sockaddr_in6. The sockets (-1: none)
// are duplicated and stay the caller's. At most HEARTBEAT_MOST_COPIES; false when there is no memory or descriptor, and
// then nothing has changed.
struct heartbeat_datagrams {
  int fd4;
  int fd6;
  const uint8_t *addresses;
  size_t count;
};
bool heartbeat_datagrams(struct heartbeat *heartbeat, int slot, const struct heartbeat_datagrams *datagrams);

// Takes a number for a frame that JavaScript sends itself.
uint64_t heartbeat_next_counter(struct heartbeat *heartbeat);

// Heartbeats may be sent for this long from now; 0 ends them.
void heartbeat_renew(struct heartbeat *heartbeat, uint64_t milliseconds);

// The engine's fence is left alone from now on, and a lapse is forgotten. No renewal is under way when it returns.
void heartbeat_hold(struct heartbeat *heartbeat);

// The table of the engine is right: rounds may open and renew its fence.
void heartbeat_release(struct heartbeat *heartbeat);

struct heartbeat_report heartbeat_report(struct heartbeat *heartbeat);

#endif
