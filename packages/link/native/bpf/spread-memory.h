// SPDX-License-Identifier: Apache-2.0
// What the program that spreads knows of single flows: strays, flows that were seen during a change, connections that
// began here, and fragments of a packet.
#ifndef BERTH_BPF_SPREAD_MEMORY_H
#define BERTH_BPF_SPREAD_MEMORY_H

#include "helpers.h"

extern const char strays, seen, mine, fragments;

// What is known about a frame while it is decided on.
struct passage {
  struct packet packet;
  bool is_from_member;
  enum packet_kind kind;
  uint32_t self;
  uint64_t fingerprint;
  uint64_t now;
  bool is_seen_used, are_strays_used;
  // What the entry in "seen" says; 0: none that counts.
  uint64_t seen_number, seen_at;
  bool is_stray;
  struct spread_counts *counts;
};

// A connection that began here, in a row of which a silent node may have others.
INLINED void note_mine(const struct passage *at) {
  uint64_t fingerprint = at->fingerprint;
  const uint8_t one = 1;
  if (at->packet.protocol == PROTOCOL_TCP && at->packet.is_opening) map_update(&mine, &fingerprint, &one, BPF_ANY);
}

INLINED void look_at_seen(struct passage *at) {
  if (!at->is_seen_used) return;
  uint64_t fingerprint = at->fingerprint;
  const struct spread_seen *entry = map_lookup(&seen, &fingerprint);
  if (entry == NULL || at->now - entry->at >= SPREAD_SEEN_NS) return;
  at->seen_number = entry->number;
  at->seen_at = entry->at;
}

// Where the tables send a flow, but for what the row says; 0: they say nothing else.
INLINED uint32_t known_place(struct passage *at) {
  uint64_t fingerprint = at->fingerprint;
  if (at->packet.is_opening) {
    if (at->are_strays_used) map_delete(&strays, &fingerprint);
    if (at->is_seen_used) map_delete(&seen, &fingerprint);
    return 0;
  }
  look_at_seen(at);
  const uint32_t *stray = at->are_strays_used ? map_lookup(&strays, &fingerprint) : NULL;
  if (stray != NULL) {
    at->is_stray = true;
    return *stray;
  }
  return (uint32_t)at->seen_number;
}

INLINED void remember(const struct passage *at, uint32_t number) {
  bool is_remembered = at->seen_number == number && at->now - at->seen_at < SPREAD_SEEN_AGAIN_NS;
  if (at->kind == PACKET_ERROR || is_remembered) return;
  uint64_t fingerprint = at->fingerprint;
  const struct spread_seen entry = {.at = at->now, .number = number};
  map_update(&seen, &fingerprint, &entry, BPF_ANY);
}

INLINED struct spread_fragment_key fragment_key(const struct packet *packet) {
  struct spread_fragment_key key = {.id = packet->fragment_id, .protocol = packet->protocol};
  // The protocol of a later fragment of IPv6 is that behind the fragment header, as in the first.
  memcpy(key.source, packet->source.bytes, sizeof key.source);
  memcpy(key.destination, packet->destination.bytes, sizeof key.destination);
  return key;
}

INLINED void lead_fragments(const struct passage *at, uint32_t number) {
  if (at->kind != PACKET_FIRST_FRAGMENT) return;
  const struct spread_fragment_key key = fragment_key(&at->packet);
  map_update(&fragments, &key, &number, BPF_ANY);
}

#endif
