// SPDX-License-Identifier: Apache-2.0
// The table of the engine in the kernel: brings the maps in line with the rows that JavaScript gives, and makes room
// when they are full.
#include <errno.h>
#include <string.h>

#include "kernel-engine.h"

static bool is_used(const struct vip_entry *entry) { return entry->counters != NULL; }

static bool is_stored(const struct vip_entry *entry) { return entry != NULL && !entry->is_missing; }

static bool is_answered(const struct vip_entry *entry) { return is_stored(entry) && entry->interfaces != 0; }

// Only VIPs that are answered have counters in the kernel. They come first and go last, so that no answer is left
// uncounted.
static bool put_vip(const struct kernel_program *program, const struct vip_entry *entry, bool had_counters,
                    struct failure *failure) {
  const struct answer_counters zero = {0};
  const struct answer_vip vip = {.interfaces = entry->interfaces};
  bool needs_counters = entry->interfaces != 0 && !had_counters;
  if (needs_counters && !kernel_map_put(program, ANSWER_MAP_counters, entry->address, &zero, failure)) return false;
  if (!kernel_map_put(program, ANSWER_MAP_vips, entry->address, &vip, failure)) return false;
  if (entry->interfaces == 0 && had_counters) kernel_map_take(program, ANSWER_MAP_counters, entry->address);
  return true;
}

static void withdraw_missing(struct kernel_engine *engine, const struct vip_table *next) {
  for (uint32_t position = 0; position <= engine->table->mask; position++) {
    const struct vip_entry *entry = &engine->table->entries[position];
    if (!is_used(entry) || vip_table_find(next, entry->address) != NULL) continue;
    kernel_map_take(&engine->program, ANSWER_MAP_vips, entry->address);
    kernel_map_take(&engine->program, ANSWER_MAP_counters, entry->address);
  }
}

// Into maps that are new, with what was counted by then.
static bool copy_table(const struct kernel_program *from, const struct kernel_program *to, const struct vip_table *table,
                       struct failure *failure) {
  for (uint32_t position = 0; position <= table->mask; position++) {
    const struct vip_entry *entry = &table->entries[position];
    struct answer_vip vip;
    struct answer_counters counted;
    if (!is_used(entry) || !kernel_map_read(from, ANSWER_MAP_vips, entry->address, &vip)) continue;
    bool has_counters = kernel_map_read(from, ANSWER_MAP_counters, entry->address, &counted);
    if (has_counters && !kernel_map_put(to, ANSWER_MAP_counters, entry->address, &counted, failure)) return false;
    if (!kernel_map_put(to, ANSWER_MAP_vips, entry->address, &vip, failure)) return false;
  }
  return true;
}

// The same program with larger maps takes the place of the one that runs, on every interface and without a gap.
static bool grow(struct kernel_engine *engine, const struct vip_table *next, struct failure *failure) {
  struct kernel_program bigger, before = engine->program;
  if (!kernel_program_grow(&before, &bigger, failure)) return false;
  if (!copy_table(&before, &bigger, next, failure)) {
    kernel_program_retire(&bigger);
    return false;
  }
  engine->program = bigger;
  kernel_rehook(engine);
  kernel_program_retire(&before);
  return true;
}

static bool put_or_grow(struct kernel_engine *engine, const struct vip_table *next, const struct vip_entry *entry,
                        struct failure *failure) {
  bool had_counters = is_answered(vip_table_find(engine->table, entry->address));
  if (put_vip(&engine->program, entry, had_counters, failure)) return true;
  if (failure->error != E2BIG || !grow(engine, next, failure)) return false;
  return put_vip(&engine->program, entry, had_counters, failure);
}

// Goes on after one that could not be put, so that as many are answered as can be.
static bool put_changed(struct kernel_engine *engine, struct vip_table *next, struct failure *failure) {
  bool is_complete = true;
  for (uint32_t position = 0; position <= next->mask; position++) {
    struct vip_entry *entry = &next->entries[position];
    if (!is_used(entry)) continue;
    const struct vip_entry *before = vip_table_find(engine->table, entry->address);
    if (is_stored(before) && before->interfaces == entry->interfaces) continue;
    struct failure why;
    if (put_or_grow(engine, next, entry, &why)) continue;
    // What may be left of it is taken away: it is in neither map, or in both.
    kernel_map_take(&engine->program, ANSWER_MAP_vips, entry->address);
    kernel_map_take(&engine->program, ANSWER_MAP_counters, entry->address);
    entry->is_missing = true;
    if (is_complete) *failure = why;
    is_complete = false;
  }
  return is_complete;
}

// What is withdrawn goes first. Entry by entry: a frame that comes in between sees each VIP either as before or as
// after.
bool kernel_replace(struct engine *base, const uint8_t *rows, size_t count, struct failure *failure) {
  struct kernel_engine *engine = kernel_engine_of(base);
  struct responder *thread = atomic_load(&engine->thread);
  struct vip_table *next = vip_table_create(rows, count, engine->table);
  if (next == NULL) return fail(failure, "calloc", ENOMEM);
  withdraw_missing(engine, next);
  bool is_complete = put_changed(engine, next, failure);
  vip_table_destroy(engine->table, next);
  engine->table = next;
  if (thread != NULL && !responder_replace(thread, rows, count, failure)) return false;
  return is_complete;
}

static void refresh(struct kernel_engine *engine, const struct vip_entry *entry) {
  struct answer_counters row = {0};
  struct responder *thread = atomic_load(&engine->thread);
  const struct vip_entry *other = thread == NULL ? NULL : vip_table_find(responder_table(thread), entry->address);
  kernel_map_read(&engine->program, ANSWER_MAP_counters, entry->address, &row);
  if (other != NULL) {
    row.requests += atomic_load(&other->counters->requests);
    row.replies += atomic_load(&other->counters->replies);
    row.claims += atomic_load(&other->counters->claims);
    if (row.claimant == 0) row.claimant = atomic_load(&other->counters->claimant);
  }
  atomic_store(&entry->counters->requests, row.requests);
  atomic_store(&entry->counters->replies, row.replies);
  atomic_store(&entry->counters->claims, row.claims);
  atomic_store(&entry->counters->claimant, row.claimant);
}

const struct vip_table *kernel_table(struct engine *base) {
  struct kernel_engine *engine = kernel_engine_of(base);
  for (uint32_t position = 0; position <= engine->table->mask; position++) {
    struct vip_entry *entry = &engine->table->entries[position];
    if (is_used(entry) && is_answered(entry)) refresh(engine, entry);
  }
  return engine->table;
}
