// SPDX-License-Identifier: Apache-2.0
// The little that every binding needs of Node-API. Arguments are checked in TypeScript only; a call of Node-API that
// fails here means a bug there, and ends in a JavaScript exception.
#ifndef BERTH_NAPI_SUPPORT_H
#define BERTH_NAPI_SUPPORT_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAX_ARGUMENTS = 6 };

struct bytes {
  uint8_t *data;
  size_t length;
};

// Fetches exactly `count` arguments. On failure an exception is pending and false is returned, here and below.
bool read_arguments(napi_env env, napi_callback_info info, size_t count, napi_value arguments[MAX_ARGUMENTS]);
bool read_int(napi_env env, napi_value value, int32_t *out);
// A view of any typed array's memory; valid during the call.
bool read_bytes(napi_env env, napi_value value, struct bytes *out);

// Fetches all arguments of a call into the targets, by a letter each: `i` an int32_t, `b` a struct bytes.
bool read_all(napi_env env, napi_callback_info info, const char *letters, void *const targets[]);

napi_value make_int(napi_env env, int64_t number);
napi_value make_double(napi_env env, double number);
napi_value make_bool(napi_env env, bool value);
napi_value make_text(napi_env env, const char *text);

// Throws an Error with `code`, `errno` and `syscall` like those of Node's own modules; returns NULL.
napi_value throw_system_error(napi_env env, const char *call, int error);
// Throws an Error for a handle that was closed; returns NULL.
napi_value throw_closed(napi_env env, const char *what);

struct method {
  const char *name;
  napi_callback callback;
};

// Adds functions to the exports of the addon.
bool export_methods(napi_env env, napi_value exports, const struct method *methods, size_t count);

bool export_sockets(napi_env env, napi_value exports);
bool export_polls(napi_env env, napi_value exports);
bool export_responder(napi_env env, napi_value exports);
bool export_decision(napi_env env, napi_value exports);
bool export_program(napi_env env, napi_value exports);
bool export_heartbeat(napi_env env, napi_value exports);
bool export_fence(napi_env env, napi_value exports);
bool export_watchdog(napi_env env, napi_value exports);
bool export_spread(napi_env env, napi_value exports);
bool export_conntrack(napi_env env, napi_value exports);
bool export_packet(napi_env env, napi_value exports);

#endif
