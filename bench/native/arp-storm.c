// SPDX-License-Identifier: Apache-2.0
// A storm of ARP requests from many senders, at a rate that is kept as well as the machine can. Every other request is
// for the first target, the rest for the second, which no one has.
//
// usage: arp-storm IFNAME RATE SECONDS SENDERS TARGET_IP OTHER_IP
// prints six numbers: nanoseconds that it took, requests for either target, replies for either target, and frames that
// came while this program had no room for them.
#include "packet.h"

#include <linux/filter.h>
#include <netinet/if_ether.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

enum { BATCH = 64, QUIET_MS = 500, RECEIVE_BUFFER = 256 << 20, OTHER = 1, TARGETS = 2 };

struct frame {
  struct ether_header ethernet;
  struct ether_arp arp;
} __attribute__((packed));

struct storm {
  const char *ifname;
  long rate, seconds, senders;
  uint8_t targets[TARGETS][4];
  long sent[TARGETS];
};

struct counter {
  int fd;
  const struct storm *storm;
  atomic_long replies[TARGETS];
  atomic_bool is_over;
};

static int open_large_socket(const char *ifname, uint16_t protocol) {
  int fd = open_socket(ifname, protocol), buffer = RECEIVE_BUFFER;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) != 0) die("setsockopt(SO_RCVBUFFORCE)");
  return fd;
}

// Takes in replies only.
static int open_ear(const char *ifname) {
  struct sock_filter code[] = {BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 20), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 1),
                               BPF_STMT(BPF_RET | BPF_K, 64), BPF_STMT(BPF_RET | BPF_K, 0)};
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  int fd = open_large_socket(ifname, ETHERTYPE_ARP);
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) die("setsockopt(SO_ATTACH_FILTER)");
  return fd;
}

static unsigned dropped_at(int fd) {
  // As struct tpacket_stats of linux/if_packet.h, which does not go with netpacket/packet.h: frames received, and
  // dropped.
  unsigned counts[2];
  socklen_t length = sizeof counts;
  if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, counts, &length) != 0) die("getsockopt(PACKET_STATISTICS)");
  return counts[1];
}

static void count_frame(struct counter *counter, const struct frame *frame) {
  // No one asked for an announcement: it names its sender as the target (RFC 5227).
  if (memcmp(frame->arp.arp_spa, frame->arp.arp_tpa, 4) == 0) return;
  for (int target = 0; target < TARGETS; target++) {
    if (memcmp(frame->arp.arp_spa, counter->storm->targets[target], 4) == 0) atomic_fetch_add(&counter->replies[target], 1);
  }
}

static void *count_replies(void *argument) {
  struct counter *counter = argument;
  struct pollfd readable = {.fd = counter->fd, .events = POLLIN};
  struct frame frames[BATCH];
  struct iovec buffers[BATCH];
  struct mmsghdr messages[BATCH];
  memset(messages, 0, sizeof messages);
  for (int index = 0; index < BATCH; index++) {
    buffers[index] = (struct iovec){&frames[index], sizeof frames[index]};
    messages[index].msg_hdr = (struct msghdr){.msg_iov = &buffers[index], .msg_iovlen = 1};
  }
  // Over when the storm is, and nothing has come for a while.
  while (poll(&readable, 1, QUIET_MS) > 0 || !atomic_load(&counter->is_over)) {
    int count = recvmmsg(counter->fd, messages, BATCH, MSG_DONTWAIT, NULL);
    for (int index = 0; index < count; index++) count_frame(counter, &frames[index]);
  }
  return NULL;
}

static void fill(const struct storm *storm, struct frame *frame, long number) {
  uint32_t sender = htonl((uint32_t)(0xc6120000 + number / TARGETS % storm->senders));
  uint8_t mac[ETH_ALEN] = {0x02, 0x00};
  memcpy(mac + 2, &sender, 4);
  *frame = (struct frame){.ethernet.ether_type = htons(ETHERTYPE_ARP),
                          .arp.ea_hdr = {htons(1), htons(ETHERTYPE_IP), ETH_ALEN, 4, htons(ARPOP_REQUEST)}};
  memset(frame->ethernet.ether_dhost, 0xff, ETH_ALEN);
  memcpy(frame->ethernet.ether_shost, mac, ETH_ALEN);
  memcpy(frame->arp.arp_sha, mac, ETH_ALEN);
  memcpy(frame->arp.arp_spa, &sender, 4);
  memcpy(frame->arp.arp_tpa, storm->targets[number % TARGETS], 4);
}

static int send_batch(int fd, struct storm *storm, long number) {
  struct frame frames[BATCH];
  struct iovec buffers[BATCH];
  struct mmsghdr messages[BATCH];
  memset(messages, 0, sizeof messages);
  for (int index = 0; index < BATCH; index++) {
    fill(storm, &frames[index], number + index);
    buffers[index] = (struct iovec){&frames[index], sizeof frames[index]};
    messages[index].msg_hdr = (struct msghdr){.msg_iov = &buffers[index], .msg_iovlen = 1};
  }
  int sent = sendmmsg(fd, messages, BATCH, 0);
  for (int index = 0; index < sent; index++) storm->sent[(number + index) % TARGETS]++;
  // No room in the queue at this moment: the next batch takes up where this one ended.
  return sent < 0 ? 0 : sent;
}

static long long run(struct storm *storm) {
  int fd = open_socket(storm->ifname, 0);
  long long begin = now_ns(), end = begin + storm->seconds * 1000000000LL;
  for (long number = 0; now_ns() < end;) {
    long due = (long)((double)(now_ns() - begin) * (double)storm->rate / 1e9);
    if (number < due) number += send_batch(fd, storm, number);
    else usleep(200);
  }
  close(fd);
  return now_ns() - begin;
}

int main(int argc, char **argv) {
  if (argc != 7) {
    fprintf(stderr, "usage: arp-storm IFNAME RATE SECONDS SENDERS TARGET_IP OTHER_IP\n");
    return 2;
  }
  struct storm storm = {.ifname = argv[1], .rate = atol(argv[2]), .seconds = atol(argv[3]), .senders = atol(argv[4])};
  for (int target = 0; target < TARGETS; target++) {
    if (inet_pton(AF_INET, argv[5 + target], storm.targets[target]) != 1) die(argv[5 + target]);
  }
  struct counter counter = {.fd = open_ear(argv[1]), .storm = &storm};
  pthread_t thread;
  errno = pthread_create(&thread, NULL, count_replies, &counter);
  if (errno != 0) die("pthread_create");
  long long took = run(&storm);
  atomic_store(&counter.is_over, true);
  pthread_join(thread, NULL);
  printf("%lld %ld %ld %ld %ld %u\n", took, storm.sent[0], storm.sent[OTHER], atomic_load(&counter.replies[0]),
         atomic_load(&counter.replies[OTHER]), dropped_at(counter.fd));
  return 0;
}
