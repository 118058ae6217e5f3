// SPDX-License-Identifier: Apache-2.0
// Answers ARP requests and neighbor solicitations for VIPs where frames enter an interface (TC ingress), holds back
// those for VIPs that other nodes answer for, and passes everything else on untouched. The decision is the very code of
// the answering thread; only the table is a map of the kernel, and the fence is checked here, against the clock that
// does not stop while the machine sleeps, so that a process that hangs or is gone stops answering without its help.
#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../answer-maps.h"

// The kernel's table takes the place of vip-table.h.
#define BERTH_VIP_TABLE_H
enum { VIP_ADDRESS_BYTES = 16 };
#define vip_entry answer_vip
struct vip_table;
#define INLINED static inline __attribute__((always_inline))
INLINED const struct answer_vip *vip_table_find(const struct vip_table *table, const uint8_t *address);
INLINED const struct answer_vip *vip_table_find_v4(const struct vip_table *table, const uint8_t *address);

#pragma clang attribute push(__attribute__((always_inline)), apply_to = function)
#pragma clang attribute push(__attribute__((internal_linkage)), apply_to = function)
#include "../arp-decide.c"
#include "../ndp-decide.c"
#pragma clang attribute pop
#pragma clang attribute pop

#include "../outcomes.h"
#include "helpers.h"

#define SECTION(name) __attribute__((section(name), used))

// Maps are made by the loader (kernel-program.c), which finds them by these names.
extern const char points, vips, counters, fence, outcomes, scratch;

// TCX_NEXT and TC_ACT_UNSPEC are the same number: the next program on the hook has its turn. So are TCX_DROP and
// TC_ACT_SHOT.
enum { PASS_ON = -1, HOLD_BACK = 2 };
enum { TYPE_ARP = 0x0806, TYPE_IPV6 = 0x86dd, NEXT_HEADER_AT = 14 + 6, ICMPV6_TYPE_AT = 14 + 40, VLAN_ID = 0x0fff };

INLINED const struct answer_vip *vip_table_find(const struct vip_table *table, const uint8_t *address) {
  (void)table;
  return map_lookup(&vips, address);
}

INLINED const struct answer_vip *vip_table_find_v4(const struct vip_table *table, const uint8_t *address) {
  uint8_t mapped[VIP_ADDRESS_BYTES] = {[10] = 0xff, [11] = 0xff};
  memcpy(mapped + 12, address, 4);
  return vip_table_find(table, mapped);
}

INLINED void add_one(uint64_t *counter) { __sync_fetch_and_add(counter, 1); }

INLINED void count(uint32_t outcome) {
  uint64_t *counter = map_lookup(&outcomes, &outcome);
  if (counter != NULL) add_one(counter);
}

INLINED bool is_before(uint32_t which) {
  const uint64_t *deadline = map_lookup(&fence, &which);
  return deadline != NULL && boot_time_now() < *deadline;
}

INLINED bool fence_holds(void) { return is_before(FENCE_ANSWER); }

// A question for a VIP of Berth that is not answered here, or not now: the kernel, which may have the address on
// another interface (kube-proxy in IPVS mode has), must not answer it either. A process that is gone for long holds
// nothing back any more.
INLINED int pass_or_hold_back(bool is_vip_of_others) {
  return is_vip_of_others && is_before(FENCE_QUIET) ? HOLD_BACK : PASS_ON;
}

// What became of a question for a VIP, for that VIP's own counters.
struct verdict {
  const uint8_t *address;
  const uint8_t *sender;
  bool is_claim;
  bool is_request;
  bool is_reply;
};

INLINED void count_vip(const struct verdict *verdict) {
  struct answer_counters *row = map_lookup(&counters, verdict->address);
  if (row == NULL) return;
  if (verdict->is_claim) {
    uint64_t claimant = 0;
    for (int index = 0; index < MAC_BYTES; index++) claimant = claimant << 8 | verdict->sender[index];
    row->claimant = claimant;
    add_one(&row->claims);
  }
  if (verdict->is_request) add_one(&row->requests);
  if (verdict->is_reply) add_one(&row->replies);
}

// The reply takes the place of the question and leaves by the interface on which that came in. A priority tag is not
// sent back: an answer of the kernel has none either.
INLINED bool put_reply(struct __sk_buff *skb, const uint8_t *reply, uint32_t length) {
  if (skb->vlan_present && vlan_pop(skb) != 0) return false;
  if (skb->len != length && change_tail(skb, length, 0) != 0) return false;
  return store_bytes(skb, 0, reply, length, BPF_F_RECOMPUTE_CSUM) == 0;
}

// The compiler must not join comparisons on either side: the verifier wants to see each on the register that is handed
// over.
#define KEEP_APART(number) __asm__ volatile("" : "+r"(number))

// Fetches as much of the frame as there is; `limit` is a constant. Returns how much that was.
INLINED uint32_t fetch(struct __sk_buff *skb, uint8_t *frame, uint64_t limit) {
  uint64_t length = skb->len;
  if (length > limit) length = limit;
  KEEP_APART(length);
  if (length == 0) return 0;
  KEEP_APART(length);
  if (length > limit) return 0;
  return load_bytes(skb, 0, frame, (uint32_t)length) == 0 ? (uint32_t)length : 0;
}

INLINED int answer_arp(struct __sk_buff *skb, const struct answer_point *point, struct answer_scratch *room) {
  uint8_t *frame = room->frame, *reply = room->reply, *mapped = room->address;
  uint32_t length = fetch(skb, frame, ARP_FRAME_BYTES);
  struct decision_point at = {.slot_bit = point->slot_bit, .mac = point->mac, .fence_holds = fence_holds()};
  struct arp_decision decision = arp_decide(&at, frame, length, reply);
  uint32_t outcome = decision.outcome;
  if (outcome == ARP_REPLY && !put_reply(skb, reply, ARP_FRAME_BYTES)) outcome = RESPONDER_SEND_FAILED;
  count(outcome);
  mapped[10] = mapped[11] = 0xff;
  if (decision.outcome == ARP_FOREIGN_CLAIM) {
    memcpy(mapped + 12, frame + SENDER_PROTOCOL, IPV4_BYTES);
    NDP_BRANCH_APART;
  } else {
    memcpy(mapped + 12, frame + TARGET_PROTOCOL, IPV4_BYTES);
  }
  struct verdict verdict = {.address = mapped,
                            .sender = frame + SENDER_HARDWARE,
                            .is_claim = decision.outcome == ARP_FOREIGN_CLAIM,
                            .is_request = decision.outcome == ARP_REPLY || decision.outcome == ARP_FENCED,
                            .is_reply = outcome == ARP_REPLY};
  if (decision.vip != NULL) count_vip(&verdict);
  if (outcome == ARP_REPLY) return (int)redirect(skb->ifindex, 0);
  return pass_or_hold_back(outcome == ARP_OTHER_INTERFACE || outcome == ARP_FENCED);
}

// Most IPv6 frames are none of ours; they cost one or two bytes to look at.
INLINED bool is_neighbor_discovery(struct __sk_buff *skb) {
  uint8_t byte = 0;
  if (load_bytes(skb, NEXT_HEADER_AT, &byte, 1) != 0 || byte != NDP_ICMPV6) return false;
  if (load_bytes(skb, ICMPV6_TYPE_AT, &byte, 1) != 0) return false;
  return byte == NDP_SOLICITATION || byte == NDP_ADVERTISEMENT;
}

INLINED int answer_ndp(struct __sk_buff *skb, const struct answer_point *point, struct answer_scratch *room) {
  uint8_t *frame = room->frame, *reply = room->reply;
  fetch(skb, frame, NDP_LONGEST_FRAME);
  struct decision_point at = {.slot_bit = point->slot_bit, .mac = point->mac, .fence_holds = fence_holds()};
  struct ndp_decision decision = ndp_decide(&at, frame, skb->len, reply);
  uint32_t outcome = NDP_BEFORE + decision.outcome;
  if (decision.outcome == NDP_REPLY && !put_reply(skb, reply, NDP_FRAME_BYTES)) outcome = RESPONDER_SEND_FAILED;
  count(outcome);
  bool is_claim = decision.outcome == NDP_FOREIGN_CLAIM;
  struct verdict verdict = {.address = decision.address,
                            .sender = decision.sender,
                            .is_claim = is_claim,
                            .is_request = decision.outcome == NDP_REPLY || decision.outcome == NDP_FENCED,
                            .is_reply = outcome == NDP_BEFORE + NDP_REPLY};
  if (decision.vip != NULL) count_vip(&verdict);
  if (outcome == NDP_BEFORE + NDP_REPLY) return (int)redirect(skb->ifindex, 0);
  return pass_or_hold_back(decision.outcome == NDP_OTHER_INTERFACE || decision.outcome == NDP_FENCED);
}

// The kernel has taken the outer tag off already. A frame of a VLAN is for the interface above, which has a program of
// its own.
SECTION("tc") int berth_answer(struct __sk_buff *skb) {
  bool is_arp = skb->protocol == __builtin_bswap16(TYPE_ARP);
  bool is_ipv6 = skb->protocol == __builtin_bswap16(TYPE_IPV6);
  if (!is_arp && !(is_ipv6 && is_neighbor_discovery(skb))) return PASS_ON;
  uint32_t ifindex = skb->ifindex;
  const struct answer_point *point = map_lookup(&points, &ifindex);
  if (point == NULL) return PASS_ON;
  if (skb->vlan_present && (skb->vlan_tci & VLAN_ID) != 0) {
    count(RESPONDER_OTHER_SEGMENT);
    return PASS_ON;
  }
  uint32_t only = 0;
  struct answer_scratch *room = map_lookup(&scratch, &only);
  if (room == NULL) return PASS_ON;
  return is_arp ? answer_arp(skb, point, room) : answer_ndp(skb, point, room);
}

SECTION("license") const char answer_license[] = "Apache-2.0";
