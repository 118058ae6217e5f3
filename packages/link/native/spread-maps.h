// SPDX-License-Identifier: Apache-2.0
// What the program that spreads and its loader share: the maps, by name and shape. Nodes are numbers from 1 to 255,
// which the process gives them; 0 is no one.
#ifndef BERTH_SPREAD_MAPS_H
#define BERTH_SPREAD_MAPS_H

#include <stdint.h>

enum {
  SPREAD_MAX_INTERFACES = 64,
  SPREAD_MAX_SERVICES = 16384,
  SPREAD_MAX_MEMBERS = 16384,
  SPREAD_MAX_NUMBER = 255,
  SPREAD_ROWS_PER_BLOCK = 4096,
  SPREAD_FIRST_BLOCKS = 64,
  SPREAD_MAX_BLOCKS = 512,
  SPREAD_MAX_STRAYS = 65536,
  SPREAD_MAX_SEEN = 32768,
  SPREAD_MAX_MINE = 16384,
  SPREAD_MAX_FRAGMENTS = 4096,
};

// A frame with no more hops left than this gets no second chance, and one that gets it leaves with so many: no frame
// can have two, whatever the tables say. A node that serves it needs one or two.
enum { SPREAD_LAST_HOPS = 8 };

// How long a flow that was seen while a change was pending is remembered, and when that is written anew, in
// nanoseconds.
#define SPREAD_SEEN_NS UINT64_C(15000000000)
#define SPREAD_SEEN_AGAIN_NS UINT64_C(1000000000)

// Map "control": one element. Deadlines are on CLOCK_BOOTTIME, in nanoseconds.
struct spread_control {
  uint64_t seed;
  // The tables count until then.
  uint64_t fresh_until;
  // The map "seen" is looked at until then.
  uint64_t seen_until;
  // The number of this node.
  uint32_t self;
  // The map "strays" is looked at.
  uint32_t has_strays;
};

// Map "vips": address -> 1. Most packets are for none, and cost this one look.
// Map "services": what is spread -> how.
struct spread_service_key {
  uint8_t vip[16];
  uint32_t ifindex;
  // In host byte order.
  uint16_t port;
  uint8_t protocol;
  uint8_t unused;
};

// One word each, so that it is read and changed as a whole: number of the first row in the low 32 bits, then a power of
// two less 1 (the last row) in 16 bits, then whether rows go by client (sessionAffinity: ClientIP).
typedef uint64_t spread_service;

static inline uint32_t spread_first_row(spread_service service) { return (uint32_t)service; }
static inline uint32_t spread_row_mask(spread_service service) { return (uint32_t)(service >> 32) & 0xffff; }
static inline uint32_t spread_is_by_client(spread_service service) { return (uint32_t)(service >> 48); }

// Map "rows": half the number of a row -> that row in the low 32 bits, the next one in the high ones. An element of an
// array takes 8 bytes in any case.
typedef uint64_t spread_row_pair;

static inline uint32_t spread_target(uint32_t row) { return row & 0xff; }
// Who may be serving flows that the target does not know; 0: no one.
static inline uint32_t spread_fallback(uint32_t row) { return row >> 8 & 0xff; }
// The target in the pending set, if that is another; 0 otherwise.
static inline uint32_t spread_next(uint32_t row) { return row >> 16 & 0xff; }
// The fallback in the pending set, where that has another target; 0: none.
static inline uint32_t spread_next_fallback(uint32_t row) { return row >> 24; }

// Map "members": who it is on an interface -> the MAC addresses of a frame to it, as they are on the wire.
struct spread_member_key {
  uint32_t ifindex;
  uint32_t number;
};
struct spread_member {
  uint8_t mac[6];
  // That of this node's interface.
  uint8_t own_mac[6];
};

// Map "senders": the same the other way round -> the number.
struct spread_sender_key {
  uint8_t mac[6];
  uint16_t unused;
  uint32_t ifindex;
};

// Map "strays": fingerprint -> number. Map "mine": fingerprint -> 1. Map "seen": fingerprint -> this.
struct spread_seen {
  uint64_t at;
  uint64_t number;
};

// Map "fragments": datagram -> number.
struct spread_fragment_key {
  uint8_t source[16], destination[16];
  uint32_t id;
  uint32_t protocol;
};

// Map "counts": one element for each CPU. All numbers are packets for VIPs of the map "vips".
struct spread_counts {
  uint64_t forwarded;
  uint64_t served;
  uint64_t by_stray;
  uint64_t by_seen;
  uint64_t second_chance;
  uint64_t stale;
  uint64_t fragments_unknown;
  // From a member, and served for that reason.
  uint64_t from_member;
};

// Map "forwarded": number -> packets, for each CPU.

#define SPREAD_MAPS(ROW) \
  ROW(control)           \
  ROW(vips)              \
  ROW(services)          \
  ROW(rows)              \
  ROW(members)           \
  ROW(senders)           \
  ROW(strays)            \
  ROW(seen)              \
  ROW(mine)              \
  ROW(fragments)         \
  ROW(counts)            \
  ROW(forwarded)

#define SPREAD_ENUM_ROW(name) SPREAD_MAP_##name,
enum spread_map { SPREAD_MAPS(SPREAD_ENUM_ROW) SPREAD_MAP_COUNT };
#undef SPREAD_ENUM_ROW

#endif
