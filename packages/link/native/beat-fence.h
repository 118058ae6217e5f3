// SPDX-License-Identifier: Apache-2.0
// The two fences of a node (docs/design/0010-membership-protocol.md, section 7), pure: no clock, no lock. The same rule
// as in packages/core, membership/fence.ts; one set of vectors goes through both.
#ifndef BERTH_BEAT_FENCE_H
#define BERTH_BEAT_FENCE_H

#include <stdbool.h>
#include <stdint.h>

// All times are nanoseconds of one clock, never 0.
struct beat_fence {
  // How long VIPs may be answered after a round.
  uint64_t answer;
  // Rounds may go out before this time.
  uint64_t process_until;
  // When a round last went out that held the answers' fence; 0 before the first, and after a hold.
  uint64_t sent;
  // Whether rounds hold the answers' fence.
  bool may_renew;
  bool is_lapsed;
};

// What becomes of the answers' fence after a round.
enum beat_outcome { BEAT_LEAVES, BEAT_OPENS, BEAT_RENEWS, BEAT_LAPSES };

// Whether a round may go out now. One that is too late lapses: peers may have taken over, and only JavaScript may go on
// from there.
bool beat_fence_may_send(struct beat_fence *fence, uint64_t now);

// A round went out: `before` was read before the first frame was sent, `after` once all were. `left` is for how long
// the answers' fence holds from `after` on. Whatever delays the frames makes this node silent earlier, never answer
// longer.
enum beat_outcome beat_fence_sent(struct beat_fence *fence, uint64_t before, uint64_t after, uint64_t *left);

// The answers' fence had run out when it was to be renewed.
void beat_fence_ran_out(struct beat_fence *fence);

void beat_fence_hold(struct beat_fence *fence);

#endif
