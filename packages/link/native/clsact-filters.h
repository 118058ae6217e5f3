// SPDX-License-Identifier: Apache-2.0
// The filters on the ingress of an interface, as rtnetlink(7) lists them, and requests about them.
#ifndef BERTH_CLSACT_FILTERS_H
#define BERTH_CLSACT_FILTERS_H

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// One filter as it is listed: the first is looked at first by the kernel.
struct tc_filter {
  uint32_t priority;
  uint32_t handle;
  // EtherType that it is for, in host byte order.
  uint16_t protocol;
  bool is_bpf;
  // Of the filter, empty for none; no one else uses ours.
  char name[16];
  // Of a BPF program; 0 for none.
  uint32_t program_id;
};

enum { TC_MAX_FILTERS = 256 };

struct tc_filters {
  int count;
  struct tc_filter list[TC_MAX_FILTERS];
};

// A request with room for its attributes.
struct tc_request {
  struct nlmsghdr header;
  struct tcmsg tc;
  uint8_t attributes[256];
};

struct tc_request tc_make_request(uint16_t type, uint16_t flags, int ifindex);
struct rtattr *tc_add_attribute(struct tc_request *request, uint16_t type, const void *data, size_t length);
// Sends a request and waits for its acknowledgement. Returns 0 or an errno.
int tc_exchange(struct tc_request *request);

// Lists the filters on the ingress, at most TC_MAX_FILTERS. Returns 0 or an errno. An interface without clsact has
// none.
int tc_list_filters(int ifindex, struct tc_filters *filters);

#endif
