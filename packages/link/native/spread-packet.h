// SPDX-License-Identifier: Apache-2.0
// What flow a frame belongs to. spread-packet-read.h is the part of spreading that reads foreign bytes: pure C, for the
// program in the kernel and for the fuzzer. Who includes that gives INLINED, `struct packet_source` and `packet_read`.
#ifndef BERTH_SPREAD_PACKET_H
#define BERTH_SPREAD_PACKET_H

#include <stdbool.h>
#include <stdint.h>

enum packet_kind {
  // Nothing that is spread: it goes the usual way.
  PACKET_OTHER,
  PACKET_FLOW,
  // The first fragment of a datagram: it has ports, those behind it have not.
  PACKET_FIRST_FRAGMENT,
  PACKET_FRAGMENT,
  // An ICMP error; the flow is that of the packet that is quoted, seen from the client.
  PACKET_ERROR,
};

// 16 bytes; IPv4 mapped into IPv6 (RFC 4291, 2.5.5.2).
union packet_address {
  uint8_t bytes[16];
  uint64_t words[2];
};

struct packet {
  union packet_address source, destination;
  // Of a datagram in fragments; all fragments of one have it.
  uint32_t fragment_id;
  // In host byte order.
  uint16_t source_port, destination_port;
  // Where what follows the headers that were read begins.
  uint32_t next_at;
  // What that is: a number of the registry "Assigned Internet Protocol Numbers".
  uint8_t protocol;
  // TTL or hop limit.
  uint8_t hops;
  bool is_ipv6;
  bool is_fragment;
  bool is_first;
  // A SYN without ACK, or the chunk INIT of SCTP.
  bool is_opening;
};

#endif
