// SPDX-License-Identifier: Apache-2.0
// Passes packets for VIPs on to the node that serves their flow, where they enter an interface (TC ingress): the
// destination MAC becomes that node's, the source MAC this interface's own. Everything else it leaves to the next
// program. docs/design/0041-spread-program.md says why it is this way.
#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../spread-maps.h"
#include "string.h"

#define INLINED static inline __attribute__((always_inline))
#define packet_source __sk_buff
#include "../spread-packet-read.h"
#include "../spread-hash.h"
#include "spread-memory.h"

#define SECTION(name) __attribute__((section(name), used))

// Maps are made by the loader (spread-engine.c), which finds them by these names; more of them in spread-memory.h.
extern const char control, vips, services, rows, members, senders, counts, forwarded;

// TO_THIS_HOST is PACKET_HOST of if_packet.h.
enum { PASS_ON = -1, TO_THIS_HOST = 0, VLAN_ID = 0x0fff, MAC_BYTES = 6, IPV4_TTL_AT = 14 + 8, IPV4_CHECKSUM_AT = 14 + 10, IPV6_HOPS_AT = 14 + 7 };

INLINED bool packet_read(struct __sk_buff *skb, uint32_t offset, void *to, uint32_t length) {
  return load_bytes(skb, offset, to, length) == 0;
}

INLINED int serve(const struct passage *at) {
  at->counts->served++;
  return PASS_ON;
}

INLINED const struct spread_member *member_of(uint32_t ifindex, uint32_t number) {
  const struct spread_member_key key = {.ifindex = ifindex, .number = number};
  return map_lookup(&members, &key);
}

// The program of an interface sees only frames without a tag of another VLAN; a priority tag goes, as in all frames
// that this host sends.
INLINED int send_to(struct __sk_buff *skb, const struct passage *at, const struct spread_member *member, uint32_t number) {
  if (skb->vlan_present && vlan_pop(skb) != 0) return PASS_ON;
  if (store_bytes(skb, 0, member, sizeof *member, 0) != 0) return PASS_ON;
  at->counts->forwarded++;
  uint64_t *packets = map_lookup(&forwarded, &number);
  if (packets != NULL) ++*packets;
  return (int)redirect(skb->ifindex, 0);
}

INLINED bool lower_hops(struct __sk_buff *skb, const struct packet *packet) {
  const uint8_t hops = SPREAD_LAST_HOPS;
  if (packet->is_ipv6) return store_bytes(skb, IPV6_HOPS_AT, &hops, 1, BPF_F_RECOMPUTE_CSUM) == 0;
  // TTL and protocol are one word of the checksum, in the order of the wire.
  uint16_t before = (uint16_t)(packet->hops | packet->protocol << 8), after = (uint16_t)(hops | packet->protocol << 8);
  return replace_checksum(skb, IPV4_CHECKSUM_AT, before, after, 2) == 0 && store_bytes(skb, IPV4_TTL_AT, &hops, 1, 0) == 0;
}

// A frame leaves a second time: with so few hops that it does not a third time.
INLINED int give_back(struct __sk_buff *skb, const struct passage *at, uint32_t number) {
  if (at->kind != PACKET_FLOW || at->packet.hops <= SPREAD_LAST_HOPS) return serve(at);
  const struct spread_member *member = member_of(skb->ifindex, number);
  if (member == NULL || !lower_hops(skb, &at->packet)) return serve(at);
  at->counts->second_chance++;
  return send_to(skb, at, member, number);
}

// The target of a flow that a silent node may be serving: a flow that did not begin here is that one's.
INLINED int serve_or_give_back(struct __sk_buff *skb, const struct passage *at, uint32_t row) {
  uint64_t fingerprint = at->fingerprint;
  bool may_be_his = at->kind == PACKET_FLOW && at->packet.protocol == PROTOCOL_TCP && spread_target(row) == at->self && spread_fallback(row) != 0 &&
                    !at->is_stray && at->seen_number == 0;
  if (!may_be_his) return serve(at);
  note_mine(at);
  if (at->packet.is_opening || map_lookup(&mine, &fingerprint) != NULL) return serve(at);
  return give_back(skb, at, spread_fallback(row));
}

// A member that passes on may go by the next set already, in which the row is this node's and a node is silent:
// what did not begin here is that one's, as it will be by that set.
INLINED int serve_early(struct __sk_buff *skb, struct passage *at, uint32_t row) {
  uint64_t fingerprint = at->fingerprint;
  uint32_t number = known_place(at);
  note_mine(at);
  bool is_here = at->packet.protocol != PROTOCOL_TCP || at->packet.is_opening || number == at->self;
  if (is_here || map_lookup(&mine, &fingerprint) != NULL) return serve(at);
  return give_back(skb, at, number != 0 ? number : spread_next_fallback(row));
}

// Where a flow goes is not where it lives while it may be a silent node's.
INLINED bool is_sure(const struct passage *at, uint32_t row) {
  bool is_known = at->is_stray || at->seen_number != 0 || at->packet.is_opening;
  return is_known || spread_fallback(row) == 0 || at->packet.protocol != PROTOCOL_TCP;
}

INLINED int follow_fragment(struct __sk_buff *skb, const struct passage *at) {
  const struct spread_fragment_key key = fragment_key(&at->packet);
  const uint32_t *number = map_lookup(&fragments, &key);
  if (number == NULL) {
    at->counts->fragments_unknown++;
    return serve(at);
  }
  const struct spread_member *member = *number == at->self ? NULL : member_of(skb->ifindex, *number);
  return member == NULL ? serve(at) : send_to(skb, at, member, *number);
}

INLINED int spread_flow(struct __sk_buff *skb, struct passage *at, uint32_t row) {
  if (at->is_from_member && (spread_target(row) != at->self || spread_fallback(row) == 0)) {
    at->counts->from_member++;
    bool is_next = spread_next(row) == at->self && spread_next_fallback(row) != 0;
    return is_next ? serve_early(skb, at, row) : serve(at);
  }
  uint32_t number = known_place(at);
  const struct spread_member *member = NULL;
  if (number != 0 && number != at->self) {
    member = member_of(skb->ifindex, number);
    if (member == NULL) number = 0;
  }
  if (number == 0) {
    // What is unknown here is no place to leave a flow at.
    at->is_stray = false;
    at->seen_number = 0;
    number = spread_target(row);
    if (number != 0 && number != at->self) member = member_of(skb->ifindex, number);
  } else if (at->is_stray) {
    at->counts->by_stray++;
  } else {
    at->counts->by_seen++;
  }
  if (spread_next(row) != 0 && is_sure(at, row)) remember(at, number);
  if (number == at->self) {
    lead_fragments(at, number);
    return serve_or_give_back(skb, at, row);
  }
  if (member == NULL) return serve(at);
  // The row has a silent node, and of what that one has the sender knows less than this node.
  if (at->is_from_member) return give_back(skb, at, number);
  lead_fragments(at, number);
  return send_to(skb, at, member, number);
}

INLINED const spread_row_pair *pair_of(spread_service service, const struct flow_hash *hash, uint32_t *number) {
  uint64_t by = spread_is_by_client(service) ? hash->client : hash->fingerprint;
  *number = spread_first_row(service) + ((uint32_t)by & spread_row_mask(service));
  uint32_t half = *number / 2;
  return map_lookup(&rows, &half);
}

INLINED int spread_packet(struct __sk_buff *skb, struct passage *at, uint64_t seed) {
  at->kind = packet_read_flow(skb, &at->packet);
  if (at->kind == PACKET_OTHER) return serve(at);
  if (at->kind == PACKET_FRAGMENT) return at->is_from_member ? serve(at) : follow_fragment(skb, at);
  struct spread_service_key key = {.ifindex = skb->ifindex, .port = at->packet.destination_port, .protocol = at->packet.protocol};
  memcpy(key.vip, at->packet.destination.bytes, sizeof key.vip);
  const spread_service *service = map_lookup(&services, &key);
  if (service == NULL) return serve(at);
  const struct flow_hash hash = spread_hash(seed, &at->packet);
  at->fingerprint = hash.fingerprint;
  uint32_t number = 0;
  const spread_row_pair *pair = pair_of(*(const volatile spread_service *)service, &hash, &number);
  if (pair == NULL) return serve(at);
  spread_row_pair both = *(const volatile spread_row_pair *)pair;
  return spread_flow(skb, at, (uint32_t)(number % 2 == 0 ? both : both >> 32));
}

INLINED bool is_from_member(struct __sk_buff *skb) {
  struct spread_sender_key key = {.ifindex = skb->ifindex};
  return load_bytes(skb, MAC_BYTES, key.mac, MAC_BYTES) == 0 && map_lookup(&senders, &key) != NULL;
}

INLINED int spread_frame(struct __sk_buff *skb, struct passage *at) {
  const uint32_t only = 0;
  const struct spread_control *rule = map_lookup(&control, &only);
  at->counts = map_lookup(&counts, &only);
  if (rule == NULL || at->counts == NULL) return PASS_ON;
  at->now = boot_time_now();
  if (at->now > rule->fresh_until) {
    at->counts->stale++;
    return PASS_ON;
  }
  at->self = rule->self;
  at->is_seen_used = at->now < rule->seen_until;
  at->are_strays_used = rule->has_strays != 0;
  at->is_from_member = is_from_member(skb);
  return spread_packet(skb, at, rule->seed);
}

// The kernel has taken the outer tag off already. A frame of a VLAN is for the interface above, which has a program of
// its own.
SECTION("tc") int berth_spread(struct __sk_buff *skb) {
  bool is_ipv6 = skb->protocol == __builtin_bswap16(ETHER_IPV6);
  if (!is_ipv6 && skb->protocol != __builtin_bswap16(ETHER_IPV4)) return PASS_ON;
  struct passage at = {0};
  bool is_read = is_ipv6 ? packet_read_ipv6(skb, ETHERNET_BYTES, &at.packet) : packet_read_ipv4(skb, ETHERNET_BYTES, &at.packet);
  if (!is_read || map_lookup(&vips, at.packet.destination.bytes) == NULL) return PASS_ON;
  // What others hear by chance (a port of a hub, promiscuous mode) is none of theirs.
  if (skb->pkt_type != TO_THIS_HOST) return PASS_ON;
  if (skb->vlan_present && (skb->vlan_tci & VLAN_ID) != 0) return PASS_ON;
  return spread_frame(skb, &at);
}

SECTION("license") const char spread_license[] = "Apache-2.0";
