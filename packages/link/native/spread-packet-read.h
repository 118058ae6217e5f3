// SPDX-License-Identifier: Apache-2.0
// Reads a frame into a struct packet; see spread-packet.h. Reads at most six extension headers of IPv6 (RFC 8200), and
// of an ICMP error (RFC 792, RFC 4443) the packet that it quotes. Offsets count from the Ethernet header.
#ifndef BERTH_SPREAD_PACKET_READ_H
#define BERTH_SPREAD_PACKET_READ_H

#include <string.h>

#include "spread-packet.h"

enum { ETHERNET_BYTES = 14, ETHER_IPV4 = 0x0800, ETHER_IPV6 = 0x86dd, IPV4_LEAST_BYTES = 20, IPV6_BYTES = 40, ICMP_HEADER_BYTES = 8 };
enum { PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17, PROTOCOL_ICMPV6 = 58, PROTOCOL_SCTP = 132 };
// Extension headers that may stand before a transport header.
enum { HEADER_HOP_BY_HOP = 0, HEADER_ROUTING = 43, HEADER_FRAGMENT = 44, HEADER_AUTHENTICATION = 51, HEADER_DESTINATION = 60 };
enum { MOST_EXTENSION_HEADERS = 6, EXTENSION_UNIT = 8, AUTHENTICATION_UNIT = 4, FRAGMENT_HEADER_BYTES = 8 };
// Destination unreachable with "fragmentation needed", source quench, time exceeded, parameter problem (RFC 792); 1 to
// 4 in ICMPv6 are all errors.
enum { ICMP_UNREACHABLE = 3, ICMP_QUENCH = 4, ICMP_TIME_EXCEEDED = 11, ICMP_PARAMETER = 12, ICMPV6_FIRST_ERROR = 1, ICMPV6_LAST_ERROR = 4 };
enum { TCP_FLAGS_AT = 13, TCP_SYN = 0x02, TCP_ACK = 0x10, SCTP_CHUNK_AT = 12, SCTP_INIT = 1, PORTS_BYTES = 4 };

INLINED bool packet_read(struct packet_source *from, uint32_t offset, void *to, uint32_t length);

INLINED uint16_t two_bytes(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }

INLINED bool packet_read_ipv4(struct packet_source *from, uint32_t at, struct packet *packet) {
  uint8_t header[IPV4_LEAST_BYTES];
  if (!packet_read(from, at, header, sizeof header)) return false;
  uint32_t length = (header[0] & 0x0fu) * 4;
  if (header[0] >> 4 != 4 || length < IPV4_LEAST_BYTES) return false;
  uint16_t fragment = two_bytes(header + 6);
  packet->is_ipv6 = false;
  packet->is_first = (fragment & 0x1fff) == 0;
  packet->is_fragment = (fragment & 0x3fff) != 0;
  packet->fragment_id = two_bytes(header + 4);
  packet->hops = header[8];
  packet->protocol = header[9];
  packet->next_at = at + length;
  packet->source.words[0] = packet->destination.words[0] = 0;
  packet->source.words[1] = packet->destination.words[1] = 0;
  packet->source.bytes[10] = packet->source.bytes[11] = 0xff;
  packet->destination.bytes[10] = packet->destination.bytes[11] = 0xff;
  memcpy(packet->source.bytes + 12, header + 12, 4);
  memcpy(packet->destination.bytes + 12, header + 16, 4);
  return true;
}

INLINED bool packet_read_ipv6(struct packet_source *from, uint32_t at, struct packet *packet) {
  uint8_t header[IPV6_BYTES];
  if (!packet_read(from, at, header, sizeof header)) return false;
  if (header[0] >> 4 != 6) return false;
  packet->is_ipv6 = true;
  packet->is_first = true;
  packet->is_fragment = false;
  packet->fragment_id = 0;
  packet->protocol = header[6];
  packet->hops = header[7];
  packet->next_at = at + IPV6_BYTES;
  memcpy(packet->source.bytes, header + 8, 16);
  memcpy(packet->destination.bytes, header + 24, 16);
  return true;
}

INLINED bool is_extension(uint8_t header) {
  return header == HEADER_HOP_BY_HOP || header == HEADER_ROUTING || header == HEADER_DESTINATION || header == HEADER_FRAGMENT ||
         header == HEADER_AUTHENTICATION;
}

// Goes over one extension header. What is behind the header of a fragment that is not the first is data.
INLINED bool packet_skip_extension(struct packet_source *from, struct packet *packet) {
  uint8_t header[FRAGMENT_HEADER_BYTES];
  if (!packet_read(from, packet->next_at, header, sizeof header)) return false;
  uint32_t length = (header[1] + 1u) * EXTENSION_UNIT;
  if (packet->protocol == HEADER_AUTHENTICATION) length = (header[1] + 2u) * AUTHENTICATION_UNIT;
  if (packet->protocol == HEADER_FRAGMENT) {
    length = FRAGMENT_HEADER_BYTES;
    uint16_t fragment = two_bytes(header + 2);
    packet->is_first = (fragment & 0xfff8) == 0;
    packet->is_fragment = (fragment & 0xfff9) != 0;
    packet->fragment_id = (uint32_t)two_bytes(header + 4) << 16 | two_bytes(header + 6);
  }
  packet->protocol = header[0];
  packet->next_at += length;
  return true;
}

// Returns whether the transport header, or the data of a later fragment, was reached.
INLINED bool packet_skip_extensions(struct packet_source *from, struct packet *packet) {
  _Pragma("clang loop unroll(full)") for (int count = 0; count < MOST_EXTENSION_HEADERS; count++) {
    if (!packet->is_first || !is_extension(packet->protocol)) return true;
    if (!packet_skip_extension(from, packet)) return false;
  }
  return !packet->is_first || !is_extension(packet->protocol);
}

INLINED bool packet_read_addresses(struct packet_source *from, uint32_t at, bool is_ipv6, struct packet *packet) {
  return is_ipv6 ? packet_read_ipv6(from, at, packet) : packet_read_ipv4(from, at, packet);
}

INLINED bool has_ports(uint8_t protocol) {
  return protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP || protocol == PROTOCOL_SCTP;
}

INLINED void packet_take_ports(struct packet *packet, const uint8_t *ports) {
  packet->source_port = two_bytes(ports);
  packet->destination_port = two_bytes(ports + 2);
}

// Of a packet that is quoted there may be no more.
INLINED bool packet_read_ports(struct packet_source *from, struct packet *packet) {
  uint8_t ports[PORTS_BYTES];
  if (!packet_read(from, packet->next_at, ports, sizeof ports)) return false;
  packet_take_ports(packet, ports);
  return true;
}

INLINED bool packet_read_tcp(struct packet_source *from, struct packet *packet) {
  uint8_t header[TCP_FLAGS_AT + 1];
  if (!packet_read(from, packet->next_at, header, sizeof header)) return false;
  packet_take_ports(packet, header);
  packet->is_opening = (header[TCP_FLAGS_AT] & (TCP_SYN | TCP_ACK)) == TCP_SYN;
  return true;
}

INLINED bool packet_read_sctp(struct packet_source *from, struct packet *packet) {
  uint8_t header[SCTP_CHUNK_AT + 1];
  if (!packet_read(from, packet->next_at, header, sizeof header)) return false;
  packet_take_ports(packet, header);
  packet->is_opening = header[SCTP_CHUNK_AT] == SCTP_INIT;
  return true;
}

INLINED bool packet_read_transport(struct packet_source *from, struct packet *packet) {
  if (packet->protocol == PROTOCOL_TCP) return packet_read_tcp(from, packet);
  if (packet->protocol == PROTOCOL_SCTP) return packet_read_sctp(from, packet);
  return packet->protocol == PROTOCOL_UDP && packet_read_ports(from, packet);
}

INLINED bool is_error(uint8_t type, bool is_ipv6) {
  if (is_ipv6) return type >= ICMPV6_FIRST_ERROR && type <= ICMPV6_LAST_ERROR;
  return type == ICMP_UNREACHABLE || type == ICMP_QUENCH || type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER;
}

// The packet of ours that an error quotes went from the VIP to the client: turned round, it names the flow.
INLINED enum packet_kind packet_read_error(struct packet_source *from, struct packet *packet) {
  uint8_t type = 0;
  struct packet quoted;
  if (!packet_read(from, packet->next_at, &type, 1) || !is_error(type, packet->is_ipv6)) return PACKET_OTHER;
  if (!packet_read_addresses(from, packet->next_at + ICMP_HEADER_BYTES, packet->is_ipv6, &quoted)) return PACKET_OTHER;
  if (quoted.is_ipv6 && !packet_skip_extensions(from, &quoted)) return PACKET_OTHER;
  if (!quoted.is_first || !has_ports(quoted.protocol) || !packet_read_ports(from, &quoted)) return PACKET_OTHER;
  if (quoted.source.words[0] != packet->destination.words[0] || quoted.source.words[1] != packet->destination.words[1]) return PACKET_OTHER;
  packet->source = quoted.destination;
  packet->source_port = quoted.destination_port;
  packet->destination_port = quoted.source_port;
  packet->protocol = quoted.protocol;
  return PACKET_ERROR;
}

// Reads what comes behind the addresses.
INLINED enum packet_kind packet_read_flow(struct packet_source *from, struct packet *packet) {
  packet->is_opening = false;
  packet->source_port = packet->destination_port = 0;
  if (packet->is_ipv6 && !packet_skip_extensions(from, packet)) return PACKET_OTHER;
  if (!packet->is_first) return PACKET_FRAGMENT;
  if (packet->protocol == (packet->is_ipv6 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP)) return packet->is_fragment ? PACKET_OTHER : packet_read_error(from, packet);
  if (!packet_read_transport(from, packet)) return PACKET_OTHER;
  return packet->is_fragment ? PACKET_FIRST_FRAGMENT : PACKET_FLOW;
}

#endif
