// SPDX-License-Identifier: Apache-2.0
#include "spread-engine.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "monotonic-clock.h"
#include "spread-hooks.h"

// Made by build-programs.ts: spread_code.
#include "spread-program.h"

#define KEYED(name, key, value, entries) \
  { name, BPF_MAP_TYPE_HASH, sizeof(key), sizeof(value), entries, BPF_F_NO_PREALLOC }
#define RECENT(name, key, value, entries) \
  { name, BPF_MAP_TYPE_LRU_HASH, sizeof(key), sizeof(value), entries, 0 }
#define BY_CPU(name, value, entries) \
  { name, BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(uint32_t), sizeof(value), entries, 0 }

enum { ROWS_PER_ELEMENT = 2 };

static const struct bpf_map_shape shapes[SPREAD_MAP_COUNT] = {
    [SPREAD_MAP_control] = {"spread_control", BPF_MAP_TYPE_ARRAY, sizeof(uint32_t), sizeof(struct spread_control), 1, 0},
    [SPREAD_MAP_vips] = KEYED("spread_vips", uint8_t[16], uint32_t, SPREAD_MAX_SERVICES),
    [SPREAD_MAP_services] = KEYED("spread_services", struct spread_service_key, spread_service, SPREAD_MAX_SERVICES),
    [SPREAD_MAP_rows] = {"spread_rows", BPF_MAP_TYPE_ARRAY, sizeof(uint32_t), sizeof(spread_row_pair), 0, BPF_F_MMAPABLE},
    [SPREAD_MAP_members] = KEYED("spread_members", struct spread_member_key, struct spread_member, SPREAD_MAX_MEMBERS),
    [SPREAD_MAP_senders] = KEYED("spread_senders", struct spread_sender_key, uint32_t, SPREAD_MAX_MEMBERS),
    [SPREAD_MAP_strays] = KEYED("spread_strays", uint64_t, uint32_t, SPREAD_MAX_STRAYS),
    [SPREAD_MAP_seen] = RECENT("spread_seen", uint64_t, struct spread_seen, SPREAD_MAX_SEEN),
    [SPREAD_MAP_mine] = RECENT("spread_mine", uint64_t, uint8_t, SPREAD_MAX_MINE),
    [SPREAD_MAP_fragments] = RECENT("spread_fragment", struct spread_fragment_key, uint32_t, SPREAD_MAX_FRAGMENTS),
    [SPREAD_MAP_counts] = BY_CPU("spread_counts", struct spread_counts, 1),
    [SPREAD_MAP_forwarded] = BY_CPU("spread_forward", uint64_t, SPREAD_MAX_NUMBER + 1),
};

static uint32_t rows_in(uint32_t blocks) { return blocks * SPREAD_ROWS_PER_BLOCK; }

static size_t row_bytes(uint32_t blocks) { return rows_in(blocks) * sizeof(uint32_t); }

// ---- maps and program ----

static void close_maps(struct spread *spread) {
  for (int map = 0; map < SPREAD_MAP_COUNT; map++) {
    if (spread->maps[map] >= 0) close(spread->maps[map]);
  }
}

// The rows of a set are written at once, thousands of them: into the memory of the map, not by as many system calls.
static bool map_rows(struct spread *spread, struct failure *failure) {
  void *memory = mmap(NULL, row_bytes(spread->blocks), PROT_READ | PROT_WRITE, MAP_SHARED, spread->maps[SPREAD_MAP_rows], 0);
  if (memory == MAP_FAILED) return fail(failure, "mmap", errno);
  spread->rows = memory;
  return true;
}

static bool make_rows(struct spread *spread, struct failure *failure) {
  uint32_t elements = rows_in(spread->blocks) / ROWS_PER_ELEMENT;
  spread->maps[SPREAD_MAP_rows] = bpf_make_map(&shapes[SPREAD_MAP_rows], elements, failure);
  if (spread->maps[SPREAD_MAP_rows] < 0) return false;
  if (map_rows(spread, failure)) return true;
  close(spread->maps[SPREAD_MAP_rows]);
  spread->maps[SPREAD_MAP_rows] = -1;
  return false;
}

static void drop_rows(struct spread *spread) {
  if (spread->rows != NULL) munmap(spread->rows, row_bytes(spread->blocks));
  if (spread->maps[SPREAD_MAP_rows] >= 0) close(spread->maps[SPREAD_MAP_rows]);
  spread->rows = NULL;
  spread->maps[SPREAD_MAP_rows] = -1;
}

static bool make_maps(struct spread *spread, struct failure *failure) {
  if (!make_rows(spread, failure)) return false;
  for (int map = 0; map < SPREAD_MAP_COUNT; map++) {
    if (map == SPREAD_MAP_rows) continue;
    spread->maps[map] = bpf_make_map(&shapes[map], 0, failure);
    if (spread->maps[map] < 0) return false;
  }
  return true;
}

static bool set_up(struct spread *spread, struct failure *failure) {
  if (spread_code.instruction_count == 0) return fail(failure, "build", ENOSYS);
  if (!make_maps(spread, failure)) return false;
  spread->program = bpf_load(&spread_code, spread->maps, failure);
  if (spread->program < 0) return false;
  if (spread->hook == HOOK_CLSACT) clsact_sweep(CLSACT_SPREAD);
  else if (!bpf_can_link(spread->program)) return fail(failure, "bpf(BPF_LINK_CREATE)", EOPNOTSUPP);
  return true;
}

struct spread *spread_create(enum kernel_hook hook, struct failure *failure) {
  struct spread *spread = calloc(1, sizeof *spread);
  if (spread == NULL) {
    fail(failure, "calloc", ENOMEM);
    return NULL;
  }
  spread->hook = hook;
  spread->program = -1;
  spread->blocks = SPREAD_FIRST_BLOCKS;
  keeper_client_open(&spread->keeper, "");
  for (int map = 0; map < SPREAD_MAP_COUNT; map++) spread->maps[map] = -1;
  if (set_up(spread, failure)) return spread;
  spread_destroy(spread);
  return NULL;
}

void spread_destroy(struct spread *spread) {
  spread_let_go(spread);
  if (spread->program >= 0) bpf_unload(spread->program);
  drop_rows(spread);
  close_maps(spread);
  free(spread->strays);
  free(spread);
}

// ---- rows ----

// The same program with more rows takes the place of the one that runs, without a gap; all other maps are shared.
static bool grow(struct spread *spread, struct failure *failure) {
  struct spread bigger = *spread;
  bigger.blocks *= 2;
  bigger.rows = NULL;
  if (!make_rows(&bigger, failure)) return false;
  memcpy(bigger.rows, spread->rows, row_bytes(spread->blocks));
  bigger.program = bpf_load(&spread_code, bigger.maps, failure);
  if (bigger.program < 0) {
    drop_rows(&bigger);
    return false;
  }
  struct spread before = *spread;
  *spread = bigger;
  spread_rehook(spread);
  bpf_unload(before.program);
  drop_rows(&before);
  return true;
}

bool spread_put_rows(struct spread *spread, uint32_t first, const uint32_t *rows, uint32_t count, struct failure *failure) {
  while (first + count > rows_in(spread->blocks)) {
    if (spread->blocks >= SPREAD_MAX_BLOCKS) return fail(failure, "rows", ENOSPC);
    if (!grow(spread, failure)) return false;
  }
  for (uint32_t index = 0; index < count; index++) ((volatile uint32_t *)spread->rows)[first + index] = rows[index];
  return true;
}

// ---- what the program goes by ----

bool spread_put_control(struct spread *spread, struct failure *failure) {
  const uint32_t only = 0;
  return bpf_put(spread->maps[SPREAD_MAP_control], &only, &spread->control, failure);
}

bool spread_tell(struct spread *spread, uint32_t self, uint64_t seed, uint64_t seen_until, struct failure *failure) {
  spread->control.self = self;
  spread->control.seed = seed;
  spread->control.seen_until = seen_until;
  return spread_put_control(spread, failure);
}

bool spread_renew(struct spread *spread, uint64_t milliseconds, struct failure *failure) {
  spread->control.fresh_until = milliseconds == 0 ? 0 : fence_now() + milliseconds * 1000000u;
  spread_tell_keeper(spread, false);
  return spread_put_control(spread, failure);
}
