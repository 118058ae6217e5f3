// SPDX-License-Identifier: Apache-2.0
// Functions of the kernel that the programs call (bpf-helpers(7)).
#ifndef BERTH_BPF_HELPERS_H
#define BERTH_BPF_HELPERS_H

#include <linux/bpf.h>
#include <stdint.h>

static void *(*const map_lookup)(const void *map, const void *key) = (void *)BPF_FUNC_map_lookup_elem;
static long (*const map_update)(const void *map, const void *key, const void *value, uint64_t flags) = (void *)BPF_FUNC_map_update_elem;
static long (*const map_delete)(const void *map, const void *key) = (void *)BPF_FUNC_map_delete_elem;
static uint64_t (*const boot_time_now)(void) = (void *)BPF_FUNC_ktime_get_boot_ns;
static long (*const load_bytes)(const void *skb, uint32_t offset, void *to, uint32_t length) = (void *)BPF_FUNC_skb_load_bytes;
static long (*const store_bytes)(struct __sk_buff *skb, uint32_t offset, const void *from, uint32_t length,
                                 uint64_t flags) = (void *)BPF_FUNC_skb_store_bytes;
static long (*const replace_checksum)(struct __sk_buff *skb, uint32_t offset, uint64_t from, uint64_t to,
                                      uint64_t flags) = (void *)BPF_FUNC_l3_csum_replace;
static long (*const vlan_pop)(struct __sk_buff *skb) = (void *)BPF_FUNC_skb_vlan_pop;
static long (*const redirect)(uint32_t ifindex, uint64_t flags) = (void *)BPF_FUNC_redirect;
static long (*const change_tail)(struct __sk_buff *skb, uint32_t length, uint64_t flags) = (void *)BPF_FUNC_skb_change_tail;

#endif
