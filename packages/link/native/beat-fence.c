// SPDX-License-Identifier: Apache-2.0
#include "beat-fence.h"

enum { NANOSECONDS_A_MILLISECOND = 1000000 };

bool beat_fence_may_send(struct beat_fence *fence, uint64_t now) {
  if (fence->sent != 0 && now - fence->sent >= fence->answer) fence->is_lapsed = true;
  return !fence->is_lapsed && now < fence->process_until;
}

enum beat_outcome beat_fence_sent(struct beat_fence *fence, uint64_t before, uint64_t after, uint64_t *left) {
  *left = 0;
  if (!fence->may_renew) return BEAT_LEAVES;
  bool is_first = fence->sent == 0;
  uint64_t spent = after - before;
  fence->sent = before;
  // Engines take whole milliseconds.
  if (spent < fence->answer) *left = (fence->answer - spent) / NANOSECONDS_A_MILLISECOND * NANOSECONDS_A_MILLISECOND;
  if (*left == 0) {
    fence->is_lapsed = true;
    return BEAT_LAPSES;
  }
  return is_first ? BEAT_OPENS : BEAT_RENEWS;
}

void beat_fence_ran_out(struct beat_fence *fence) { fence->is_lapsed = true; }

void beat_fence_hold(struct beat_fence *fence) {
  fence->may_renew = false;
  fence->sent = 0;
  fence->is_lapsed = false;
}
