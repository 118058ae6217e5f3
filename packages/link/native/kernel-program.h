// SPDX-License-Identifier: Apache-2.0
// The program of bpf/answer.bpf.c in the kernel, with its maps. It is compiled when the addon is, and its instructions are part of the
// addon, so neither a file nor libbpf is needed to load it: bpf(2) alone does.
#ifndef BERTH_KERNEL_PROGRAM_H
#define BERTH_KERNEL_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "answer-maps.h"
#include "responder.h"

struct kernel_program {
  // Descriptors; -1 where there is none.
  int maps[ANSWER_MAP_COUNT];
  int program;
};

// Makes the maps and loads the program. On failure nothing stays open. ENOSYS of "build": the addon was built without clang.
bool kernel_program_load(struct kernel_program *program, struct failure *failure);

void kernel_program_unload(struct kernel_program *program);

// Elements of maps. `put` makes or replaces one; `take` ignores a key that is not there; `read` returns false for one.
bool kernel_map_put(const struct kernel_program *program, enum answer_map map, const void *key, const void *value,
                    struct failure *failure);
void kernel_map_take(const struct kernel_program *program, enum answer_map map, const void *key);
bool kernel_map_read(const struct kernel_program *program, enum answer_map map, const void *key, void *value);

// Whether this kernel has TCX links. Needs a loaded program.
bool kernel_program_can_link(const struct kernel_program *program);

// Runs the program on the ingress of an interface by a TCX link, before other programs there, until the descriptor is closed or the process ends.
// Returns that descriptor, or -1.
int kernel_program_attach(const struct kernel_program *program, int ifindex, struct failure *failure);

// Runs the program once on a frame of at least 14 bytes, as if it had come in by the loopback interface, without sending anything.
// Returns the length of what it would send back, which is put in `reply` (room for `room` bytes); 0 when it passes the frame on.
size_t kernel_program_run(const struct kernel_program *program, const uint8_t *frame, size_t length, uint8_t *reply,
                          size_t room);

#endif
