// SPDX-License-Identifier: Apache-2.0
#include "kernel-program.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <unistd.h>

// Made by build-programs.ts: answer_code.
#include "answer-program.h"

// Maps by address have no size of their own: the program's capacity is.
#define ADDRESS_MAP(name, value) \
  { name, BPF_MAP_TYPE_HASH, VIP_ADDRESS_BYTES, sizeof(value), 0, BPF_F_NO_PREALLOC }
#define NUMBERED(name, type, bytes, entries) \
  { name, type, sizeof(uint32_t), bytes, entries, 0 }

static const struct bpf_map_shape shapes[ANSWER_MAP_COUNT] = {
    [ANSWER_MAP_points] = {"berth_points", BPF_MAP_TYPE_HASH, sizeof(uint32_t), sizeof(struct answer_point),
                           ANSWER_MAX_INTERFACES, 0},
    [ANSWER_MAP_vips] = ADDRESS_MAP("berth_vips", struct answer_vip),
    [ANSWER_MAP_counters] = ADDRESS_MAP("berth_counters", struct answer_counters),
    [ANSWER_MAP_fence] = NUMBERED("berth_fence", BPF_MAP_TYPE_ARRAY, sizeof(uint64_t), FENCE_COUNT),
    [ANSWER_MAP_outcomes] = NUMBERED("berth_outcomes", BPF_MAP_TYPE_ARRAY, sizeof(uint64_t), OUTCOME_COUNT),
    [ANSWER_MAP_scratch] = NUMBERED("berth_scratch", BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(struct answer_scratch), 1),
};

// Makes the maps that have no descriptor yet.
static bool create_maps(struct kernel_program *program, struct failure *failure) {
  for (int map = 0; map < ANSWER_MAP_COUNT; map++) {
    if (program->maps[map] >= 0) continue;
    program->maps[map] = bpf_make_map(&shapes[map], program->capacity, failure);
    if (program->maps[map] < 0) return false;
  }
  return true;
}

static bool load_program(struct kernel_program *program, struct failure *failure) {
  program->program = bpf_load(&answer_code, program->maps, failure);
  return program->program >= 0;
}

bool kernel_program_load(struct kernel_program *program, struct failure *failure) {
  program->program = -1;
  program->capacity = ANSWER_FIRST_VIPS;
  for (int map = 0; map < ANSWER_MAP_COUNT; map++) program->maps[map] = -1;
  if (answer_code.instruction_count == 0) return fail(failure, "build", ENOSYS);
  if (create_maps(program, failure) && load_program(program, failure)) return true;
  kernel_program_unload(program);
  return false;
}

void kernel_program_unload(struct kernel_program *program) {
  if (program->program >= 0) bpf_unload(program->program);
  program->program = -1;
  for (int map = 0; map < ANSWER_MAP_COUNT; map++) {
    if (program->maps[map] >= 0) close(program->maps[map]);
    program->maps[map] = -1;
  }
}

static bool grows(int map) { return shapes[map].entries == 0; }

bool kernel_program_grow(const struct kernel_program *program, struct kernel_program *bigger, struct failure *failure) {
  if (program->capacity >= ANSWER_MAX_VIPS) return fail(failure, "grow", E2BIG);
  *bigger = *program;
  bigger->capacity *= 2;
  bigger->program = -1;
  for (int map = 0; map < ANSWER_MAP_COUNT; map++) {
    if (grows(map)) bigger->maps[map] = -1;
  }
  if (create_maps(bigger, failure) && load_program(bigger, failure)) return true;
  kernel_program_retire(bigger);
  return false;
}

void kernel_program_retire(struct kernel_program *before) {
  if (before->program >= 0) bpf_unload(before->program);
  for (int map = 0; map < ANSWER_MAP_COUNT; map++) {
    if (grows(map) && before->maps[map] >= 0) close(before->maps[map]);
  }
}

size_t kernel_program_run(const struct kernel_program *program, const uint8_t *frame, size_t length, uint8_t *reply,
                          size_t room) {
  struct bpf_run run = {.frame = frame, .length = length, .result = reply, .room = room, .times = 1};
  return bpf_try(program->program, &run) && run.verdict == TC_ACT_REDIRECT ? run.result_length : 0;
}
