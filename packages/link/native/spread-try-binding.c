// SPDX-License-Identifier: Apache-2.0
// Single runs of the program that spreads, for tests and benches.
#include <errno.h>

#include "spread-binding.h"

// spreadTry(handle, frame, result, times); returns the verdict, the length of the result and the nanoseconds of a run.
static napi_value try_frame(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS], list = NULL;
  struct bytes frame, result;
  int32_t times;
  struct spread *spread = open_spread(env, info, 4, arguments);
  if (spread == NULL || !read_bytes(env, arguments[1], &frame) || !read_bytes(env, arguments[2], &result) ||
      !read_int(env, arguments[3], &times)) {
    return NULL;
  }
  struct bpf_run run = {.frame = frame.data, .length = frame.length, .result = result.data, .room = result.length, .times = (uint32_t)times};
  if (!bpf_try(spread->program, &run)) return throw_system_error(env, "bpf(BPF_PROG_TEST_RUN)", errno);
  napi_create_array_with_length(env, 3, &list);
  napi_set_element(env, list, 0, make_int(env, (int32_t)run.verdict));
  napi_set_element(env, list, 1, make_int(env, (int64_t)run.result_length));
  napi_set_element(env, list, 2, make_int(env, run.nanoseconds));
  return list;
}

// spreadTryEmpty(frame, times): nanoseconds of a run of a program that does nothing.
static napi_value try_empty(napi_env env, napi_callback_info info) {
  struct bytes frame;
  int32_t times;
  struct failure failure;
  uint8_t result[2048];
  if (!read_all(env, info, "bi", (void *const[]){&frame, &times})) return NULL;
  int program = bpf_load_empty(&failure);
  if (program < 0) return spread_done(env, false, &failure);
  struct bpf_run run = {.frame = frame.data, .length = frame.length, .result = result, .room = sizeof result, .times = (uint32_t)times};
  bool is_run = bpf_try(program, &run);
  int error = errno;
  bpf_unload(program);
  return is_run ? make_int(env, run.nanoseconds) : throw_system_error(env, "bpf(BPF_PROG_TEST_RUN)", error);
}

bool export_spread_try(napi_env env, napi_value exports) {
  static const struct method methods[] = {{"spreadTry", try_frame}, {"spreadTryEmpty", try_empty}};
  return export_methods(env, exports, methods, sizeof methods / sizeof *methods);
}
