// SPDX-License-Identifier: Apache-2.0
// The clock of the fence: it never jumps, and it is the one that programs in the kernel read (bpf_ktime_get_ns).
#ifndef BERTH_MONOTONIC_CLOCK_H
#define BERTH_MONOTONIC_CLOCK_H

#include <stdint.h>
#include <time.h>

// Nanoseconds.
static inline uint64_t monotonic_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline struct timespec timespec_of(uint64_t nanoseconds) {
  return (struct timespec){.tv_sec = (time_t)(nanoseconds / 1000000000u), .tv_nsec = (long)(nanoseconds % 1000000000u)};
}

#endif
