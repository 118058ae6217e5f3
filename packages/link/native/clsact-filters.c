// SPDX-License-Identifier: Apache-2.0
#include "clsact-filters.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

// A dump that something changed under is read again so many times (NLM_F_DUMP_INTR).
enum { DUMP_ATTEMPTS = 5, DUMP_BYTES = 32768, ANSWER_SECONDS = 2 };

struct tc_request tc_make_request(uint16_t type, uint16_t flags, int ifindex) {
  return (struct tc_request){.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct tcmsg)),
                                        .nlmsg_type = type,
                                        .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags)},
                             .tc = {.tcm_family = AF_UNSPEC, .tcm_ifindex = ifindex}};
}

struct rtattr *tc_add_attribute(struct tc_request *request, uint16_t type, const void *data, size_t length) {
  struct rtattr *attribute = (void *)((uint8_t *)request + NLMSG_ALIGN(request->header.nlmsg_len));
  attribute->rta_type = type;
  attribute->rta_len = (uint16_t)RTA_LENGTH(length);
  if (length > 0) memcpy(RTA_DATA(attribute), data, length);
  request->header.nlmsg_len = NLMSG_ALIGN(request->header.nlmsg_len) + (uint32_t)RTA_ALIGN(attribute->rta_len);
  return attribute;
}

// Returns a socket with the request sent, or -1.
static int ask(const struct tc_request *request) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return -1;
  // The kernel answers at once; whatever keeps it from that must not keep this thread.
  const struct timeval patience = {.tv_sec = ANSWER_SECONDS};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (send(fd, request, request->header.nlmsg_len, 0) >= 0) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

static int error_of(const struct nlmsghdr *header) { return -((struct nlmsgerr *)NLMSG_DATA(header))->error; }

int tc_exchange(struct tc_request *request) {
  union {
    struct nlmsghdr header;
    uint8_t bytes[1024];
  } answer = {0};
  request->header.nlmsg_flags |= NLM_F_ACK;
  int fd = ask(request);
  if (fd < 0) return errno;
  ssize_t length = recv(fd, &answer, sizeof answer, 0);
  int error = length < 0 ? errno : 0;
  close(fd);
  if (error != 0) return error;
  if ((size_t)length < sizeof answer.header || answer.header.nlmsg_type != NLMSG_ERROR) return EPROTO;
  return error_of(&answer.header);
}

static const struct rtattr *find_attribute(const struct rtattr *attribute, size_t length, uint16_t type) {
  for (; RTA_OK(attribute, length); attribute = RTA_NEXT(attribute, length)) {
    if ((attribute->rta_type & ~NLA_F_NESTED) == type) return attribute;
  }
  return NULL;
}

static bool has_text(const struct rtattr *attribute, const char *text) {
  size_t length = strlen(text);
  return attribute != NULL && RTA_PAYLOAD(attribute) >= length && memcmp(RTA_DATA(attribute), text, length) == 0;
}

// What only filters with a BPF program have.
static void read_bpf(const struct rtattr *options, struct tc_filter *filter) {
  const struct rtattr *name = find_attribute(RTA_DATA(options), RTA_PAYLOAD(options), TCA_BPF_NAME);
  // A longer one is none of ours.
  if (name != NULL && RTA_PAYLOAD(name) <= sizeof filter->name) memcpy(filter->name, RTA_DATA(name), RTA_PAYLOAD(name));
  const struct rtattr *id = find_attribute(RTA_DATA(options), RTA_PAYLOAD(options), TCA_BPF_ID);
  if (id != NULL && RTA_PAYLOAD(id) >= sizeof filter->program_id) memcpy(&filter->program_id, RTA_DATA(id), sizeof filter->program_id);
}

// Each classifier comes first by itself, without options, and then with each of its filters.
static void read_filter(const struct nlmsghdr *header, struct tc_filters *filters) {
  if (header->nlmsg_type != RTM_NEWTFILTER || filters->count == TC_MAX_FILTERS) return;
  const struct tcmsg *tc = NLMSG_DATA(header);
  const struct rtattr *first = (const void *)((const uint8_t *)tc + NLMSG_ALIGN(sizeof *tc));
  size_t length = header->nlmsg_len - NLMSG_SPACE(sizeof *tc);
  struct tc_filter filter = {.priority = TC_H_MAJ(tc->tcm_info) >> 16,
                             .handle = tc->tcm_handle,
                             .protocol = ntohs((uint16_t)TC_H_MIN(tc->tcm_info)),
                             .is_bpf = has_text(find_attribute(first, length, TCA_KIND), "bpf")};
  const struct rtattr *options = find_attribute(first, length, TCA_OPTIONS);
  if (filter.is_bpf && options != NULL) read_bpf(options, &filter);
  filters->list[filters->count++] = filter;
}

// Reads one datagram of a dump. Returns whether more are to come; `error` becomes EINTR where the list changed
// meanwhile.
static bool read_part(struct nlmsghdr *header, size_t length, struct tc_filters *filters, int *error) {
  for (; NLMSG_OK(header, length); header = NLMSG_NEXT(header, length)) {
    if ((header->nlmsg_flags & NLM_F_DUMP_INTR) != 0) *error = EINTR;
    if (header->nlmsg_type == NLMSG_ERROR) *error = error_of(header);
    if (header->nlmsg_type == NLMSG_ERROR || header->nlmsg_type == NLMSG_DONE) return false;
    read_filter(header, filters);
  }
  return true;
}

static int list_once(int ifindex, struct tc_filters *filters) {
  static union {
    struct nlmsghdr header;
    uint8_t bytes[DUMP_BYTES];
  } part;
  struct tc_request request = tc_make_request(RTM_GETTFILTER, NLM_F_DUMP, ifindex);
  request.tc.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);
  filters->count = 0;
  int fd = ask(&request);
  if (fd < 0) return errno;
  int error = 0;
  for (bool has_more = true; has_more;) {
    ssize_t length = recv(fd, &part, sizeof part, 0);
    if (length <= 0) error = length < 0 ? errno : EPROTO;
    has_more = length > 0 && read_part(&part.header, (size_t)length, filters, &error);
  }
  close(fd);
  return error;
}

int tc_list_filters(int ifindex, struct tc_filters *filters) {
  int error = EINTR;
  for (int attempt = 0; attempt < DUMP_ATTEMPTS && error == EINTR; attempt++) error = list_once(ifindex, filters);
  return error;
}
