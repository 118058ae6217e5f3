// SPDX-License-Identifier: Apache-2.0
#include "vip-table.h"

#include <stdlib.h>
#include <string.h>

static uint32_t hash_address(const uint8_t address[VIP_ADDRESS_BYTES]) {
  uint64_t high, low;
  memcpy(&high, address, sizeof high);
  memcpy(&low, address + sizeof high, sizeof low);
  // The finalizer of MurmurHash3: neighbouring addresses, the usual case, land far apart.
  uint64_t hash = high ^ (low * 0xff51afd7ed558ccdULL);
  hash ^= hash >> 33;
  hash *= 0xc4ceb9fe1a85ec53ULL;
  return (uint32_t)(hash ^ (hash >> 33));
}

// The entry of the address, or the unused one where it belongs. Ends because half of the entries are unused.
static uint32_t position_of(const struct vip_table *table, const uint8_t address[VIP_ADDRESS_BYTES]) {
  uint32_t position = hash_address(address) & table->mask;
  while (table->entries[position].counters != NULL &&
         memcmp(table->entries[position].address, address, VIP_ADDRESS_BYTES) != 0) {
    position = (position + 1) & table->mask;
  }
  return position;
}

static struct vip_counters *carried_counters(const struct vip_table *previous, const uint8_t *address) {
  const struct vip_entry *known = previous == NULL ? NULL : vip_table_find(previous, address);
  return known == NULL ? calloc(1, sizeof(struct vip_counters)) : known->counters;
}

static struct vip_table *allocate(size_t count) {
  uint32_t capacity = 2;
  while (capacity < 2 * count) capacity *= 2;
  struct vip_table *table = calloc(1, sizeof *table + capacity * sizeof(struct vip_entry));
  if (table != NULL) table->mask = capacity - 1;
  return table;
}

struct vip_table *vip_table_create(const uint8_t *rows, size_t count, const struct vip_table *previous) {
  struct vip_table *table = allocate(count);
  if (table == NULL) return NULL;
  for (size_t index = 0; index < count; index++) {
    const uint8_t *row = rows + index * VIP_ROW_BYTES;
    struct vip_entry *entry = &table->entries[position_of(table, row)];
    if (entry->counters == NULL) {
      entry->counters = carried_counters(previous, row);
      if (entry->counters == NULL) {
        vip_table_destroy(table, previous);
        return NULL;
      }
      table->count++;
    }
    memcpy(entry->address, row, VIP_ADDRESS_BYTES);
    memcpy(&entry->interfaces, row + VIP_ADDRESS_BYTES, sizeof entry->interfaces);
  }
  return table;
}

void vip_table_destroy(struct vip_table *table, const struct vip_table *successor) {
  if (table == NULL) return;
  for (uint32_t position = 0; position <= table->mask; position++) {
    struct vip_entry *entry = &table->entries[position];
    if (entry->counters == NULL) continue;
    if (successor == NULL || vip_table_find(successor, entry->address) == NULL) free(entry->counters);
  }
  free(table);
}

const struct vip_entry *vip_table_find(const struct vip_table *table, const uint8_t address[VIP_ADDRESS_BYTES]) {
  const struct vip_entry *entry = &table->entries[position_of(table, address)];
  return entry->counters == NULL ? NULL : entry;
}

const struct vip_entry *vip_table_find_v4(const struct vip_table *table, const uint8_t address[4]) {
  uint8_t mapped[VIP_ADDRESS_BYTES] = {[10] = 0xff, [11] = 0xff};
  memcpy(mapped + 12, address, 4);
  return vip_table_find(table, mapped);
}
