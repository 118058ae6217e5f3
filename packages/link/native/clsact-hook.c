// SPDX-License-Identifier: Apache-2.0
#include "clsact-hook.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <string.h>

#include "clsact-filters.h"

// Lower priorities are looked at first, and within one the newest filter. The handle is the one that we ask for first.
enum { FIRST_PRIORITY = 1, LAST_PRIORITY = 0xffff, FIRST_HANDLE = 0xbe47 };

enum { INGRESS = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS) };

static int ensure_clsact(int ifindex) {
  struct tc_request request = tc_make_request(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, ifindex);
  request.tc.tcm_parent = TC_H_CLSACT;
  request.tc.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
  tc_add_attribute(&request, TCA_KIND, "clsact", sizeof "clsact");
  int error = tc_exchange(&request);
  return error == EEXIST ? 0 : error;
}

static struct tc_request make_filter_request(uint16_t type, uint16_t flags, int ifindex, const struct clsact_place *place) {
  struct tc_request request = tc_make_request(type, flags, ifindex);
  request.tc.tcm_parent = (uint32_t)INGRESS;
  request.tc.tcm_handle = place->handle;
  request.tc.tcm_info = TC_H_MAKE(place->priority << 16, htons(ETH_P_ALL));
  tc_add_attribute(&request, TCA_KIND, "bpf", sizeof "bpf");
  return request;
}

static int put_filter(const struct clsact_program *program, int ifindex, const struct clsact_place *place, uint16_t flags) {
  struct tc_request request = make_filter_request(RTM_NEWTFILTER, NLM_F_CREATE | flags, ifindex, place);
  uint32_t fd = (uint32_t)program->descriptor, direct = TCA_BPF_FLAG_ACT_DIRECT;
  struct rtattr *options = tc_add_attribute(&request, TCA_OPTIONS, NULL, 0);
  tc_add_attribute(&request, TCA_BPF_FD, &fd, sizeof fd);
  tc_add_attribute(&request, TCA_BPF_NAME, program->name, strlen(program->name) + 1);
  tc_add_attribute(&request, TCA_BPF_FLAGS, &direct, sizeof direct);
  options->rta_len = (uint16_t)((uint8_t *)&request + request.header.nlmsg_len - (uint8_t *)options);
  return tc_exchange(&request);
}

// Whether our filter can be at this priority: no one is, or only filters of our kind, of which there may be many.
static bool has_room(const struct tc_filters *filters, uint32_t priority) {
  for (int index = 0; index < filters->count; index++) {
    const struct tc_filter *one = &filters->list[index];
    if (one->priority == priority && !(one->is_bpf && one->protocol == ETH_P_ALL)) return false;
  }
  return true;
}

static bool is_taken(const struct tc_filters *filters, const struct clsact_place *place) {
  for (int index = 0; index < filters->count; index++) {
    const struct tc_filter *one = &filters->list[index];
    if (one->priority == place->priority && one->handle == place->handle) return true;
  }
  return false;
}

static struct clsact_place free_place(const struct tc_filters *filters) {
  struct clsact_place place = {.priority = FIRST_PRIORITY, .handle = FIRST_HANDLE};
  while (place.priority < LAST_PRIORITY && !has_room(filters, place.priority)) place.priority++;
  while (is_taken(filters, &place)) place.handle++;
  return place;
}

static bool has_name(const struct tc_filter *one, const char *name) {
  return strncmp(one->name, name, sizeof one->name) == 0;
}

static void take_ours(int ifindex, const struct tc_filters *filters, const char *name) {
  for (int index = 0; index < filters->count; index++) {
    const struct tc_filter *one = &filters->list[index];
    if (!has_name(one, name)) continue;
    const struct clsact_place place = {.priority = one->priority, .handle = one->handle};
    struct tc_request request = make_filter_request(RTM_DELTFILTER, 0, ifindex, &place);
    // Best effort: the interface may have gone since.
    tc_exchange(&request);
  }
}

void clsact_detach(int ifindex, const char *name) {
  static struct tc_filters filters;
  if (tc_list_filters(ifindex, &filters) == 0) take_ours(ifindex, &filters, name);
}

bool clsact_attach(const struct clsact_program *program, int ifindex, struct clsact_place *place, struct failure *failure) {
  static struct tc_filters filters;
  int error = ensure_clsact(ifindex);
  if (error != 0) return fail(failure, "rtnetlink(RTM_NEWQDISC)", error);
  clsact_detach(ifindex, program->name);
  error = tc_list_filters(ifindex, &filters);
  if (error != 0) return fail(failure, "rtnetlink(RTM_GETTFILTER)", error);
  *place = free_place(&filters);
  error = put_filter(program, ifindex, place, NLM_F_EXCL);
  return error == 0 || fail(failure, "rtnetlink(RTM_NEWTFILTER)", error);
}

bool clsact_replace(const struct clsact_program *program, int ifindex, const struct clsact_place *place,
                    struct failure *failure) {
  int error = put_filter(program, ifindex, place, NLM_F_REPLACE);
  return error == 0 || fail(failure, "rtnetlink(RTM_NEWTFILTER)", error);
}

// Whether a filter may take away what the program is for.
static bool may_hide(const struct tc_filter *one, const struct clsact_program *program) {
  return one->protocol == ETH_P_ALL || one->protocol == program->protocol || one->protocol == ETH_P_IPV6;
}

enum hook_state clsact_look(const struct clsact_program *program, int ifindex, const struct clsact_place *place) {
  static struct tc_filters filters;
  if (tc_list_filters(ifindex, &filters) != 0) return HOOK_GONE;
  bool is_behind = false;
  for (int index = 0; index < filters.count; index++) {
    const struct tc_filter *one = &filters.list[index];
    bool is_it = has_name(one, program->name) && one->priority == place->priority && one->handle == place->handle;
    if (is_it) {
      if (one->program_id != bpf_program_id(program->descriptor)) return HOOK_GONE;
      return is_behind ? HOOK_BEHIND : HOOK_IN_PLACE;
    }
    // A classifier that is listed without a handle has its filters listed behind it.
    is_behind = is_behind || (one->handle != 0 && !bpf_is_ours(one->program_id) && may_hide(one, program));
  }
  return HOOK_GONE;
}

void clsact_sweep(const char *name) {
  struct if_nameindex *interfaces = if_nameindex();
  // Best effort: attaching looks again at each interface that is used.
  if (interfaces == NULL) return;
  for (const struct if_nameindex *one = interfaces; one->if_index != 0; one++) clsact_detach((int)one->if_index, name);
  if_freenameindex(interfaces);
}
