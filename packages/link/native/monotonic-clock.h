// SPDX-License-Identifier: Apache-2.0
// Clocks that never jump: the one of pauses and pace, and the one of fences. A fence must run out while the machine
// sleeps, for others go on: its clock does not stop then, and is the one that programs in the kernel read
// (bpf_ktime_get_boot_ns).
#ifndef BERTH_MONOTONIC_CLOCK_H
#define BERTH_MONOTONIC_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t nanoseconds_of(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// Nanoseconds. It stands still while the machine sleeps.
static inline uint64_t monotonic_now(void) { return nanoseconds_of(CLOCK_MONOTONIC); }

// Nanoseconds. It goes on while the machine sleeps.
static inline uint64_t fence_now(void) { return nanoseconds_of(CLOCK_BOOTTIME); }

static inline struct timespec timespec_of(uint64_t nanoseconds) {
  return (struct timespec){.tv_sec = (time_t)(nanoseconds / 1000000000u), .tv_nsec = (long)(nanoseconds % 1000000000u)};
}

#endif
