// SPDX-License-Identifier: Apache-2.0
// What the programs here share: a packet socket, the time, an end with a message, frames in hex.
#pragma once
#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static inline void die(const char *what) {
  fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
  exit(1);
}

static inline long long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

// Protocol is an EtherType; with 0 the socket only sends.
static inline int open_socket(const char *ifname, uint16_t protocol) {
  int fd = socket(AF_PACKET, SOCK_RAW, 0);
  if (fd < 0) die("socket");
  struct sockaddr_ll address = {
      .sll_family = AF_PACKET, .sll_protocol = htons(protocol), .sll_ifindex = (int)if_nametoindex(ifname)};
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) die("bind");
  return fd;
}

// Returns the number of bytes, 0 when the text is not hex or too long.
static inline size_t read_hex(const char *hex, uint8_t *bytes, size_t room) {
  size_t length = strspn(hex, "0123456789abcdef") / 2;
  if (length > room) return 0;
  for (size_t at = 0; at < length; at++) {
    char pair[3] = {hex[2 * at], hex[2 * at + 1], 0};
    bytes[at] = (uint8_t)strtoul(pair, NULL, 16);
  }
  return length;
}
