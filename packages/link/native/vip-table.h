// SPDX-License-Identifier: Apache-2.0
// The VIPs of Berth as one node knows them, with where it answers for each, as an immutable hash table. A change makes
// a new table; readers never lock.
#ifndef BERTH_VIP_TABLE_H
#define BERTH_VIP_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  // Addresses are kept as IPv6; an IPv4 address is mapped (RFC 4291, 2.5.5.2).
  VIP_ADDRESS_BYTES = 16,
  // One row as JavaScript hands it over: the address, then a set of interface slots, bit 0 first, in host byte order.
  VIP_ROW_BYTES = VIP_ADDRESS_BYTES + 8,
};

// Written by the answering thread, read by JavaScript.
struct vip_counters {
  _Atomic uint64_t requests;
  _Atomic uint64_t replies;
  _Atomic uint64_t claims;
  // The last foreign MAC that claimed the VIP, in the low 48 bits; 0 when there was none.
  _Atomic uint64_t claimant;
};

struct vip_entry {
  uint8_t address[VIP_ADDRESS_BYTES];
  // Interface slots on which the VIP is answered. Empty: a VIP of Berth that this node does not answer for.
  uint64_t interfaces;
  // The engine had no room for it: it is neither answered nor held back.
  bool is_missing;
  // An unused entry has none.
  struct vip_counters *counters;
};

struct vip_table {
  // Number of entries less one; the number is a power of two and at least twice that of the VIPs.
  uint32_t mask;
  uint32_t count;
  struct vip_entry entries[];
};

// Returns a table of `count` rows of VIP_ROW_BYTES, or NULL when memory is out. Counters of addresses that `previous`
// (may be NULL) knows are carried over; the others begin at zero. A repeated address keeps its last row.
struct vip_table *vip_table_create(const uint8_t *rows, size_t count, const struct vip_table *previous);

// Frees a table and the counters that `successor` (may be NULL) did not carry over.
void vip_table_destroy(struct vip_table *table, const struct vip_table *successor);

const struct vip_entry *vip_table_find(const struct vip_table *table, const uint8_t address[VIP_ADDRESS_BYTES]);

const struct vip_entry *vip_table_find_v4(const struct vip_table *table, const uint8_t address[4]);

#endif
