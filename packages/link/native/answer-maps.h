// SPDX-License-Identifier: Apache-2.0
// What the program in the kernel and its loader share: the maps, by name and shape.
#ifndef BERTH_ANSWER_MAPS_H
#define BERTH_ANSWER_MAPS_H

#include <stdint.h>

enum {
  // VIPs that there is room for at first, and after the last growth. Entries are allocated as they come; only the
  // buckets take memory, 16 bytes each.
  ANSWER_FIRST_VIPS = 16384,
  ANSWER_MAX_VIPS = 1 << 20,
  ANSWER_MAX_INTERFACES = 64,
  ANSWER_MAC_BYTES = 6,
};

// Map "points": interface index -> where the program answers.
struct answer_point {
  uint8_t mac[ANSWER_MAC_BYTES];
  uint16_t unused;
  // Bit of the interface in answer_vip.interfaces.
  uint64_t slot_bit;
};

// Map "vips": address (IPv4 mapped into IPv6) -> on which interfaces it is answered. Of a VIP that is in the map and
// not answered on an interface, questions there are held back from the kernel, which may have the address too
// (kube-proxy in IPVS mode).
struct answer_vip {
  uint64_t interfaces;
};

// Map "counters": address -> what was counted for it. Present as long as the VIP is answered somewhere, and a little
// longer.
struct answer_counters {
  uint64_t requests;
  uint64_t replies;
  uint64_t claims;
  // The last foreign MAC that claimed the VIP, in the low 48 bits.
  uint64_t claimant;
};

// Map "scratch": room for one frame and its answer for each CPU. The stack of a program has only 512 bytes.
struct answer_scratch {
  // The longest frame that is looked at, and the longest answer, rounded up.
  uint8_t frame[176];
  uint8_t reply[88];
  uint8_t address[16];
};

// Map "fence": deadlines on CLOCK_BOOTTIME, in nanoseconds: until when VIPs are answered, and until when questions for
// the others are held back. Map "outcomes": outcome -> how often.
enum answer_fence { FENCE_ANSWER, FENCE_QUIET, FENCE_COUNT };

#define ANSWER_MAPS(ROW) \
  ROW(points)            \
  ROW(vips)              \
  ROW(counters)          \
  ROW(fence)             \
  ROW(outcomes)          \
  ROW(scratch)

#define ANSWER_ENUM_ROW(name) ANSWER_MAP_##name,
enum answer_map { ANSWER_MAPS(ANSWER_ENUM_ROW) ANSWER_MAP_COUNT };
#undef ANSWER_ENUM_ROW

#endif
