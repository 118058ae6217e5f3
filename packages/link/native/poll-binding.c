// SPDX-License-Identifier: Apache-2.0
// Readiness of a descriptor on JavaScript's own event loop (uv_poll).
#include <errno.h>
#include <stdlib.h>
#include <uv.h>

#include "napi-support.h"

struct poll {
  uv_poll_t handle;
  napi_env env;
  napi_ref callback;
  bool is_stopped;
};

static void on_closed(uv_handle_t *handle) { free(handle->data); }

static void stop(void *data) {
  struct poll *poll = data;
  if (poll->is_stopped) return;
  poll->is_stopped = true;
  uv_poll_stop(&poll->handle);
  napi_delete_reference(poll->env, poll->callback);
  uv_close((uv_handle_t *)&poll->handle, on_closed);
}

static void on_ready(uv_poll_t *handle, int status, int events) {
  (void)status;
  (void)events;
  // Errors show up when the descriptor is read.
  struct poll *poll = handle->data;
  napi_handle_scope scope;
  if (napi_open_handle_scope(poll->env, &scope) != napi_ok) return;
  napi_value callback = NULL, receiver = NULL, failure = NULL;
  napi_get_reference_value(poll->env, poll->callback, &callback);
  napi_get_global(poll->env, &receiver);
  if (napi_make_callback(poll->env, NULL, receiver, callback, 0, NULL, NULL) == napi_pending_exception) {
    napi_get_and_clear_last_exception(poll->env, &failure);
    napi_fatal_exception(poll->env, failure);
  }
  napi_close_handle_scope(poll->env, scope);
}

static napi_value poll_start(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS], external = NULL;
  int32_t fd;
  uv_loop_t *loop = NULL;
  if (!read_arguments(env, info, 2, arguments) || !read_int(env, arguments[0], &fd)) return NULL;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return throw_system_error(env, "napi_get_uv_event_loop", EINVAL);
  struct poll *poll = calloc(1, sizeof *poll);
  if (poll == NULL) return throw_system_error(env, "calloc", ENOMEM);
  int error = uv_poll_init(loop, &poll->handle, fd);
  if (error != 0) {
    free(poll);
    return throw_system_error(env, "epoll_ctl", -error);
  }
  poll->handle.data = poll;
  poll->env = env;
  napi_create_reference(env, arguments[1], 1, &poll->callback);
  uv_poll_start(&poll->handle, UV_READABLE, on_ready);
  napi_add_env_cleanup_hook(env, stop, poll);
  napi_create_external(env, poll, NULL, NULL, &external);
  return external;
}

// Must be called exactly once for each pollStart, before the descriptor is closed.
static napi_value poll_stop(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  void *poll = NULL;
  if (!read_arguments(env, info, 1, arguments)) return NULL;
  if (napi_get_value_external(env, arguments[0], &poll) != napi_ok) return throw_closed(env, "poll");
  napi_remove_env_cleanup_hook(env, stop, poll);
  stop(poll);
  return NULL;
}

bool export_polls(napi_env env, napi_value exports) {
  static const struct method methods[] = {{"pollStart", poll_start}, {"pollStop", poll_stop}};
  return export_methods(env, exports, methods, sizeof methods / sizeof *methods);
}
