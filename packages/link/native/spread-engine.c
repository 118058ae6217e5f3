// SPDX-License-Identifier: Apache-2.0
#include "spread-engine.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "monotonic-clock.h"

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

static bool fail(struct failure *failure, const char *call, int error) {
  *failure = (struct failure){call, error};
  return false;
}

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

// ---- the keeper ----

static bool hand_over(struct spread *spread, enum keeper_word word) {
  int links[KEEPER_MAX_HELD];
  size_t count = 0;
  for (int slot = 0; slot < SPREAD_MAX_INTERFACES; slot++) {
    const struct spread_hook *hook = &spread->hooks[slot];
    if (hook->is_hooked && hook->link >= 0 && count < KEEPER_MAX_HELD) links[count++] = hook->link;
  }
  return keeper_client_hold(&spread->keeper, word, links, count);
}

// What changed goes to a keeper that is there; a new one gets all.
static bool tell_keeper(struct spread *spread, bool has_changed) {
  bool is_new = false;
  if (!keeper_client_ensure(&spread->keeper, &is_new)) return false;
  return (!is_new && !has_changed) || hand_over(spread, KEEPER_HOLD);
}

bool spread_keep_by(struct spread *spread, const char *path) {
  keeper_client_close(&spread->keeper);
  if (!keeper_client_open(&spread->keeper, path)) return false;
  tell_keeper(spread, true);
  return true;
}

bool spread_is_kept(struct spread *spread) { return tell_keeper(spread, false); }

void spread_take_over(struct spread *spread) {
  if (tell_keeper(spread, false)) hand_over(spread, KEEPER_TAKEN_OVER);
}

// ---- interfaces ----

static struct clsact_program filter_of(const struct spread *spread) {
  return (struct clsact_program){.descriptor = spread->program, .name = CLSACT_SPREAD, .protocol = ETH_P_IP};
}

static struct spread_hook *hook_of(const struct spread *spread, int ifindex) {
  for (int slot = 0; slot < SPREAD_MAX_INTERFACES; slot++) {
    if (spread->hooks[slot].ifindex == ifindex) return (struct spread_hook *)&spread->hooks[slot];
  }
  return NULL;
}

static bool hook_up(struct spread *spread, struct spread_hook *hook, struct failure *failure) {
  const struct clsact_program filter = filter_of(spread);
  hook->link = -1;
  if (spread->hook == HOOK_CLSACT) {
    hook->is_hooked = clsact_attach(&filter, hook->ifindex, &hook->place, failure);
  } else {
    hook->link = bpf_link(spread->program, hook->ifindex, failure);
    hook->is_hooked = hook->link >= 0;
  }
  return hook->is_hooked;
}

// A keeper has the link too: closing it would leave the program there.
static void unhook(struct spread_hook *hook) {
  if (!hook->is_hooked) return;
  if (hook->link >= 0) bpf_unlink(hook->link);
  else clsact_detach(hook->ifindex, CLSACT_SPREAD);
  hook->is_hooked = false;
}

bool spread_attach(struct spread *spread, int ifindex, struct failure *failure) {
  struct spread_hook *known = hook_of(spread, ifindex), *hook = known != NULL ? known : hook_of(spread, 0);
  if (hook == NULL) return fail(failure, "attach", ENOSPC);
  unhook(hook);
  hook->ifindex = ifindex;
  if (!hook_up(spread, hook, failure)) {
    spread_detach(spread, ifindex);
    return false;
  }
  tell_keeper(spread, true);
  return true;
}

void spread_detach(struct spread *spread, int ifindex) {
  struct spread_hook *hook = hook_of(spread, ifindex);
  if (hook == NULL) return;
  unhook(hook);
  hook->ifindex = 0;
  tell_keeper(spread, true);
}

enum hook_state spread_look(const struct spread *spread, int ifindex) {
  const struct spread_hook *hook = hook_of(spread, ifindex);
  const struct clsact_program filter = filter_of(spread);
  if (hook == NULL || !hook->is_hooked) return HOOK_GONE;
  if (hook->link >= 0) return bpf_look(hook->link, spread->program, ifindex);
  return clsact_look(&filter, ifindex, &hook->place);
}

// An interface where the new program cannot be put in has none of ours any more, which a look finds.
static void rehook(struct spread *spread) {
  const struct clsact_program filter = filter_of(spread);
  for (int slot = 0; slot < SPREAD_MAX_INTERFACES; slot++) {
    struct spread_hook *hook = &spread->hooks[slot];
    struct failure failure;
    if (!hook->is_hooked) continue;
    bool is_done = hook->link >= 0 ? bpf_relink(hook->link, spread->program, &failure)
                                   : clsact_replace(&filter, hook->ifindex, &hook->place, &failure);
    if (!is_done) unhook(hook);
  }
  tell_keeper(spread, true);
}

// The connection to the keeper ends first: what it has it holds for its time, as when the process had died.
void spread_destroy(struct spread *spread) {
  keeper_client_close(&spread->keeper);
  keeper_client_open(&spread->keeper, "");
  for (int slot = 0; slot < SPREAD_MAX_INTERFACES; slot++) {
    struct spread_hook *hook = &spread->hooks[slot];
    // Closed, not taken off, as the keeper may have it.
    if (hook->is_hooked && hook->link >= 0) close(hook->link);
    else unhook(hook);
  }
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
  rehook(spread);
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

// ---- what else the program is told ----

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
  tell_keeper(spread, false);
  return spread_put_control(spread, failure);
}
