// SPDX-License-Identifier: Apache-2.0
#include "conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "netlink-attributes.h"
#include "spread-hash.h"

enum { PART_BYTES = 1 << 16, ANSWER_SECONDS = 5, DUMP_ATTEMPTS = 3, FIRST_ROOM = 1024, PROTOCOL_TCP = 6 };
// Newer than the headers that this must build with (Linux 4.18).
enum { STATS_GLOBAL_MAX_ENTRIES = 2 };

// A Service with its place in the query: sorted, so that it is found by halving.
struct sorted_service {
  struct conntrack_service service;
  uint16_t position;
};

struct reading {
  const struct conntrack_query *query;
  struct sorted_service *services;
  struct conntrack_flows *flows;
  int error;
  bool has_changed;
};

// ---- Services ----

static int compare_services(const void *a, const void *b) {
  const struct conntrack_service *one = a, *other = b;
  int order = memcmp(one->vip, other->vip, sizeof one->vip);
  if (order != 0) return order;
  if (one->port != other->port) return one->port < other->port ? -1 : 1;
  return (one->protocol > other->protocol) - (one->protocol < other->protocol);
}

static struct sorted_service *sort_services(const struct conntrack_query *query) {
  struct sorted_service *list = calloc(query->service_count + 1, sizeof *list);
  if (list == NULL) return NULL;
  for (size_t index = 0; index < query->service_count; index++) {
    list[index] = (struct sorted_service){.service = query->services[index], .position = (uint16_t)index};
  }
  // The first member is what is compared.
  qsort(list, query->service_count, sizeof *list, compare_services);
  return list;
}

static const struct sorted_service *service_of(const struct reading *reading, const struct packet *packet) {
  struct conntrack_service key = {.port = packet->destination_port, .protocol = packet->protocol};
  memcpy(key.vip, packet->destination.bytes, sizeof key.vip);
  return bsearch(&key, reading->services, reading->query->service_count, sizeof *reading->services, compare_services);
}

// ---- tuples ----

static bool read_addresses(const struct attributes *tuple, struct packet *packet) {
  const struct attributes ip = nested(tuple, CTA_TUPLE_IP);
  memset(packet->source.bytes, 0, sizeof packet->source.bytes);
  memset(packet->destination.bytes, 0, sizeof packet->destination.bytes);
  if (copy(&ip, CTA_IP_V6_SRC, packet->source.bytes, 16)) return copy(&ip, CTA_IP_V6_DST, packet->destination.bytes, 16);
  packet->source.bytes[10] = packet->source.bytes[11] = 0xff;
  packet->destination.bytes[10] = packet->destination.bytes[11] = 0xff;
  return copy(&ip, CTA_IP_V4_SRC, packet->source.bytes + 12, 4) && copy(&ip, CTA_IP_V4_DST, packet->destination.bytes + 12, 4);
}

static bool read_tuple(const struct attributes *entry, uint16_t type, struct packet *packet) {
  const struct attributes tuple = nested(entry, type), protocol = nested(&tuple, CTA_TUPLE_PROTO);
  uint16_t source, destination;
  if (!read_addresses(&tuple, packet) || !copy(&protocol, CTA_PROTO_NUM, &packet->protocol, 1)) return false;
  if (!copy(&protocol, CTA_PROTO_SRC_PORT, &source, 2) || !copy(&protocol, CTA_PROTO_DST_PORT, &destination, 2)) return false;
  packet->source_port = ntohs(source);
  packet->destination_port = ntohs(destination);
  return true;
}

// ---- entries ----

// A TCP connection that is over, or nearly, needs no place: what may still come is answered with a reset or ignored
// anywhere.
static bool is_alive(const struct attributes *entry, uint8_t protocol) {
  uint8_t state = TCP_CONNTRACK_NONE;
  if (protocol != PROTOCOL_TCP) return true;
  const struct attributes info = nested(entry, CTA_PROTOINFO), tcp = nested(&info, CTA_PROTOINFO_TCP);
  if (!copy(&tcp, CTA_PROTOINFO_TCP_STATE, &state, 1)) return false;
  return state >= TCP_CONNTRACK_SYN_SENT && state <= TCP_CONNTRACK_CLOSE_WAIT;
}

// What no one has given another address is served by no one behind a VIP.
static bool is_translated(const struct attributes *entry, const struct packet *packet) {
  struct packet reply;
  if (!read_tuple(entry, CTA_TUPLE_REPLY, &reply)) return false;
  return memcmp(reply.source.bytes, packet->destination.bytes, sizeof reply.source.bytes) != 0 ||
         reply.source_port != packet->destination_port;
}

static bool add_flow(struct conntrack_flows *flows, struct conntrack_flow flow) {
  if (flows->count == flows->room) {
    size_t room = flows->room == 0 ? FIRST_ROOM : flows->room * 2;
    struct conntrack_flow *list = realloc(flows->list, room * sizeof *list);
    if (list == NULL) return false;
    flows->list = list;
    flows->room = room;
  }
  flows->list[flows->count++] = flow;
  return true;
}

static void read_entry(struct reading *reading, const struct attributes *entry) {
  struct packet packet;
  if (!read_tuple(entry, CTA_TUPLE_ORIG, &packet)) return;
  const struct sorted_service *found = service_of(reading, &packet);
  // A zone is a table of its own, of a virtual switch for example.
  if (found == NULL || entry->by_type[CTA_ZONE] != NULL) return;
  if (!is_alive(entry, packet.protocol) || !is_translated(entry, &packet)) return;
  const struct flow_hash hash = spread_hash(reading->query->seed, &packet);
  uint64_t by = found->service.is_by_client ? hash.client : hash.fingerprint;
  const struct conntrack_flow flow = {.fingerprint = hash.fingerprint,
                                      .service = found->position,
                                      .row = (uint16_t)(by & (found->service.row_count - 1))};
  if (!add_flow(reading->flows, flow)) reading->error = ENOMEM;
}

static void read_stats(struct reading *reading, const struct attributes *stats) {
  uint32_t number;
  if (copy(stats, CTA_STATS_GLOBAL_ENTRIES, &number, sizeof number)) reading->flows->total = ntohl(number);
  if (copy(stats, STATS_GLOBAL_MAX_ENTRIES, &number, sizeof number)) reading->flows->max = ntohl(number);
}

// ---- netlink ----

static void read_message(struct reading *reading, const struct nlmsghdr *header) {
  size_t begin = NLMSG_ALIGN(sizeof(struct nfgenmsg));
  if (NFNL_SUBSYS_ID(header->nlmsg_type) != NFNL_SUBSYS_CTNETLINK || NLMSG_PAYLOAD(header, 0) < begin) return;
  const struct attributes found = read_attributes((const uint8_t *)NLMSG_DATA(header) + begin, NLMSG_PAYLOAD(header, 0) - begin);
  if (NFNL_MSG_TYPE(header->nlmsg_type) == IPCTNL_MSG_CT_GET_STATS) read_stats(reading, &found);
  else read_entry(reading, &found);
}

static int error_of(const struct nlmsghdr *header) {
  return NLMSG_PAYLOAD(header, 0) < sizeof(struct nlmsgerr) ? EPROTO : -((const struct nlmsgerr *)NLMSG_DATA(header))->error;
}

// Reads one datagram; returns whether more are to come.
static bool read_part(struct reading *reading, const struct nlmsghdr *header, size_t length) {
  for (; NLMSG_OK(header, length); header = NLMSG_NEXT(header, length)) {
    if ((header->nlmsg_flags & NLM_F_DUMP_INTR) != 0) reading->has_changed = true;
    if (header->nlmsg_type == NLMSG_ERROR) reading->error = error_of(header);
    if (header->nlmsg_type == NLMSG_ERROR || header->nlmsg_type == NLMSG_DONE) return false;
    read_message(reading, header);
    // The answer about the table is one message, which says that more were to come.
    if (NFNL_MSG_TYPE(header->nlmsg_type) == IPCTNL_MSG_CT_GET_STATS) return false;
  }
  return reading->error == 0;
}

static bool receive(struct reading *reading, int fd, uint8_t *part) {
  for (bool has_more = true; has_more;) {
    ssize_t length = recv(fd, part, PART_BYTES, 0);
    if (length < 0 && errno == EINTR) continue;
    if (length <= 0) reading->error = length < 0 ? errno : EPROTO;
    has_more = length > 0 && read_part(reading, (const void *)part, (size_t)length);
  }
  return reading->error == 0;
}

static bool ask(struct reading *reading, int fd, uint8_t *part, uint8_t message, uint16_t flags) {
  struct {
    struct nlmsghdr header;
    struct nfgenmsg body;
  } request = {.header = {.nlmsg_len = sizeof request,
                          .nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | message,
                          .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags)},
               .body = {.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0}};
  if (send(fd, &request, sizeof request, 0) < 0) {
    reading->error = errno;
    return false;
  }
  return receive(reading, fd, part);
}

// The table may be made larger while it is read, and a part be left out.
static bool read_table(struct reading *reading, int fd, uint8_t *part) {
  for (int attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
    reading->flows->count = 0;
    reading->has_changed = false;
    if (!ask(reading, fd, part, IPCTNL_MSG_CT_GET, NLM_F_DUMP)) return false;
    if (!reading->has_changed) return true;
  }
  // What was read is right as far as it goes.
  return true;
}

static int open_socket(struct failure *failure) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  if (fd < 0) {
    fail(failure, "socket", errno);
    return -1;
  }
  // Whatever keeps the kernel from answering must not keep this thread for good.
  const struct timeval patience = {.tv_sec = ANSWER_SECONDS};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return fd;
}

bool conntrack_read(const struct conntrack_query *query, struct conntrack_flows *flows, struct failure *failure) {
  *flows = (struct conntrack_flows){0};
  int fd = open_socket(failure);
  if (fd < 0) return false;
  struct reading reading = {.query = query, .flows = flows, .services = sort_services(query)};
  uint8_t *part = malloc(PART_BYTES);
  if (reading.services == NULL || part == NULL) reading.error = ENOMEM;
  bool is_read = reading.error == 0 && ask(&reading, fd, part, IPCTNL_MSG_CT_GET_STATS, 0) && read_table(&reading, fd, part);
  free(part);
  free(reading.services);
  close(fd);
  if (is_read) return true;
  conntrack_free(flows);
  return fail(failure, "ctnetlink", reading.error);
}

void conntrack_free(struct conntrack_flows *flows) {
  free(flows->list);
  *flows = (struct conntrack_flows){0};
}
