// SPDX-License-Identifier: Apache-2.0
// bpf(2) for the programs of this addon. They are compiled when the addon is, and their instructions are part of it, so
// neither a file nor libbpf is needed to load one.
#ifndef BERTH_BPF_CALLS_H
#define BERTH_BPF_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"

struct bpf_map_shape {
  const char *name;
  // `entries` 0: as many as the caller says.
  uint32_t type, key_bytes, value_bytes, entries, flags;
};

// An instruction that loads a map, by the map's position in the list that goes with the program.
struct bpf_relocation {
  uint32_t instruction, map;
};

struct bpf_code {
  // At most 15 characters.
  const char *name;
  const uint64_t *instructions;
  const struct bpf_relocation *relocations;
  uint32_t instruction_count, relocation_count;
};

// Where a hooked program is found: in place, no longer there (or another one in its stead), or behind a program that
// may end the chain.
enum hook_state { HOOK_IN_PLACE, HOOK_GONE, HOOK_BEHIND };

// Return a descriptor, or -1.
int bpf_make_map(const struct bpf_map_shape *shape, uint32_t entries, struct failure *failure);
// ENOSYS of "build": the addon was built without clang.
int bpf_load(const struct bpf_code *code, const int *maps, struct failure *failure);

void bpf_unload(int program);

// The number by which the kernel knows a program; 0 when it does not tell.
uint32_t bpf_program_id(int program);
// Whether this process has loaded the program with that number.
bool bpf_is_ours(uint32_t program_id);

// Elements of maps. `put` makes or replaces one; `take` ignores a key that is not there; `read` returns false for one.
bool bpf_put(int map, const void *key, const void *value, struct failure *failure);
void bpf_take(int map, const void *key);
bool bpf_read(int map, const void *key, void *value);

// Whether this kernel has TCX links.
bool bpf_can_link(int program);
// Runs a program on the ingress of an interface by a TCX link, before other programs there, until the descriptor is
// closed or the process ends. Returns that descriptor, or -1.
int bpf_link(int program, int ifindex, struct failure *failure);
// Puts a program in the place of the one that runs by this link, without a gap.
bool bpf_relink(int link, int program, struct failure *failure);
// Takes the program off the interface at once, whoever else holds the link, and closes it. (Linux before 5.9 waits
// until no one does; it has no TCX.)
void bpf_unlink(int link);
// Looks what became of such a link. Programs of this process may be before it: they pass on what is not theirs.
enum hook_state bpf_look(int link, int program, int ifindex);

// One run of a program on a frame of at least 14 bytes, as if it had come in by the loopback interface, without sending
// anything.
struct bpf_run {
  const uint8_t *frame;
  size_t length;
  // What became of the frame, and how much of it there is room for.
  uint8_t *result;
  size_t room;
  // 1 or more. The nanoseconds are those of one run, on average.
  uint32_t times;
  uint32_t nanoseconds;
  // Filled: what the program returned, and the length of `result`.
  uint32_t verdict;
  size_t result_length;
};

bool bpf_try(int program, struct bpf_run *run);

// A program that passes everything on at once: what a program costs in any case. Returns a descriptor, or -1.
int bpf_load_empty(struct failure *failure);

#endif
