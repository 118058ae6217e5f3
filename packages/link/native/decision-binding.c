// SPDX-License-Identifier: Apache-2.0
// The decisions on one frame without thread or socket, so that the same vectors can go through C and TypeScript.
#include <errno.h>

#include "frame-verdict.h"
#include "napi-support.h"

// decide(rows, slot, mac, fence: 0 or 1, frame, reply): fills `reply` (86 bytes) when there is one; returns the
// outcome.
static napi_value decide(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  struct bytes rows, mac, frame, reply;
  int32_t slot, fence;
  if (!read_arguments(env, info, 6, arguments) || !read_bytes(env, arguments[0], &rows) ||
      !read_int(env, arguments[1], &slot) || !read_bytes(env, arguments[2], &mac) ||
      !read_int(env, arguments[3], &fence) || !read_bytes(env, arguments[4], &frame) ||
      !read_bytes(env, arguments[5], &reply)) {
    return NULL;
  }
  struct vip_table *table = vip_table_create(rows.data, rows.length / VIP_ROW_BYTES, NULL);
  if (table == NULL) return throw_system_error(env, "calloc", ENOMEM);
  struct decision_point at = {.table = table, .slot_bit = UINT64_C(1) << slot, .mac = mac.data, .fence_holds = fence != 0};
  struct verdict verdict = frame_verdict(&at, frame.data, frame.length, reply.data);
  vip_table_destroy(table, NULL);
  return make_int(env, (int64_t)verdict.outcome);
}

bool export_decision(napi_env env, napi_value exports) {
  static const struct method methods[] = {{"decide", decide}};
  return export_methods(env, exports, methods, sizeof methods / sizeof *methods);
}
