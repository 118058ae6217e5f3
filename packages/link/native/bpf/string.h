// SPDX-License-Identifier: Apache-2.0
// The C library's header for a target without a C library. Lengths are constants: all of it is expanded in place.
#ifndef BERTH_BPF_STRING_H
#define BERTH_BPF_STRING_H

#include <stddef.h>
#include <stdint.h>

#define memcpy __builtin_memcpy
#define memset __builtin_memset
#define memcmp bpf_memcmp

// Tells only equal (0) from different (1), which is all that is asked for. Compilers for this target do not expand
// memcmp themselves.
static inline __attribute__((always_inline)) int bpf_memcmp(const void *a, const void *b, size_t length) {
  uint8_t difference = 0;
  _Pragma("clang loop unroll(full)") for (size_t index = 0; index < length; index++) {
    difference |= ((const uint8_t *)a)[index] ^ ((const uint8_t *)b)[index];
  }
  return difference != 0;
}

#endif
