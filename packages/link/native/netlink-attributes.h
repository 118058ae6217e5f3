// SPDX-License-Identifier: Apache-2.0
// Reads attributes of netlink messages (netlink(7)), as ctnetlink writes them.
#ifndef BERTH_NETLINK_ATTRIBUTES_H
#define BERTH_NETLINK_ATTRIBUTES_H

#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// The attributes of one message, or of one that is nested in it.
struct attributes {
  const struct nlattr *by_type[CTA_MAX + 1];
};

static inline size_t payload_of(const struct nlattr *attribute) { return (size_t)attribute->nla_len - NLA_HDRLEN; }

static inline const void *data_of(const struct nlattr *attribute) { return (const uint8_t *)attribute + NLA_HDRLEN; }

static inline struct attributes read_attributes(const void *data, size_t length) {
  struct attributes found = {{NULL}};
  for (const struct nlattr *at = data; length >= NLA_HDRLEN && at->nla_len >= NLA_HDRLEN && at->nla_len <= length;) {
    uint16_t type = at->nla_type & NLA_TYPE_MASK;
    if (type <= CTA_MAX) found.by_type[type] = at;
    size_t step = NLA_ALIGN(at->nla_len);
    if (step >= length) break;
    length -= step;
    at = (const void *)((const uint8_t *)at + step);
  }
  return found;
}

// Without any where it is missing.
static inline struct attributes nested(const struct attributes *from, uint16_t type) {
  const struct nlattr *attribute = from->by_type[type];
  return attribute == NULL ? (struct attributes){{NULL}} : read_attributes(data_of(attribute), payload_of(attribute));
}

// False where it is missing or has another length.
static inline bool copy(const struct attributes *from, uint16_t type, void *to, size_t length) {
  const struct nlattr *attribute = from->by_type[type];
  if (attribute == NULL || payload_of(attribute) != length) return false;
  memcpy(to, data_of(attribute), length);
  return true;
}

#endif
