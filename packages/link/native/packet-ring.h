// SPDX-License-Identifier: Apache-2.0
// A packet socket on one interface that hands its frames over in shared memory (packet_mmap, TPACKET_V2), so that a
// burst costs no system call per frame and waits in a buffer of known size.
#ifndef BERTH_PACKET_RING_H
#define BERTH_PACKET_RING_H

#include <stdbool.h>
#include <stdint.h>

struct packet_ring {
  int fd;
  int ifindex;
  uint8_t *memory;
  uint32_t next;
};

struct packet_frame {
  // Points into the ring; valid until packet_ring_release.
  const uint8_t *bytes;
  uint32_t length;
  // Whether the kernel counts the frame to another interface: one above this one, for a VLAN whose tag is gone from the
  // frame.
  bool is_for_other_interface;
  // Whether the kernel holds the frame for another host's: by its destination, or because no one here has its VLAN.
  bool is_for_other_host;
};

// Each interface has two rings: what is read from a socket must have one protocol, or it would have to look at every
// frame.
enum { ARP_RING, NDP_RING, RING_COUNT };

// Opens both rings on an interface. On failure returns false and names the system call in `failed`; errno tells why.
bool packet_rings_open(struct packet_ring rings[RING_COUNT], int ifindex, const char **failed);

void packet_rings_close(struct packet_ring rings[RING_COUNT]);

// Fills `frame` with the oldest frame that was not released; false when there is none.
bool packet_ring_peek(const struct packet_ring *ring, struct packet_frame *frame);

// Gives the frame of the last successful peek back to the kernel.
void packet_ring_release(struct packet_ring *ring);

// Frames that the kernel dropped since the last call because a ring was full.
uint32_t packet_rings_take_drops(const struct packet_ring rings[RING_COUNT]);

#endif
