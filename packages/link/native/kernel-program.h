// SPDX-License-Identifier: Apache-2.0
// The program of bpf/answer.bpf.c in the kernel, with its maps.
#ifndef BERTH_KERNEL_PROGRAM_H
#define BERTH_KERNEL_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "answer-maps.h"
#include "bpf-calls.h"
#include "responder.h"

struct kernel_program {
  // Descriptors; -1 where there is none.
  int maps[ANSWER_MAP_COUNT];
  int program;
  // VIPs that there is room for.
  uint32_t capacity;
};

// Makes the maps and loads the program. On failure nothing stays open. ENOSYS of "build": the addon was built without
// clang.
bool kernel_program_load(struct kernel_program *program, struct failure *failure);

void kernel_program_unload(struct kernel_program *program);

// Makes `bigger` the same program with room for twice as many VIPs: the maps "vips" and "counters" are new and empty,
// all others are shared. On failure, E2BIG among others, nothing changes. kernel_program_retire closes what only
// `before` has, once nothing is hooked with it.
bool kernel_program_grow(const struct kernel_program *program, struct kernel_program *bigger, struct failure *failure);
void kernel_program_retire(struct kernel_program *before);

// Elements of maps, as bpf_put, bpf_take and bpf_read.
static inline bool kernel_map_put(const struct kernel_program *program, enum answer_map map, const void *key,
                                  const void *value, struct failure *failure) {
  return bpf_put(program->maps[map], key, value, failure);
}
static inline void kernel_map_take(const struct kernel_program *program, enum answer_map map, const void *key) {
  bpf_take(program->maps[map], key);
}
static inline bool kernel_map_read(const struct kernel_program *program, enum answer_map map, const void *key, void *value) {
  return bpf_read(program->maps[map], key, value);
}

// Runs the program once on a frame of at least 14 bytes, as if it had come in by the loopback interface, without
// sending anything. Returns the length of what it would send back, which is put in `reply` (room for `room` bytes); 0
// when it passes the frame on or holds it back.
size_t kernel_program_run(const struct kernel_program *program, const uint8_t *frame, size_t length, uint8_t *reply,
                          size_t room);

#endif
