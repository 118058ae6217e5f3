// SPDX-License-Identifier: Apache-2.0
// Objects of C that JavaScript holds as external values: each is destroyed once, by close, by the garbage collector or
// at the end of the environment, whichever comes first, so that no thread and no program outlives it. Hooks of the
// environment run in reverse order of their making.
#ifndef BERTH_NAPI_HANDLE_H
#define BERTH_NAPI_HANDLE_H

#include "napi-support.h"

// Hands an object over to JavaScript. Where that fails it is destroyed, and an exception is pending.
napi_value make_handle(napi_env env, void *object, void (*destroy)(void *object));

// The object of a handle that is open. NULL with a pending exception that names `what` otherwise.
void *object_of(napi_env env, napi_value value, const char *what);

// Fetches `count` arguments, the first of which is an open handle, and returns its object. NULL with a pending
// exception otherwise.
void *open_object(napi_env env, napi_callback_info info, size_t count, napi_value arguments[MAX_ARGUMENTS],
                  const char *what);

// The method that closes a handle. One that is closed stays so.
napi_value close_handle(napi_env env, napi_callback_info info);

#endif
