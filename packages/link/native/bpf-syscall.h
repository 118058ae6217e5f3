// SPDX-License-Identifier: Apache-2.0
// The call bpf(2) itself.
#ifndef BERTH_BPF_SYSCALL_H
#define BERTH_BPF_SYSCALL_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline int bpf(enum bpf_cmd command, union bpf_attr *attributes) {
  return (int)syscall(SYS_bpf, command, attributes, sizeof *attributes);
}

static inline uint64_t bpf_pointer(const void *data) { return (uint64_t)(uintptr_t)data; }

// Fills as much of `info` as the kernel knows.
static inline bool bpf_read_info(int descriptor, void *info, uint32_t length) {
  union bpf_attr attributes = {.info = {.bpf_fd = (uint32_t)descriptor, .info_len = length, .info = bpf_pointer(info)}};
  return bpf(BPF_OBJ_GET_INFO_BY_FD, &attributes) == 0;
}

#endif
