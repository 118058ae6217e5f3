// SPDX-License-Identifier: Apache-2.0
// The program in the kernel as an engine. JavaScript's thread writes its maps; the program answers by itself, also while this process
// does nothing at all, until the fence in the map runs out.
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clsact-hook.h"
#include "engine.h"
#include "frame-verdict.h"
#include "kernel-program.h"
#include "monotonic-clock.h"

struct attachment {
  // 0: the slot is free.
  int ifindex;
  // Of the TCX link; -1 for clsact.
  int link;
};

struct kernel_engine {
  struct engine engine;
  struct kernel_program program;
  enum kernel_hook hook;
  // What the map "vips" holds; the counters of its entries are copies that `table` refreshes.
  struct vip_table *table;
  // What the map "fence" holds. Read by JavaScript's thread, written by it or by the thread that sends heartbeats (heartbeat.c).
  _Atomic uint64_t fence;
  struct attachment attachments[SLOT_COUNT];
  // Sends announcements; receives nothing.
  int socket;
};

static const uint32_t only = 0;

static struct kernel_engine *self(struct engine *engine) { return (struct kernel_engine *)engine; }

static bool fail(struct failure *failure, const char *call, int error) {
  *failure = (struct failure){call, error};
  return false;
}

// ---- interfaces ----

static int free_slot(const struct kernel_engine *engine) {
  for (int slot = 0; slot < SLOT_COUNT; slot++) {
    if (engine->attachments[slot].ifindex == 0) return slot;
  }
  return -1;
}

static bool hook_up(struct kernel_engine *engine, struct attachment *attachment, struct failure *failure) {
  attachment->link = -1;
  if (engine->hook == HOOK_CLSACT) return clsact_attach(engine->program.program, attachment->ifindex, failure);
  attachment->link = kernel_program_attach(&engine->program, attachment->ifindex, failure);
  return attachment->link >= 0;
}

static int attach(struct engine *base, int ifindex, const uint8_t mac[MAC_BYTES], struct failure *failure) {
  struct kernel_engine *engine = self(base);
  int slot = free_slot(engine);
  if (slot < 0) {
    fail(failure, "attach", ENOSPC);
    return -1;
  }
  struct answer_point point = {.slot_bit = UINT64_C(1) << slot};
  memcpy(point.mac, mac, MAC_BYTES);
  uint32_t key = (uint32_t)ifindex;
  if (!kernel_map_put(&engine->program, ANSWER_MAP_points, &key, &point, failure)) return -1;
  struct attachment attachment = {.ifindex = ifindex};
  if (!hook_up(engine, &attachment, failure)) {
    kernel_map_take(&engine->program, ANSWER_MAP_points, &key);
    return -1;
  }
  engine->attachments[slot] = attachment;
  return slot;
}

static void detach(struct engine *base, int slot) {
  struct kernel_engine *engine = self(base);
  struct attachment *attachment = &engine->attachments[slot];
  if (attachment->ifindex == 0) return;
  uint32_t key = (uint32_t)attachment->ifindex;
  kernel_map_take(&engine->program, ANSWER_MAP_points, &key);
  if (attachment->link >= 0) close(attachment->link);
  else clsact_detach(attachment->ifindex);
  attachment->ifindex = 0;
}

// ---- the table ----

static bool is_used(const struct vip_entry *entry) { return entry->counters != NULL; }

static bool put_vip(struct kernel_engine *engine, const struct vip_entry *entry, bool is_new, struct failure *failure) {
  const struct answer_counters zero = {0};
  const struct answer_vip vip = {.interfaces = entry->interfaces};
  // The counters come first and go last, so that no answer is left uncounted.
  if (is_new && !kernel_map_put(&engine->program, ANSWER_MAP_counters, entry->address, &zero, failure)) return false;
  return kernel_map_put(&engine->program, ANSWER_MAP_vips, entry->address, &vip, failure);
}

static void withdraw_missing(struct kernel_engine *engine, const struct vip_table *next) {
  for (uint32_t position = 0; position <= engine->table->mask; position++) {
    const struct vip_entry *entry = &engine->table->entries[position];
    if (!is_used(entry) || vip_table_find(next, entry->address) != NULL) continue;
    kernel_map_take(&engine->program, ANSWER_MAP_vips, entry->address);
    kernel_map_take(&engine->program, ANSWER_MAP_counters, entry->address);
  }
}

static bool put_changed(struct kernel_engine *engine, const struct vip_table *next, struct failure *failure) {
  for (uint32_t position = 0; position <= next->mask; position++) {
    const struct vip_entry *entry = &next->entries[position];
    if (!is_used(entry)) continue;
    const struct vip_entry *before = vip_table_find(engine->table, entry->address);
    if (before != NULL && before->interfaces == entry->interfaces) continue;
    if (!put_vip(engine, entry, before == NULL, failure)) return false;
  }
  return true;
}

// What is withdrawn goes first. Entry by entry: a frame that comes in between sees each VIP either as before or as after.
static bool replace(struct engine *base, const uint8_t *rows, size_t count, struct failure *failure) {
  struct kernel_engine *engine = self(base);
  struct vip_table *next = vip_table_create(rows, count, engine->table);
  if (next == NULL) return fail(failure, "calloc", ENOMEM);
  withdraw_missing(engine, next);
  bool is_complete = put_changed(engine, next, failure);
  // Also when the map is full: what is in it is a part of `next`, and the next call puts what is missing or withdraws it.
  vip_table_destroy(engine->table, next);
  engine->table = next;
  return is_complete;
}

static const struct vip_table *table(struct engine *base) {
  struct kernel_engine *engine = self(base);
  for (uint32_t position = 0; position <= engine->table->mask; position++) {
    struct vip_entry *entry = &engine->table->entries[position];
    struct answer_counters row;
    if (!is_used(entry) || !kernel_map_read(&engine->program, ANSWER_MAP_counters, entry->address, &row)) continue;
    atomic_store(&entry->counters->requests, row.requests);
    atomic_store(&entry->counters->replies, row.replies);
    atomic_store(&entry->counters->claims, row.claims);
    atomic_store(&entry->counters->claimant, row.claimant);
  }
  return engine->table;
}

static void outcomes(struct engine *base, uint64_t counts[OUTCOME_COUNT]) {
  memset(counts, 0, OUTCOME_COUNT * sizeof *counts);
  // No element of an array map can be missing.
  for (uint32_t outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
    kernel_map_read(&self(base)->program, ANSWER_MAP_outcomes, &outcome, &counts[outcome]);
  }
}

// ---- the fence ----

static void set_fence(struct engine *base, uint64_t milliseconds) {
  struct kernel_engine *engine = self(base);
  struct failure unused;
  uint64_t until = milliseconds == 0 ? 0 : monotonic_now() + milliseconds * 1000000u;
  engine->fence = until;
  // An array map's only element cannot be missing; were it, the program would stay silent.
  kernel_map_put(&engine->program, ANSWER_MAP_fence, &only, &until, &unused);
}

static bool fence_holds(const struct kernel_engine *engine) { return monotonic_now() < engine->fence; }

static bool renew(struct engine *base, uint64_t milliseconds) {
  if (!fence_holds(self(base))) return false;
  set_fence(base, milliseconds);
  return true;
}

static enum announce_result announce(struct engine *base, int slot, const uint8_t *frame, size_t length,
                                     struct failure *failure) {
  struct kernel_engine *engine = self(base);
  if (!fence_holds(engine)) return ANNOUNCE_FENCED;
  struct sockaddr_ll to = {.sll_family = AF_PACKET,
                           .sll_protocol = htons(frame_is_ipv6(frame, length) ? ETH_P_IPV6 : ETH_P_ARP),
                           .sll_ifindex = engine->attachments[slot].ifindex};
  if (sendto(engine->socket, frame, length, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof to) >= 0) return ANNOUNCE_SENT;
  fail(failure, "sendto", errno);
  return ANNOUNCE_FAILED;
}

// ---- life ----

static void destroy(struct engine *base) {
  struct kernel_engine *engine = self(base);
  for (int slot = 0; slot < SLOT_COUNT; slot++) detach(base, slot);
  kernel_program_unload(&engine->program);
  if (engine->socket >= 0) close(engine->socket);
  vip_table_destroy(engine->table, NULL);
  free(engine);
}

static const struct engine_ops ops = {.destroy = destroy,
                                      .attach = attach,
                                      .detach = detach,
                                      .replace = replace,
                                      .renew = renew,
                                      .set_fence = set_fence,
                                      .announce = announce,
                                      .outcomes = outcomes,
                                      .table = table};

static bool set_up(struct kernel_engine *engine, struct failure *failure) {
  engine->socket = -1;
  if (!kernel_program_load(&engine->program, failure)) return false;
  if (engine->hook == HOOK_CLSACT) clsact_sweep();
  else if (!kernel_program_can_link(&engine->program)) return fail(failure, "bpf(BPF_LINK_CREATE)", EOPNOTSUPP);
  engine->table = vip_table_create(NULL, 0, NULL);
  if (engine->table == NULL) return fail(failure, "calloc", ENOMEM);
  // Protocol 0: sends only (packet(7)).
  engine->socket = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  return engine->socket >= 0 || fail(failure, "socket", errno);
}

struct engine *kernel_engine_create(enum kernel_hook hook, struct failure *failure) {
  struct kernel_engine *engine = calloc(1, sizeof *engine);
  if (engine == NULL) {
    fail(failure, "calloc", ENOMEM);
    return NULL;
  }
  engine->engine.ops = &ops;
  engine->hook = hook;
  if (set_up(engine, failure)) return &engine->engine;
  if (engine->table != NULL) vip_table_destroy(engine->table, NULL);
  kernel_program_unload(&engine->program);
  free(engine);
  return NULL;
}
