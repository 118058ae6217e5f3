// SPDX-License-Identifier: Apache-2.0
// The program of bpf/spread.bpf.c in the kernel, with its maps, and the interfaces that it is hooked to.
#ifndef BERTH_SPREAD_ENGINE_H
#define BERTH_SPREAD_ENGINE_H

#include "clsact-hook.h"
#include "engine.h"
#include "keeper-client.h"
#include "spread-maps.h"

struct spread_hook {
  // 0: free.
  int ifindex;
  bool is_hooked;
  // Of the TCX link; -1 for clsact.
  int link;
  struct clsact_place place;
};

struct spread_stray {
  uint64_t fingerprint;
  uint32_t number;
  // There was no room for it in the map.
  bool is_missing;
};

struct spread {
  int maps[SPREAD_MAP_COUNT];
  int program;
  enum kernel_hook hook;
  // Blocks of rows that there is room for, and the rows themselves, which are the map's own memory.
  uint32_t blocks;
  uint32_t *rows;
  struct spread_control control;
  struct spread_hook hooks[SPREAD_MAX_INTERFACES];
  // What was given last, by fingerprint.
  struct spread_stray *strays;
  size_t stray_count;
  struct keeper_client keeper;
};

// Loads the program with empty tables that have run out; NULL on failure. EOPNOTSUPP of "bpf(BPF_LINK_CREATE)": the
// kernel has no TCX.
struct spread *spread_create(enum kernel_hook hook, struct failure *failure);
// Takes the program off all interfaces and forgets it.
void spread_destroy(struct spread *spread);

// Begins to spread what enters an interface; on failure nothing is hooked there. On one that is known it is hooked
// anew.
bool spread_attach(struct spread *spread, int ifindex, struct failure *failure);
void spread_detach(struct spread *spread, int ifindex);
enum hook_state spread_look(const struct spread *spread, int ifindex);

// Hands the links to the keeper whose socket this is; by and by, where it is not there yet. False where the path is too
// long.
bool spread_keep_by(struct spread *spread, const char *path);
// Whether the keeper is there and holds what there is. A filter on clsact outlives its process by itself.
bool spread_is_kept(struct spread *spread);
// The tables of this process are in force: what the keeper still holds of a process before it goes at once.
void spread_take_over(struct spread *spread);

// Who this node is. Flows that are seen while a change is pending are looked for until `seen_until`, a time of
// CLOCK_BOOTTIME.
bool spread_tell(struct spread *spread, uint32_t self, uint64_t seed, uint64_t seen_until, struct failure *failure);
// The tables count for so long from now.
bool spread_renew(struct spread *spread, uint64_t milliseconds, struct failure *failure);

// Writes what `control` says.
bool spread_put_control(struct spread *spread, struct failure *failure);

// Writes rows of the map, as spread-maps.h has them; makes room where there is none. ENOSPC of "rows": there are no
// more blocks.
bool spread_put_rows(struct spread *spread, uint32_t first, const uint32_t *rows, uint32_t count, struct failure *failure);

// Puts these strays in the place of all that were there. What the program has deleted since stays so, as long as each
// list has it. Returns how many there was no room for, or -1.
int64_t spread_put_strays(struct spread *spread, const uint64_t *fingerprints, const uint8_t *numbers, size_t count,
                          struct failure *failure);

// Sums over all CPUs.
bool spread_read_counts(const struct spread *spread, struct spread_counts *counts, uint64_t forwarded[SPREAD_MAX_NUMBER + 1],
                        struct failure *failure);

#endif
