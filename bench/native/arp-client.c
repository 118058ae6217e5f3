// SPDX-License-Identifier: Apache-2.0
// A closed-loop ARP client: sends a request, waits for the reply, sends the next. Alternates between its targets from round to round,
// so that whatever else the machine does hits all of them alike.
//
// usage: arp-client IFNAME SENDER_IP ROUNDS REQUESTS TARGET_IP...
// prints one line per reply: index of the target, nanoseconds from before send() to after recv(). A lost reply has -1.
#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 1000, WARM_UP = 50 };

struct frame {
  struct ether_header ethernet;
  struct ether_arp arp;
} __attribute__((packed));

static void die(const char *what) {
  fprintf(stderr, "arp-client: %s: %s\n", what, strerror(errno));
  exit(1);
}

static long long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int open_socket(const char *ifname) {
  int fd = socket(AF_PACKET, SOCK_RAW, 0);
  if (fd < 0) die("socket");
  struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                .sll_protocol = htons(ETHERTYPE_ARP),
                                .sll_ifindex = (int)if_nametoindex(ifname)};
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) die("bind");
  return fd;
}

static struct frame make_request(int fd, const char *ifname, const char *sender) {
  struct frame request = {.ethernet.ether_type = htons(ETHERTYPE_ARP),
                          .arp.ea_hdr = {.ar_hrd = htons(ARPHRD_ETHER),
                                         .ar_pro = htons(ETHERTYPE_IP),
                                         .ar_hln = ETH_ALEN,
                                         .ar_pln = 4,
                                         .ar_op = htons(ARPOP_REQUEST)}};
  struct ifreq interface = {0};
  snprintf(interface.ifr_name, sizeof interface.ifr_name, "%s", ifname);
  if (ioctl(fd, SIOCGIFHWADDR, &interface) != 0) die("ioctl(SIOCGIFHWADDR)");
  memset(request.ethernet.ether_dhost, 0xff, ETH_ALEN);
  memcpy(request.ethernet.ether_shost, interface.ifr_hwaddr.sa_data, ETH_ALEN);
  memcpy(request.arp.arp_sha, interface.ifr_hwaddr.sa_data, ETH_ALEN);
  if (inet_pton(AF_INET, sender, request.arp.arp_spa) != 1) die(sender);
  return request;
}

static bool is_reply(const struct frame *frame, ssize_t length, const struct frame *request) {
  return length >= (ssize_t)sizeof *frame && frame->arp.ea_hdr.ar_op == htons(ARPOP_REPLY) &&
         memcmp(frame->arp.arp_spa, request->arp.arp_tpa, sizeof frame->arp.arp_spa) == 0;
}

// Returns the nanoseconds until the reply, or -1 when none comes.
static long long ask(int fd, const struct frame *request) {
  long long begin = now_ns();
  if (send(fd, request, sizeof *request, 0) < 0) die("send");
  struct pollfd readable = {.fd = fd, .events = POLLIN};
  while (poll(&readable, 1, PATIENCE_MS) > 0) {
    struct frame reply;
    ssize_t length = recv(fd, &reply, sizeof reply, 0);
    if (is_reply(&reply, length, request)) return now_ns() - begin;
  }
  return -1;
}

int main(int argc, char **argv) {
  if (argc < 6) {
    fprintf(stderr, "usage: arp-client IFNAME SENDER_IP ROUNDS REQUESTS TARGET_IP...\n");
    return 2;
  }
  int fd = open_socket(argv[1]);
  struct frame request = make_request(fd, argv[1], argv[2]);
  int rounds = atoi(argv[3]), requests = atoi(argv[4]), targets = argc - 5;
  for (int turn = 0; turn < rounds * targets; turn++) {
    int target = turn % targets;
    if (inet_pton(AF_INET, argv[5 + target], request.arp.arp_tpa) != 1) die(argv[5 + target]);
    for (int count = 0; count < WARM_UP; count++) ask(fd, &request);
    for (int count = 0; count < requests; count++) printf("%d %lld\n", target, ask(fd, &request));
  }
  close(fd);
  return 0;
}
