// SPDX-License-Identifier: Apache-2.0
#include "beat-slot.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  COUNTER_BYTES = 6,
  // TC_PRIO_CONTROL and TC_PRIO_INTERACTIVE (<linux/pkt_sched.h>).
  CONTROL_PRIORITY = 7,
  INTERACTIVE_PRIORITY = 6,
};

// ---- sockets ----

// A queue that other traffic fills must not hold up a sign of life. Older kernels want CAP_NET_ADMIN for the highest
// priority.
static void go_first(int fd) {
  int priority = CONTROL_PRIORITY;
  if (setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &priority, sizeof priority) == 0) return;
  priority = INTERACTIVE_PRIORITY;
  setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &priority, sizeof priority);
}

int beat_socket_open(int ifindex, struct failure *failure) {
  // Without a protocol the socket receives nothing.
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    fail(failure, "socket", errno);
    return -1;
  }
  go_first(fd);
  struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_ifindex = ifindex};
  if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  fail(failure, "bind", errno);
  close(fd);
  return -1;
}

static void close_fd(int fd) {
  if (fd >= 0) close(fd);
}

void beat_slot_close(struct beat_slot *slot) {
  close_fd(slot->fd);
  close_fd(slot->fd4);
  close_fd(slot->fd6);
  free(slot->copies);
  free(slot->addresses);
  *slot = EMPTY_BEAT_SLOT;
}

// ---- what is sent ----

static void seal(struct beat_slot *slot, uint64_t counter) {
  uint8_t digest[SHA256_DIGEST_LENGTH];
  for (int index = 0; index < COUNTER_BYTES; index++)
    slot->frame[HEARTBEAT_COUNTER_OFFSET + index] = (uint8_t)(counter >> (8 * (COUNTER_BYTES - 1 - index)));
  // The tag covers the heartbeat without its Ethernet header.
  uint8_t *heartbeat_bytes = slot->frame + ETHERNET_HEADER_BYTES;
  size_t covered = slot->length - ETHERNET_HEADER_BYTES - HEARTBEAT_TAG_BYTES;
  hmac_sha256(&slot->key, heartbeat_bytes, covered, digest);
  memcpy(heartbeat_bytes + covered, digest, HEARTBEAT_TAG_BYTES);
}

// The tag does not cover the Ethernet header, so a copy differs in its destination alone.
static bool send_copies(struct beat_slot *slot) {
  bool is_sent = false;
  uint8_t group[MAC_BYTES];
  memcpy(group, slot->frame, MAC_BYTES);
  for (size_t index = 0; index < slot->copy_count; index++) {
    memcpy(slot->frame, slot->copies + index * MAC_BYTES, MAC_BYTES);
    if (send(slot->fd, slot->frame, slot->length, MSG_DONTWAIT) >= 0) is_sent = true;
  }
  memcpy(slot->frame, group, MAC_BYTES);
  return is_sent;
}

// The heartbeat alone: headers are the kernel's.
static bool send_datagrams(const struct beat_slot *slot) {
  bool is_sent = false;
  const uint8_t *payload = slot->frame + ETHERNET_HEADER_BYTES;
  size_t length = slot->length - ETHERNET_HEADER_BYTES;
  for (size_t index = 0; index < slot->address_count; index++) {
    struct sockaddr_storage to = {0};
    memcpy(&to, slot->addresses + index * HEARTBEAT_ADDRESS_BYTES, HEARTBEAT_ADDRESS_BYTES);
    bool is_v4 = to.ss_family == AF_INET;
    socklen_t size = is_v4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    int fd = is_v4 ? slot->fd4 : slot->fd6;
    if (fd >= 0 && sendto(fd, payload, length, MSG_DONTWAIT, (struct sockaddr *)&to, size) >= 0) is_sent = true;
  }
  return is_sent;
}

bool beat_slot_send(struct beat_slot *slot, uint64_t counter) {
  seal(slot, counter);
  bool is_sent = send(slot->fd, slot->frame, slot->length, MSG_DONTWAIT) >= 0;
  if (send_copies(slot)) is_sent = true;
  if (send_datagrams(slot)) is_sent = true;
  return is_sent;
}

// ---- datagrams ----

// Shares the caller's socket, so that both send from one port. -1 where there is none.
static int share(int fd) { return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0); }

bool beat_datagrams_make(struct beat_slot *slot, const struct heartbeat_datagrams *datagrams) {
  size_t bytes = datagrams->count * HEARTBEAT_ADDRESS_BYTES;
  *slot = EMPTY_BEAT_SLOT;
  slot->fd4 = share(datagrams->fd4);
  slot->fd6 = share(datagrams->fd6);
  // One byte more, so that there is always something to hold.
  slot->addresses = malloc(bytes + 1);
  slot->address_count = datagrams->count;
  if (slot->addresses == NULL) return false;
  if (bytes > 0) memcpy(slot->addresses, datagrams->addresses, bytes);
  return (slot->fd4 >= 0) == (datagrams->fd4 >= 0) && (slot->fd6 >= 0) == (datagrams->fd6 >= 0);
}

void beat_datagrams_swap(struct beat_slot *slot, struct beat_slot *with) {
  struct beat_slot before = *slot;
  slot->addresses = with->addresses;
  slot->address_count = with->address_count;
  slot->fd4 = with->fd4;
  slot->fd6 = with->fd6;
  *with = (struct beat_slot){.fd = -1, .fd4 = before.fd4, .fd6 = before.fd6, .addresses = before.addresses};
}
