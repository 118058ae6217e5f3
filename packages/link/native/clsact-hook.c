// SPDX-License-Identifier: Apache-2.0
#include "clsact-hook.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// How our filter is known: priority 1 is looked at first, and within it the newest filter. The handle is ours alone, and so is the name.
enum { PRIORITY = 1, HANDLE = 0xbe47 };
static const char filter_name[] = "berth_answer";

enum { INGRESS = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS) };

struct request {
  struct nlmsghdr header;
  struct tcmsg tc;
  uint8_t attributes[256];
};

// The kernel's answer to one request: an error number, or the filter that was asked for.
union answer {
  struct nlmsghdr header;
  uint8_t bytes[8192];
};

static struct request make_request(uint16_t type, uint16_t flags, int ifindex) {
  return (struct request){.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct tcmsg)),
                                     .nlmsg_type = type,
                                     .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags)},
                          .tc = {.tcm_family = AF_UNSPEC, .tcm_ifindex = ifindex}};
}

static struct rtattr *add_attribute(struct request *request, uint16_t type, const void *data, size_t length) {
  struct rtattr *attribute = (void *)((uint8_t *)request + NLMSG_ALIGN(request->header.nlmsg_len));
  attribute->rta_type = type;
  attribute->rta_len = (uint16_t)RTA_LENGTH(length);
  if (length > 0) memcpy(RTA_DATA(attribute), data, length);
  request->header.nlmsg_len = NLMSG_ALIGN(request->header.nlmsg_len) + (uint32_t)RTA_ALIGN(attribute->rta_len);
  return attribute;
}

// Returns 0 or an errno. Without `answer` only the acknowledgement is waited for.
static int exchange(struct request *request, union answer *answer) {
  union answer acknowledgement;
  if (answer == NULL) answer = &acknowledgement;
  answer->header = (struct nlmsghdr){0};
  request->header.nlmsg_flags |= answer == &acknowledgement ? NLM_F_ACK : 0;
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return errno;
  // Requests of rtnetlink are done when send returns, so the answer is there already.
  ssize_t length = send(fd, request, request->header.nlmsg_len, 0);
  if (length >= 0) length = recv(fd, answer, sizeof *answer, 0);
  int error = length < 0 ? errno : 0;
  close(fd);
  if (error == 0 && (size_t)length < sizeof answer->header) error = EPROTO;
  if (error == 0 && answer->header.nlmsg_type == NLMSG_ERROR) {
    error = -((struct nlmsgerr *)NLMSG_DATA(&answer->header))->error;
  }
  return error;
}

static int ensure_clsact(int ifindex) {
  struct request request = make_request(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, ifindex);
  request.tc.tcm_parent = TC_H_CLSACT;
  request.tc.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
  add_attribute(&request, TCA_KIND, "clsact", sizeof "clsact");
  int error = exchange(&request, NULL);
  return error == EEXIST ? 0 : error;
}

static struct request make_filter_request(uint16_t type, uint16_t flags, int ifindex) {
  struct request request = make_request(type, flags, ifindex);
  request.tc.tcm_parent = (uint32_t)INGRESS;
  request.tc.tcm_handle = HANDLE;
  request.tc.tcm_info = TC_H_MAKE((uint32_t)PRIORITY << 16, htons(ETH_P_ALL));
  add_attribute(&request, TCA_KIND, "bpf", sizeof "bpf");
  return request;
}

static const struct rtattr *find_attribute(const struct rtattr *attribute, size_t length, uint16_t type) {
  for (; RTA_OK(attribute, length); attribute = RTA_NEXT(attribute, length)) {
    if ((attribute->rta_type & ~NLA_F_NESTED) == type) return attribute;
  }
  return NULL;
}

// Whether the filter at our place is ours. Anybody may use the same handle; nobody else has the name.
static bool has_our_filter(int ifindex) {
  struct request request = make_filter_request(RTM_GETTFILTER, 0, ifindex);
  union answer answer = {0};
  if (exchange(&request, &answer) != 0 || answer.header.nlmsg_type != RTM_NEWTFILTER) return false;
  const struct tcmsg *tc = NLMSG_DATA(&answer.header);
  const struct rtattr *first = (const void *)((const uint8_t *)tc + NLMSG_ALIGN(sizeof *tc));
  const struct rtattr *options = find_attribute(first, answer.header.nlmsg_len - NLMSG_SPACE(sizeof *tc), TCA_OPTIONS);
  if (options == NULL) return false;
  const struct rtattr *name = find_attribute(RTA_DATA(options), RTA_PAYLOAD(options), TCA_BPF_NAME);
  return name != NULL && RTA_PAYLOAD(name) >= sizeof filter_name - 1 &&
         memcmp(RTA_DATA(name), filter_name, sizeof filter_name - 1) == 0;
}

void clsact_detach(int ifindex) {
  if (!has_our_filter(ifindex)) return;
  struct request request = make_filter_request(RTM_DELTFILTER, 0, ifindex);
  // Best effort: the interface may have gone since.
  exchange(&request, NULL);
}

bool clsact_attach(int program, int ifindex, struct failure *failure) {
  int error = ensure_clsact(ifindex);
  if (error != 0) {
    *failure = (struct failure){"rtnetlink(RTM_NEWQDISC)", error};
    return false;
  }
  clsact_detach(ifindex);
  struct request request = make_filter_request(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, ifindex);
  uint32_t fd = (uint32_t)program, flags = TCA_BPF_FLAG_ACT_DIRECT;
  struct rtattr *options = add_attribute(&request, TCA_OPTIONS, NULL, 0);
  add_attribute(&request, TCA_BPF_FD, &fd, sizeof fd);
  add_attribute(&request, TCA_BPF_NAME, filter_name, sizeof filter_name);
  add_attribute(&request, TCA_BPF_FLAGS, &flags, sizeof flags);
  options->rta_len = (uint16_t)((uint8_t *)&request + request.header.nlmsg_len - (uint8_t *)options);
  error = exchange(&request, NULL);
  if (error != 0) *failure = (struct failure){"rtnetlink(RTM_NEWTFILTER)", error};
  return error == 0;
}

void clsact_sweep(void) {
  struct if_nameindex *interfaces = if_nameindex();
  // Best effort: attaching looks again at each interface that is used.
  if (interfaces == NULL) return;
  for (const struct if_nameindex *one = interfaces; one->if_index != 0; one++) clsact_detach((int)one->if_index);
  if_freenameindex(interfaces);
}
