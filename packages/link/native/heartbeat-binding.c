// SPDX-License-Identifier: Apache-2.0
// The thread that sends heartbeats, for JavaScript.
#include <errno.h>
#include <stdlib.h>

#include "heartbeat.h"
#include "napi-support.h"
#include "responder-binding.h"

// What an external value points to; `heartbeat` is NULL after close.
struct handle {
  struct heartbeat *heartbeat;
};

// Also at the end of the environment, before the engine goes: hooks run in reverse order.
static void close_handle(void *data) {
  struct handle *handle = data;
  if (handle->heartbeat == NULL) return;
  heartbeat_destroy(handle->heartbeat);
  handle->heartbeat = NULL;
}

static void finalize(napi_env env, void *data, void *hint) {
  (void)hint;
  napi_remove_env_cleanup_hook(env, close_handle, data);
  close_handle(data);
  free(data);
}

// Fetches `count` arguments, the first of which is an open handle. NULL with a pending exception otherwise.
static struct heartbeat *open_heartbeat(napi_env env, napi_callback_info info, size_t count,
                                        napi_value arguments[MAX_ARGUMENTS]) {
  void *data = NULL;
  if (!read_arguments(env, info, count, arguments)) return NULL;
  if (napi_get_value_external(env, arguments[0], &data) != napi_ok || ((struct handle *)data)->heartbeat == NULL) {
    throw_closed(env, "heartbeat");
    return NULL;
  }
  return ((struct handle *)data)->heartbeat;
}

// heartbeatOpen(responder)
static napi_value heartbeat_open(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS], external = NULL;
  if (!read_arguments(env, info, 1, arguments)) return NULL;
  struct engine *engine = engine_of(env, arguments[0]);
  if (engine == NULL) return NULL;
  struct failure failure;
  struct handle *handle = calloc(1, sizeof *handle);
  if (handle == NULL) return throw_system_error(env, "calloc", ENOMEM);
  handle->heartbeat = heartbeat_create(engine, &failure);
  if (handle->heartbeat == NULL) {
    free(handle);
    return throw_system_error(env, failure.call, failure.error);
  }
  napi_add_env_cleanup_hook(env, close_handle, handle);
  napi_create_external(env, handle, finalize, NULL, &external);
  return external;
}

static napi_value heartbeat_close(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  void *data = NULL;
  if (!read_arguments(env, info, 1, arguments)) return NULL;
  if (napi_get_value_external(env, arguments[0], &data) == napi_ok) close_handle(data);
  return NULL;
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
      {"heartbeatOpen", heartbeat_open},   {"heartbeatClose", heartbeat_close}, {"heartbeatPace", pace},
      {"heartbeatAttach", attach},         {"heartbeatDetach", detach},         {"heartbeatFrame", set_frame},
      {"heartbeatNextCounter", next_counter}, {"heartbeatRenew", renew},        {"heartbeatHold", hold},
      {"heartbeatRelease", release},       {"heartbeatReport", report},       {"heartbeatCopies", copies},
  };
  return export_methods(env, exports, methods, sizeof methods / sizeof *methods);
}
