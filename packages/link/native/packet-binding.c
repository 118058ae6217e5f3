// SPDX-License-Identifier: Apache-2.0
// The reading of packets in C, for the tests that hold it to TypeScript.
#include <string.h>

#include "napi-support.h"
#include "packet-memory.h"

// What goes to JavaScript of a packet, in this order: source, destination, both ports, protocol, opening.
enum { SOURCE_AT = 0, DESTINATION_AT = 16, PORTS_AT = 32, PROTOCOL_AT = 36, OPENING_AT = 37 };

static void write_flow(uint8_t *out, const struct packet *packet) {
  memcpy(out + SOURCE_AT, packet->source.bytes, 16);
  memcpy(out + DESTINATION_AT, packet->destination.bytes, 16);
  memcpy(out + PORTS_AT, &packet->source_port, 2);
  memcpy(out + PORTS_AT + 2, &packet->destination_port, 2);
  out[PROTOCOL_AT] = packet->protocol;
  out[OPENING_AT] = packet->is_opening;
}

// packetKind(frame, out: 38 bytes)
static napi_value packet_kind(napi_env env, napi_callback_info info) {
  struct bytes frame, out;
  struct packet packet = {0};
  if (!read_all(env, info, "bb", (void *const[]){&frame, &out})) return NULL;
  struct packet_source from = {.bytes = frame.data, .length = frame.length};
  uint8_t type[2];
  if (!packet_read(&from, ETHERNET_BYTES - 2, type, sizeof type)) return make_int(env, PACKET_OTHER);
  bool is_ipv6 = two_bytes(type) == ETHER_IPV6;
  if (!is_ipv6 && two_bytes(type) != ETHER_IPV4) return make_int(env, PACKET_OTHER);
  if (!packet_read_addresses(&from, ETHERNET_BYTES, is_ipv6, &packet)) return make_int(env, PACKET_OTHER);
  enum packet_kind kind = packet_read_flow(&from, &packet);
  write_flow(out.data, &packet);
  return make_int(env, kind);
}

bool export_packet(napi_env env, napi_value exports) {
  static const struct method methods[] = {{"packetKind", packet_kind}};
  return export_methods(env, exports, methods, sizeof methods / sizeof *methods);
}
