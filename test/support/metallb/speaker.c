// SPDX-License-Identifier: Apache-2.0

// Stands in for a speaker of MetalLB in layer 2 mode: it answers ARP requests for addresses with the node's own MAC
// address, and announces them as MetalLB does, every 1.1 s for 5 s. Arguments: ADDRESS=NODE, one for each address;
// NODE_NAME says which of them are this node's. Ends at SIGTERM.
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_ADDRESSES = 256, ANNOUNCE_EVERY_MS = 1100, ANNOUNCEMENTS = 5 };

struct frame {
  struct ether_header ether;
  struct ether_arp arp;
} __attribute__((packed));

static const unsigned char everybody[ETH_ALEN] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static void stop(int signal_number) {
  (void)signal_number;
  _exit(0);
}

static struct frame frame_about(in_addr_t address, const unsigned char mac[ETH_ALEN], int operation) {
  struct frame frame = {0};
  memcpy(frame.ether.ether_shost, mac, ETH_ALEN);
  frame.ether.ether_type = htons(ETHERTYPE_ARP);
  frame.arp.ea_hdr.ar_hrd = htons(ARPHRD_ETHER);
  frame.arp.ea_hdr.ar_pro = htons(ETHERTYPE_IP);
  frame.arp.ea_hdr.ar_hln = ETH_ALEN;
  frame.arp.ea_hdr.ar_pln = sizeof address;
  frame.arp.ea_hdr.ar_op = htons((unsigned short)operation);
  memcpy(frame.arp.arp_sha, mac, ETH_ALEN);
  memcpy(frame.arp.arp_spa, &address, sizeof address);
  return frame;
}

static void announce(int fd, in_addr_t address, const unsigned char mac[ETH_ALEN]) {
  struct frame frame = frame_about(address, mac, ARPOP_REPLY);
  memcpy(frame.ether.ether_dhost, everybody, ETH_ALEN);
  memcpy(frame.arp.arp_tha, everybody, ETH_ALEN);
  memcpy(frame.arp.arp_tpa, &address, sizeof address);
  if (send(fd, &frame, sizeof frame, 0) < 0) perror("announce");
}

static void answer(int fd, const struct frame *question, const in_addr_t *own, int count, const unsigned char *mac) {
  if (ntohs(question->arp.ea_hdr.ar_op) != ARPOP_REQUEST) return;
  in_addr_t target;
  memcpy(&target, question->arp.arp_tpa, sizeof target);
  for (int i = 0; i < count; i++) {
    if (own[i] != target) continue;
    struct frame frame = frame_about(target, mac, ARPOP_REPLY);
    memcpy(frame.ether.ether_dhost, question->arp.arp_sha, ETH_ALEN);
    memcpy(frame.arp.arp_tha, question->arp.arp_sha, ETH_ALEN);
    memcpy(frame.arp.arp_tpa, question->arp.arp_spa, sizeof target);
    if (send(fd, &frame, sizeof frame, 0) < 0) perror("answer");
  }
}

static int own_addresses(int argc, char **argv, in_addr_t *own) {
  const char *node = getenv("NODE_NAME");
  int count = 0;
  for (int i = 1; i < argc && count < MAX_ADDRESSES; i++) {
    char *equals = strchr(argv[i], '=');
    if (equals == NULL || node == NULL || strcmp(equals + 1, node) != 0) continue;
    *equals = '\0';
    if (inet_pton(AF_INET, argv[i], &own[count]) == 1) count++;
  }
  return count;
}

int main(int argc, char **argv) {
  // Process 1 of a PID namespace ignores every signal that it does not handle.
  if (sigaction(SIGTERM, &(struct sigaction){.sa_handler = stop}, NULL) != 0) return 1;
  in_addr_t own[MAX_ADDRESSES];
  int count = own_addresses(argc, argv, own);
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ARP));
  struct ifreq request = {.ifr_name = "eth0"};
  if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request) < 0) return perror("eth0"), 1;
  unsigned char mac[ETH_ALEN];
  memcpy(mac, request.ifr_hwaddr.sa_data, ETH_ALEN);
  struct sockaddr_ll place = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP)};
  place.sll_ifindex = (int)if_nametoindex("eth0");
  if (bind(fd, (struct sockaddr *)&place, sizeof place) < 0) return perror("bind"), 1;
  for (int left = ANNOUNCEMENTS;;) {
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    if (left == ANNOUNCEMENTS || poll(&ready, 1, left > 0 ? ANNOUNCE_EVERY_MS : -1) == 0) {
      for (int i = 0; i < count; i++) announce(fd, own[i], mac);
      left--;
      continue;
    }
    // Frames are padded to 60 bytes; what is beyond the question does not matter.
    struct frame question;
    if (recv(fd, &question, sizeof question, MSG_TRUNC) >= (ssize_t)sizeof question)
      answer(fd, &question, own, count, mac);
  }
}
