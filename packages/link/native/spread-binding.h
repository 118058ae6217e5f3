// SPDX-License-Identifier: Apache-2.0
// What the bindings of the program that spreads share, and the two that export_spread exports with its own.
#ifndef BERTH_SPREAD_BINDING_H
#define BERTH_SPREAD_BINDING_H

#include "napi-handle.h"
#include "spread-engine.h"

// Fetches arguments, the first of which is an open table. NULL with a pending exception otherwise.
static inline struct spread *open_spread(napi_env env, napi_callback_info info, size_t count,
                                         napi_value arguments[MAX_ARGUMENTS]) {
  return open_object(env, info, count, arguments, "spread table");
}

static inline napi_value spread_done(napi_env env, bool is_done, const struct failure *failure) {
  return is_done ? NULL : throw_system_error(env, failure->call, failure->error);
}

bool export_spread_load(napi_env env, napi_value exports);
bool export_spread_try(napi_env env, napi_value exports);

#endif
