// SPDX-License-Identifier: Apache-2.0
#include "napi-handle.h"

#include <errno.h>
#include <stdlib.h>

// What an external value points to; `object` is NULL after close.
struct handle {
  void *object;
  void (*destroy)(void *object);
};

static void close_object(void *data) {
  struct handle *handle = data;
  if (handle->object == NULL) return;
  handle->destroy(handle->object);
  handle->object = NULL;
}

static void finalize(napi_env env, void *data, void *hint) {
  (void)hint;
  napi_remove_env_cleanup_hook(env, close_object, data);
  close_object(data);
  free(data);
}

napi_value make_handle(napi_env env, void *object, void (*destroy)(void *object)) {
  napi_value external = NULL;
  struct handle *handle = calloc(1, sizeof *handle);
  if (handle == NULL) {
    destroy(object);
    return throw_system_error(env, "calloc", ENOMEM);
  }
  *handle = (struct handle){.object = object, .destroy = destroy};
  napi_add_env_cleanup_hook(env, close_object, handle);
  napi_create_external(env, handle, finalize, NULL, &external);
  return external;
}

void *object_of(napi_env env, napi_value value, const char *what) {
  void *data = NULL;
  if (napi_get_value_external(env, value, &data) != napi_ok || ((struct handle *)data)->object == NULL) {
    throw_closed(env, what);
    return NULL;
  }
  return ((struct handle *)data)->object;
}

void *open_object(napi_env env, napi_callback_info info, size_t count, napi_value arguments[MAX_ARGUMENTS],
                  const char *what) {
  return read_arguments(env, info, count, arguments) ? object_of(env, arguments[0], what) : NULL;
}

napi_value close_handle(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  void *data = NULL;
  if (!read_arguments(env, info, 1, arguments)) return NULL;
  if (napi_get_value_external(env, arguments[0], &data) == napi_ok) close_object(data);
  return NULL;
}
