// SPDX-License-Identifier: Apache-2.0
// The program of the kernel without an interface, so that the vectors can go through it as the kernel runs it.
#include <string.h>

#include "kernel-program.h"
#include "napi-support.h"

// The interface that a test run seems to come in by, and bytes of the slab for each frame.
enum { LOOPBACK = 1, FRAME_ROOM = 256 };

struct run {
  const struct kernel_program *program;
  struct bytes rows, mac, slab, lengths, outcomes;
  int32_t fence;
};

static bool fill_maps(const struct run *run, struct failure *failure) {
  const uint32_t which = FENCE_ANSWER, ifindex = LOOPBACK;
  const uint64_t deadline = run->fence == 0 ? 0 : UINT64_MAX;
  struct answer_point point = {.slot_bit = 1};
  memcpy(point.mac, run->mac.data, MAC_BYTES);
  if (!kernel_map_put(run->program, ANSWER_MAP_points, &ifindex, &point, failure)) return false;
  for (size_t at = 0; at + VIP_ROW_BYTES <= run->rows.length; at += VIP_ROW_BYTES) {
    const uint8_t *row = run->rows.data + at;
    if (!kernel_map_put(run->program, ANSWER_MAP_vips, row, row + VIP_ADDRESS_BYTES, failure)) return false;
  }
  return kernel_map_put(run->program, ANSWER_MAP_fence, &which, &deadline, failure);
}

// The outcome that was counted, which is then set to zero again; -1 when there was none.
static int32_t take_outcome(const struct kernel_program *program) {
  struct failure unused;
  const uint64_t zero = 0;
  for (uint32_t outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
    uint64_t count = 0;
    kernel_map_read(program, ANSWER_MAP_outcomes, &outcome, &count);
    if (count == 0) continue;
    kernel_map_put(program, ANSWER_MAP_outcomes, &outcome, &zero, &unused);
    return (int32_t)outcome;
  }
  return -1;
}

static void run_frames(const struct run *run) {
  uint32_t *lengths = (void *)run->lengths.data;
  int32_t *outcomes = (void *)run->outcomes.data;
  uint8_t reply[FRAME_ROOM];
  for (size_t index = 0; index < run->lengths.length / sizeof *lengths; index++) {
    uint8_t *frame = run->slab.data + index * FRAME_ROOM;
    lengths[index] = (uint32_t)kernel_program_run(run->program, frame, lengths[index], reply, sizeof reply);
    memcpy(frame, reply, lengths[index]);
    outcomes[index] = take_outcome(run->program);
  }
}

// runProgram(rows, mac, fence: 0 or 1, slab, lengths, outcomes)
static napi_value run_program(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  struct kernel_program program;
  struct failure failure;
  struct run run = {.program = &program};
  if (!read_arguments(env, info, 6, arguments) || !read_bytes(env, arguments[0], &run.rows) ||
      !read_bytes(env, arguments[1], &run.mac) || !read_int(env, arguments[2], &run.fence) ||
      !read_bytes(env, arguments[3], &run.slab) || !read_bytes(env, arguments[4], &run.lengths) ||
      !read_bytes(env, arguments[5], &run.outcomes)) {
    return NULL;
  }
  if (!kernel_program_load(&program, &failure)) return throw_system_error(env, failure.call, failure.error);
  bool is_ready = fill_maps(&run, &failure);
  if (is_ready) run_frames(&run);
  kernel_program_unload(&program);
  return is_ready ? NULL : throw_system_error(env, failure.call, failure.error);
}

bool export_program(napi_env env, napi_value exports) {
  static const struct method methods[] = {{"runProgram", run_program}};
  return export_methods(env, exports, methods, sizeof methods / sizeof *methods);
}
