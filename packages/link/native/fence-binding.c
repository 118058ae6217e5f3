// SPDX-License-Identifier: Apache-2.0
// The fences of a node without thread or clock, so that the same vectors can go through C and TypeScript.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "beat-fence.h"
#include "napi-support.h"

enum { STEP_NUMBERS = 3, NANOSECONDS = 1000000 };
enum step { STEP_HOLD, STEP_RELEASE, STEP_RENEW, STEP_ROUND, STEP_ANSWER };

// A fence with the deadline of an engine: what the engine would do is played too.
struct played {
  struct beat_fence fence;
  uint64_t answer_until;
};

static int32_t play_round(struct played *played, uint64_t before, uint64_t after) {
  uint64_t left;
  bool did_lapse = played->fence.is_lapsed;
  if (!beat_fence_may_send(&played->fence, before)) return played->fence.is_lapsed && !did_lapse ? 2 : 0;
  switch (beat_fence_sent(&played->fence, before, after, &left)) {
    case BEAT_LEAVES:
      return 1;
    case BEAT_LAPSES:
      return 3;
    case BEAT_RENEWS:
      if (after >= played->answer_until) {
        beat_fence_ran_out(&played->fence);
        return 3;
      }
      break;
    case BEAT_OPENS:
      break;
  }
  played->answer_until = after + left;
  return 1;
}

static int32_t play_step(struct played *played, const int32_t step[STEP_NUMBERS]) {
  uint64_t first = (uint64_t)step[1] * NANOSECONDS;
  switch ((enum step)step[0]) {
    case STEP_HOLD:
      beat_fence_hold(&played->fence);
      played->answer_until = 0;
      return 0;
    case STEP_RELEASE:
      played->fence.may_renew = true;
      return 0;
    case STEP_RENEW:
      played->fence.process_until = first;
      return 0;
    case STEP_ROUND:
      return play_round(played, first, (uint64_t)step[2] * NANOSECONDS);
    case STEP_ANSWER:
      return first < played->answer_until ? 1 : 0;
  }
  return -1;
}

// playFence(answerMs, steps): overwrites the first number of each step of three with what became of it.
static napi_value play(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  struct bytes steps;
  int32_t answer;
  if (!read_arguments(env, info, 2, arguments) || !read_int(env, arguments[0], &answer) ||
      !read_bytes(env, arguments[1], &steps)) {
    return NULL;
  }
  struct played played = {.fence = {.answer = (uint64_t)answer * NANOSECONDS}};
  for (size_t at = 0; at + STEP_NUMBERS * sizeof(int32_t) <= steps.length; at += STEP_NUMBERS * sizeof(int32_t)) {
    int32_t step[STEP_NUMBERS];
    memcpy(step, steps.data + at, sizeof step);
    step[0] = play_step(&played, step);
    memcpy(steps.data + at, step, sizeof step);
  }
  return NULL;
}

bool export_fence(napi_env env, napi_value exports) {
  static const struct method methods[] = {{"playFence", play}};
  return export_methods(env, exports, methods, sizeof methods / sizeof *methods);
}
