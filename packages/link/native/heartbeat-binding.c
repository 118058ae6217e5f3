// SPDX-License-Identifier: Apache-2.0
// The thread that sends heartbeats, for JavaScript.
#include <errno.h>

#include "heartbeat.h"
#include "napi-handle.h"
#include "responder-binding.h"

static void destroy(void *object) { heartbeat_destroy(object); }

static struct heartbeat *open_heartbeat(napi_env env, napi_callback_info info, size_t count,
                                        napi_value arguments[MAX_ARGUMENTS]) {
  return open_object(env, info, count, arguments, "heartbeat");
}

// heartbeatOpen(responder)
static napi_value heartbeat_open(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  struct failure failure;
  if (!read_arguments(env, info, 1, arguments)) return NULL;
  struct engine *engine = engine_of(env, arguments[0]);
  if (engine == NULL) return NULL;
  struct heartbeat *heartbeat = heartbeat_create(engine, &failure);
  if (heartbeat == NULL) return throw_system_error(env, failure.call, failure.error);
  return make_handle(env, heartbeat, destroy);
}

static napi_value pace(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t interval, answer;
  struct heartbeat *heartbeat = open_heartbeat(env, info, 3, arguments);
  if (heartbeat == NULL || !read_int(env, arguments[1], &interval) || !read_int(env, arguments[2], &answer)) return NULL;
  heartbeat_pace(heartbeat, (uint64_t)interval, (uint64_t)answer);
  return NULL;
}

static napi_value attach(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t ifindex;
  struct failure failure;
  struct heartbeat *heartbeat = open_heartbeat(env, info, 2, arguments);
  if (heartbeat == NULL || !read_int(env, arguments[1], &ifindex)) return NULL;
  int slot = heartbeat_attach(heartbeat, ifindex, &failure);
  return slot < 0 ? throw_system_error(env, failure.call, failure.error) : make_int(env, slot);
}

static napi_value detach(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t slot;
  struct heartbeat *heartbeat = open_heartbeat(env, info, 2, arguments);
  if (heartbeat == NULL || !read_int(env, arguments[1], &slot)) return NULL;
  heartbeat_detach(heartbeat, slot);
  return NULL;
}

// heartbeatFrame(heartbeat, slot, frame, innerBlock, outerBlock)
static napi_value set_frame(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t slot;
  struct bytes bytes, inner, outer;
  struct hmac_key key;
  struct heartbeat *heartbeat = open_heartbeat(env, info, 5, arguments);
  if (heartbeat == NULL || !read_int(env, arguments[1], &slot) || !read_bytes(env, arguments[2], &bytes) ||
      !read_bytes(env, arguments[3], &inner) || !read_bytes(env, arguments[4], &outer)) {
    return NULL;
  }
  hmac_key_set(&key, inner.data, outer.data);
  heartbeat_frame(heartbeat, slot, bytes.data, bytes.length, &key);
  return NULL;
}

// heartbeatCopies(heartbeat, slot, macs)
static napi_value copies(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t slot;
  struct bytes macs;
  struct heartbeat *heartbeat = open_heartbeat(env, info, 3, arguments);
  if (heartbeat == NULL || !read_int(env, arguments[1], &slot) || !read_bytes(env, arguments[2], &macs)) return NULL;
  size_t count = macs.length / MAC_BYTES;
  if (count > HEARTBEAT_MOST_COPIES) count = HEARTBEAT_MOST_COPIES;
  if (!heartbeat_copies(heartbeat, slot, macs.data, count)) return throw_system_error(env, "malloc", ENOMEM);
  return NULL;
}

// heartbeatDatagrams(heartbeat, slot, fd4, fd6, addresses)
static napi_value datagrams(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t slot;
  struct bytes bytes;
  struct heartbeat_datagrams wanted;
  struct heartbeat *heartbeat = open_heartbeat(env, info, 5, arguments);
  if (heartbeat == NULL || !read_int(env, arguments[1], &slot) || !read_int(env, arguments[2], &wanted.fd4) ||
      !read_int(env, arguments[3], &wanted.fd6) || !read_bytes(env, arguments[4], &bytes)) {
    return NULL;
  }
  wanted.addresses = bytes.data;
  wanted.count = bytes.length / HEARTBEAT_ADDRESS_BYTES;
  if (wanted.count > HEARTBEAT_MOST_COPIES) wanted.count = HEARTBEAT_MOST_COPIES;
  if (!heartbeat_datagrams(heartbeat, slot, &wanted)) return throw_system_error(env, "dup", errno);
  return NULL;
}

static napi_value next_counter(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  struct heartbeat *heartbeat = open_heartbeat(env, info, 1, arguments);
  return heartbeat == NULL ? NULL : make_double(env, (double)heartbeat_next_counter(heartbeat));
}

static napi_value renew(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t milliseconds;
  struct heartbeat *heartbeat = open_heartbeat(env, info, 2, arguments);
  if (heartbeat == NULL || !read_int(env, arguments[1], &milliseconds)) return NULL;
  heartbeat_renew(heartbeat, (uint64_t)milliseconds);
  return NULL;
}

static napi_value hold(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  struct heartbeat *heartbeat = open_heartbeat(env, info, 1, arguments);
  if (heartbeat != NULL) heartbeat_hold(heartbeat);
  return NULL;
}

static napi_value release(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  struct heartbeat *heartbeat = open_heartbeat(env, info, 1, arguments);
  if (heartbeat != NULL) heartbeat_release(heartbeat);
  return NULL;
}

// heartbeatReport(heartbeat): rounds, lapses, longest delay in milliseconds, whether it has lapsed (0 or 1)
static napi_value report(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS], list = NULL;
  struct heartbeat *heartbeat = open_heartbeat(env, info, 1, arguments);
  if (heartbeat == NULL || napi_create_array_with_length(env, 4, &list) != napi_ok) return NULL;
  struct heartbeat_report seen = heartbeat_report(heartbeat);
  const double numbers[] = {(double)seen.rounds, (double)seen.lapses, (double)seen.latest / 1e6, seen.is_lapsed ? 1 : 0};
  for (uint32_t index = 0; index < 4; index++) napi_set_element(env, list, index, make_double(env, numbers[index]));
  return list;
}

bool export_heartbeat(napi_env env, napi_value exports) {
  static const struct method methods[] = {
      {"heartbeatOpen", heartbeat_open},   {"heartbeatClose", close_handle}, {"heartbeatPace", pace},
      {"heartbeatAttach", attach},         {"heartbeatDetach", detach},         {"heartbeatFrame", set_frame},
      {"heartbeatNextCounter", next_counter}, {"heartbeatRenew", renew},        {"heartbeatHold", hold},
      {"heartbeatRelease", release},       {"heartbeatReport", report},       {"heartbeatCopies", copies},
      {"heartbeatDatagrams", datagrams},
  };
  return export_methods(env, exports, methods, sizeof methods / sizeof *methods);
}
