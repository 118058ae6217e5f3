// SPDX-License-Identifier: Apache-2.0
// What answers, the thread or the program in the kernel, for JavaScript.
#include <string.h>

#include "engine.h"
#include "napi-handle.h"
#include "responder-binding.h"

static void destroy(void *object) {
  struct engine *engine = object;
  engine->ops->destroy(engine);
}

struct engine *engine_of(napi_env env, napi_value responder) { return object_of(env, responder, "responder"); }

static struct engine *open_engine(napi_env env, napi_callback_info info, size_t count,
                                  napi_value arguments[MAX_ARGUMENTS]) {
  return open_object(env, info, count, arguments, "responder");
}

static struct engine *create_engine(int32_t which, struct failure *failure) {
  if (which == 0) return thread_engine_create(failure);
  return kernel_engine_create(which == 1 ? HOOK_TCX : HOOK_CLSACT, failure);
}

// responderOpen(engine: 0 for the thread, 1 for the program in the kernel by a TCX link, 2 for it on clsact)
static napi_value responder_open(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t which;
  struct failure failure;
  if (!read_arguments(env, info, 1, arguments) || !read_int(env, arguments[0], &which)) return NULL;
  struct engine *engine = create_engine(which, &failure);
  if (engine == NULL) return throw_system_error(env, failure.call, failure.error);
  return make_handle(env, engine, destroy);
}

static napi_value attach(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t ifindex, by;
  struct bytes mac;
  struct failure failure;
  struct engine *engine = open_engine(env, info, 4, arguments);
  if (engine == NULL || !read_int(env, arguments[1], &ifindex) || !read_bytes(env, arguments[2], &mac) ||
      !read_int(env, arguments[3], &by)) {
    return NULL;
  }
  const struct attach_request request = {.ifindex = ifindex, .mac = mac.data};
  int slot = engine->ops->attach(engine, &request, by == 0 ? BY_ENGINE : BY_THREAD, &failure);
  return slot < 0 ? throw_system_error(env, failure.call, failure.error) : make_int(env, slot);
}

static napi_value attach_again(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t slot, by;
  struct failure failure;
  struct engine *engine = open_engine(env, info, 3, arguments);
  if (engine == NULL || !read_int(env, arguments[1], &slot) || !read_int(env, arguments[2], &by)) return NULL;
  if (engine->ops->attach_again(engine, slot, by == 0 ? BY_ENGINE : BY_THREAD, &failure)) return NULL;
  return throw_system_error(env, failure.call, failure.error);
}

static napi_value look(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t slot;
  struct engine *engine = open_engine(env, info, 2, arguments);
  if (engine == NULL || !read_int(env, arguments[1], &slot)) return NULL;
  return make_int(env, engine->ops->look(engine, slot));
}

static napi_value detach(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t slot;
  struct engine *engine = open_engine(env, info, 2, arguments);
  if (engine == NULL || !read_int(env, arguments[1], &slot)) return NULL;
  engine->ops->detach(engine, slot);
  return NULL;
}

static napi_value replace(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  struct bytes rows;
  struct failure failure;
  struct engine *engine = open_engine(env, info, 2, arguments);
  if (engine == NULL || !read_bytes(env, arguments[1], &rows)) return NULL;
  if (engine->ops->replace(engine, rows.data, rows.length / VIP_ROW_BYTES, &failure)) return NULL;
  return throw_system_error(env, failure.call, failure.error);
}

static napi_value renew(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t milliseconds;
  struct engine *engine = open_engine(env, info, 2, arguments);
  if (engine == NULL || !read_int(env, arguments[1], &milliseconds)) return NULL;
  return make_bool(env, engine->ops->renew(engine, (uint64_t)milliseconds));
}

static napi_value set_fence(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t milliseconds;
  struct engine *engine = open_engine(env, info, 2, arguments);
  if (engine == NULL || !read_int(env, arguments[1], &milliseconds)) return NULL;
  engine->ops->set_fence(engine, (uint64_t)milliseconds);
  return NULL;
}

static napi_value keep_quiet(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t milliseconds;
  struct engine *engine = open_engine(env, info, 2, arguments);
  if (engine == NULL || !read_int(env, arguments[1], &milliseconds)) return NULL;
  engine->ops->keep_quiet(engine, (uint64_t)milliseconds);
  return NULL;
}

static napi_value announce(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t slot;
  struct bytes frame;
  struct failure failure;
  struct engine *engine = open_engine(env, info, 3, arguments);
  if (engine == NULL || !read_int(env, arguments[1], &slot) || !read_bytes(env, arguments[2], &frame)) return NULL;
  enum announce_result result = engine->ops->announce(engine, slot, frame.data, frame.length, &failure);
  if (result == ANNOUNCE_FAILED) return throw_system_error(env, failure.call, failure.error);
  return make_bool(env, result == ANNOUNCE_SENT);
}

static napi_value outcomes(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS], list = NULL;
  uint64_t counts[OUTCOME_COUNT];
  struct engine *engine = open_engine(env, info, 1, arguments);
  if (engine == NULL || napi_create_array_with_length(env, OUTCOME_COUNT, &list) != napi_ok) return NULL;
  engine->ops->outcomes(engine, counts);
  for (uint32_t index = 0; index < OUTCOME_COUNT; index++) {
    napi_set_element(env, list, index, make_double(env, (double)counts[index]));
  }
  return list;
}

// One VIP: its address in the low 16 bytes, then requests, replies, claims and claimant, each 8 bytes in host byte
// order.
enum { COUNTER_ROW_BYTES = VIP_ADDRESS_BYTES + 4 * 8 };

static void write_row(uint8_t *row, const struct vip_entry *entry) {
  const struct vip_counters *counters = entry->counters;
  uint64_t numbers[] = {atomic_load(&counters->requests), atomic_load(&counters->replies), atomic_load(&counters->claims),
                        atomic_load(&counters->claimant)};
  memcpy(row, entry->address, VIP_ADDRESS_BYTES);
  memcpy(row + VIP_ADDRESS_BYTES, numbers, sizeof numbers);
}

// Whether this node answers for it somewhere; a VIP that is only held back has nothing to count.
static bool is_answered(const struct vip_entry *entry) {
  return entry->counters != NULL && entry->interfaces != 0 && !entry->is_missing;
}

static bool is_missing(const struct vip_entry *entry) { return entry->counters != NULL && entry->is_missing; }

static uint32_t count_entries(const struct vip_table *table, bool (*is_one)(const struct vip_entry *)) {
  uint32_t count = 0;
  for (uint32_t position = 0; position <= table->mask; position++) count += is_one(&table->entries[position]);
  return count;
}

static napi_value vip_counters(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS], buffer = NULL;
  void *data = NULL;
  struct engine *engine = open_engine(env, info, 1, arguments);
  if (engine == NULL) return NULL;
  const struct vip_table *table = engine->ops->table(engine);
  size_t bytes = (size_t)count_entries(table, is_answered) * COUNTER_ROW_BYTES;
  if (napi_create_arraybuffer(env, bytes, &data, &buffer) != napi_ok) return NULL;
  uint8_t *row = data;
  for (uint32_t position = 0; position <= table->mask; position++) {
    if (!is_answered(&table->entries[position])) continue;
    write_row(row, &table->entries[position]);
    row += COUNTER_ROW_BYTES;
  }
  return buffer;
}

static napi_value missing_vips(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS], buffer = NULL;
  void *data = NULL;
  struct engine *engine = open_engine(env, info, 1, arguments);
  if (engine == NULL) return NULL;
  const struct vip_table *table = engine->ops->table(engine);
  size_t bytes = (size_t)count_entries(table, is_missing) * VIP_ADDRESS_BYTES;
  if (napi_create_arraybuffer(env, bytes, &data, &buffer) != napi_ok) return NULL;
  uint8_t *row = data;
  for (uint32_t position = 0; position <= table->mask; position++) {
    if (!is_missing(&table->entries[position])) continue;
    memcpy(row, table->entries[position].address, VIP_ADDRESS_BYTES);
    row += VIP_ADDRESS_BYTES;
  }
  return buffer;
}

static napi_value outcome_names(napi_env env, napi_callback_info info) {
#define NAME_ROW(name, text) text,
  static const char *const names[] = {ARP_OUTCOMES(NAME_ROW) RESPONDER_OUTCOMES(NAME_ROW) NDP_OUTCOMES(NAME_ROW)};
#undef NAME_ROW
  (void)info;
  napi_value list = NULL;
  if (napi_create_array_with_length(env, OUTCOME_COUNT, &list) != napi_ok) return NULL;
  for (uint32_t index = 0; index < OUTCOME_COUNT; index++) napi_set_element(env, list, index, make_text(env, names[index]));
  return list;
}

bool export_responder(napi_env env, napi_value exports) {
  static const struct method methods[] = {
      {"responderOpen", responder_open},    {"responderClose", close_handle},
      {"responderAttach", attach},          {"responderDetach", detach},
      {"responderReplace", replace},        {"responderRenew", renew},
      {"responderSetFence", set_fence},     {"responderAnnounce", announce},
      {"responderOutcomes", outcomes},      {"responderVipCounters", vip_counters},
      {"responderAttachAgain", attach_again}, {"responderLook", look},
      {"responderKeepQuiet", keep_quiet},   {"responderMissing", missing_vips},
      {"outcomeNames", outcome_names},
  };
  return export_methods(env, exports, methods, sizeof methods / sizeof *methods);
}
