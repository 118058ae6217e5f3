// SPDX-License-Identifier: Apache-2.0
// The interfaces of the engine in the kernel: where the program is hooked, and where the thread stands in for it.
#include <errno.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel-engine.h"

static int free_slot(const struct kernel_engine *engine) {
  for (int slot = 0; slot < SLOT_COUNT; slot++) {
    if (engine->attachments[slot].ifindex == 0) return slot;
  }
  return -1;
}

static bool put_point(struct kernel_engine *engine, int slot, struct failure *failure) {
  const struct attachment *attachment = &engine->attachments[slot];
  struct answer_point point = {.slot_bit = UINT64_C(1) << slot};
  memcpy(point.mac, attachment->mac, MAC_BYTES);
  uint32_t key = (uint32_t)attachment->ifindex;
  return kernel_map_put(&engine->program, ANSWER_MAP_points, &key, &point, failure);
}

static void take_point(struct kernel_engine *engine, int slot) {
  uint32_t key = (uint32_t)engine->attachments[slot].ifindex;
  kernel_map_take(&engine->program, ANSWER_MAP_points, &key);
}

static struct clsact_program filter_of(const struct kernel_engine *engine) {
  return (struct clsact_program){.descriptor = engine->program.program, .name = CLSACT_ANSWER, .protocol = ETH_P_ARP};
}

static bool hook_program(struct kernel_engine *engine, struct attachment *attachment, struct failure *failure) {
  attachment->link = -1;
  const struct clsact_program filter = filter_of(engine);
  if (engine->hook == HOOK_CLSACT) return clsact_attach(&filter, attachment->ifindex, &attachment->place, failure);
  attachment->link = bpf_link(engine->program.program, attachment->ifindex, failure);
  return attachment->link >= 0;
}

static bool hook_up(struct kernel_engine *engine, int slot, struct failure *failure) {
  struct attachment *attachment = &engine->attachments[slot];
  if (!put_point(engine, slot, failure)) return false;
  if (hook_program(engine, attachment, failure)) {
    attachment->kind = ATTACHED_HOOK;
    return true;
  }
  take_point(engine, slot);
  return false;
}

// ---- the thread that stands in ----

// Its table is made from the rows of the engine's: a slot and its bit are the same in both.
static bool fill_thread(struct kernel_engine *engine, struct responder *thread, struct failure *failure) {
  const struct vip_table *table = engine->table;
  uint8_t *rows = calloc((size_t)table->count + 1, VIP_ROW_BYTES), *row = rows;
  if (rows == NULL) return fail(failure, "calloc", ENOMEM);
  for (uint32_t position = 0; position <= table->mask; position++) {
    const struct vip_entry *entry = &table->entries[position];
    if (entry->counters == NULL) continue;
    memcpy(row, entry->address, VIP_ADDRESS_BYTES);
    memcpy(row + VIP_ADDRESS_BYTES, &entry->interfaces, sizeof entry->interfaces);
    row += VIP_ROW_BYTES;
  }
  bool is_filled = responder_replace(thread, rows, table->count, failure);
  free(rows);
  return is_filled;
}

static struct responder *ensure_thread(struct kernel_engine *engine, struct failure *failure) {
  struct responder *thread = atomic_load(&engine->thread);
  if (thread != NULL) return thread;
  thread = responder_create(failure);
  if (thread == NULL) return NULL;
  if (!fill_thread(engine, thread, failure)) {
    responder_destroy(thread);
    return NULL;
  }
  // From here on whoever moves the fence moves both; what was moved before is made good.
  atomic_store(&engine->thread, thread);
  responder_set_deadline(thread, atomic_load(&engine->fence));
  return thread;
}

static bool stand_in(struct kernel_engine *engine, int slot, struct failure *failure) {
  struct attachment *attachment = &engine->attachments[slot];
  const struct attach_request request = {.ifindex = attachment->ifindex, .mac = attachment->mac};
  struct responder *thread = ensure_thread(engine, failure);
  if (thread == NULL || !responder_attach(thread, slot, &request, failure)) return false;
  attachment->kind = ATTACHED_THREAD;
  return true;
}

static bool attach_by(struct kernel_engine *engine, int slot, enum answer_by by, struct failure *failure) {
  return by == BY_THREAD ? stand_in(engine, slot, failure) : hook_up(engine, slot, failure);
}

void kernel_unhook(struct kernel_engine *engine, int slot) {
  struct attachment *attachment = &engine->attachments[slot];
  if (attachment->kind == ATTACHED_THREAD) responder_detach(atomic_load(&engine->thread), slot);
  if (attachment->kind == ATTACHED_HOOK) {
    take_point(engine, slot);
    if (attachment->link >= 0) close(attachment->link);
    else clsact_detach(attachment->ifindex, CLSACT_ANSWER);
  }
  attachment->kind = ATTACHED_NOT;
}

// ---- as in engine.h ----

int kernel_attach(struct engine *base, const struct attach_request *request, enum answer_by by, struct failure *failure) {
  struct kernel_engine *engine = kernel_engine_of(base);
  int slot = free_slot(engine);
  if (slot < 0) {
    fail(failure, "attach", ENOSPC);
    return -1;
  }
  struct attachment *attachment = &engine->attachments[slot];
  *attachment = (struct attachment){.ifindex = request->ifindex, .link = -1};
  memcpy(attachment->mac, request->mac, MAC_BYTES);
  if (attach_by(engine, slot, by, failure)) return slot;
  attachment->ifindex = 0;
  return -1;
}

bool kernel_attach_again(struct engine *base, int slot, enum answer_by by, struct failure *failure) {
  struct kernel_engine *engine = kernel_engine_of(base);
  kernel_unhook(engine, slot);
  return attach_by(engine, slot, by, failure);
}

enum hook_state kernel_look(struct engine *base, int slot) {
  struct kernel_engine *engine = kernel_engine_of(base);
  const struct attachment *attachment = &engine->attachments[slot];
  if (attachment->kind == ATTACHED_THREAD) return HOOK_IN_PLACE;
  if (attachment->kind == ATTACHED_NOT) return HOOK_GONE;
  if (attachment->link >= 0) return bpf_look(attachment->link, engine->program.program, attachment->ifindex);
  const struct clsact_program filter = filter_of(engine);
  return clsact_look(&filter, attachment->ifindex, &attachment->place);
}

void kernel_detach(struct engine *base, int slot) {
  struct kernel_engine *engine = kernel_engine_of(base);
  if (engine->attachments[slot].ifindex == 0) return;
  kernel_unhook(engine, slot);
  engine->attachments[slot].ifindex = 0;
}

void kernel_rehook(struct kernel_engine *engine) {
  const struct clsact_program filter = filter_of(engine);
  for (int slot = 0; slot < SLOT_COUNT; slot++) {
    struct attachment *attachment = &engine->attachments[slot];
    struct failure failure;
    if (attachment->kind != ATTACHED_HOOK) continue;
    bool is_done = attachment->link >= 0
                       ? bpf_relink(attachment->link, engine->program.program, &failure)
                       : clsact_replace(&filter, attachment->ifindex, &attachment->place, &failure);
    if (!is_done) kernel_unhook(engine, slot);
  }
}
