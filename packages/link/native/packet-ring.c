// SPDX-License-Identifier: Apache-2.0
#include "packet-ring.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

// 4,096 frames of 256 bytes: 1 MiB a ring. A frame has room for the header of the ring (80 bytes) and 176 bytes of what
// was received; longer frames are cut, which harms none that is answered.
enum { FRAME_BYTES = 256, FRAME_COUNT = 4096, BLOCK_BYTES = 65536, RING_BYTES = FRAME_BYTES * FRAME_COUNT };

static bool set_int(int fd, int option, int value) {
  return setsockopt(fd, SOL_PACKET, option, &value, sizeof value) == 0;
}

static bool bind_to(int fd, int ifindex, uint16_t ether_type) {
  struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ether_type), .sll_ifindex = ifindex};
  return bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
}

// Of IPv6, lets through only neighbor solicitations (135) and advertisements (136) right behind the fixed header.
static bool keep_neighbor_discovery(int fd) {
  struct sock_filter instructions[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ETH_HLEN + 6),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 4),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ETH_HLEN + 40),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 135, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 136, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  struct sock_fprog program = {.len = sizeof instructions / sizeof *instructions, .filter = instructions};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

static const char *set_up(struct packet_ring *ring, uint16_t ether_type) {
  struct tpacket_req layout = {.tp_block_size = BLOCK_BYTES,
                               .tp_block_nr = RING_BYTES / BLOCK_BYTES,
                               .tp_frame_size = FRAME_BYTES,
                               .tp_frame_nr = FRAME_COUNT};
  if (!set_int(ring->fd, PACKET_VERSION, TPACKET_V2)) return "setsockopt(PACKET_VERSION)";
  // Our own announcements need not wake us.
  if (!set_int(ring->fd, PACKET_IGNORE_OUTGOING, 1)) return "setsockopt(PACKET_IGNORE_OUTGOING)";
  if (setsockopt(ring->fd, SOL_PACKET, PACKET_RX_RING, &layout, sizeof layout) != 0) return "setsockopt(PACKET_RX_RING)";
  ring->memory = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
  if (ring->memory == MAP_FAILED) return "mmap";
  if (ether_type == ETH_P_IPV6 && !keep_neighbor_discovery(ring->fd)) return "setsockopt(SO_ATTACH_FILTER)";
  if (!bind_to(ring->fd, ring->ifindex, ether_type)) return "bind";
  return NULL;
}

static void close_ring(struct packet_ring *ring) {
  if (ring->memory != MAP_FAILED) munmap(ring->memory, RING_BYTES);
  if (ring->fd >= 0) close(ring->fd);
  ring->memory = MAP_FAILED;
  ring->fd = -1;
}

static bool open_ring(struct packet_ring *ring, int ifindex, uint16_t ether_type, const char **failed) {
  *ring = (struct packet_ring){.ifindex = ifindex, .memory = MAP_FAILED};
  // Protocol 0: nothing is captured before bind() names protocol and interface (packet(7)).
  ring->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  *failed = ring->fd < 0 ? "socket" : set_up(ring, ether_type);
  if (*failed == NULL) return true;
  int reason = errno;
  close_ring(ring);
  errno = reason;
  return false;
}

bool packet_rings_open(struct packet_ring rings[RING_COUNT], int ifindex, const char **failed) {
  if (!open_ring(&rings[ARP_RING], ifindex, ETH_P_ARP, failed)) return false;
  if (open_ring(&rings[NDP_RING], ifindex, ETH_P_IPV6, failed)) return true;
  int reason = errno;
  close_ring(&rings[ARP_RING]);
  errno = reason;
  return false;
}

void packet_rings_close(struct packet_ring rings[RING_COUNT]) {
  for (int ring = 0; ring < RING_COUNT; ring++) close_ring(&rings[ring]);
}

static struct tpacket2_hdr *header_of(const struct packet_ring *ring) {
  return (struct tpacket2_hdr *)(ring->memory + (size_t)ring->next * FRAME_BYTES);
}

// A socket on eth0 also sees the frames of its VLANs, with their tag gone. Those of VLAN 10 carry the index of eth0.10
// where that exists; those of a VLAN without an interface are marked as for another host, even broadcasts
// (__netif_receive_skb_core).
static const struct sockaddr_ll *origin_of(const struct tpacket2_hdr *header) {
  return (const void *)((const uint8_t *)header + TPACKET_ALIGN(sizeof *header));
}

bool packet_ring_peek(const struct packet_ring *ring, struct packet_frame *frame) {
  const struct tpacket2_hdr *header = header_of(ring);
  uint32_t status = __atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE);
  if ((status & TP_STATUS_USER) == 0) return false;
  frame->bytes = (const uint8_t *)header + header->tp_mac;
  frame->length = header->tp_snaplen;
  frame->is_for_other_interface = origin_of(header)->sll_ifindex != ring->ifindex;
  frame->is_for_other_host = origin_of(header)->sll_pkttype == PACKET_OTHERHOST;
  return true;
}

void packet_ring_release(struct packet_ring *ring) {
  __atomic_store_n(&header_of(ring)->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
  ring->next = (ring->next + 1) % FRAME_COUNT;
}

static uint32_t take_drops(const struct packet_ring *ring) {
  struct tpacket_stats stats = {0};
  socklen_t length = sizeof stats;
  // Best effort: a counter that cannot be read counts nothing.
  if (getsockopt(ring->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &length) != 0) return 0;
  return stats.tp_drops;
}

uint32_t packet_rings_take_drops(const struct packet_ring rings[RING_COUNT]) {
  return take_drops(&rings[ARP_RING]) + take_drops(&rings[NDP_RING]);
}
