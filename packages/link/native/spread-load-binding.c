// SPDX-License-Identifier: Apache-2.0
// Loads the program that spreads: at once, or on another thread.
#include <errno.h>
#include <stdlib.h>

#include "spread-binding.h"

static void destroy(void *object) { spread_destroy(object); }

// spreadOpen(1 for TCX links, 2 for clsact)
static napi_value spread_open(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t which;
  struct failure failure;
  if (!read_arguments(env, info, 1, arguments) || !read_int(env, arguments[0], &which)) return NULL;
  struct spread *spread = spread_create(which == 1 ? HOOK_TCX : HOOK_CLSACT, &failure);
  if (spread == NULL) return throw_system_error(env, failure.call, failure.error);
  return make_handle(env, spread, destroy);
}

// Loading takes tens of milliseconds of the verifier, and on a busy machine several times that: on a thread of libuv's
// pool.
struct load {
  napi_async_work work;
  napi_deferred promise;
  enum kernel_hook hook;
  struct spread *spread;
  struct failure failure;
};

static void execute_load(napi_env env, void *data) {
  (void)env;
  struct load *load = data;
  load->spread = spread_create(load->hook, &load->failure);
}

static void complete_load(napi_env env, napi_status status, void *data) {
  struct load *load = data;
  napi_value error = NULL;
  if (status != napi_ok) load->failure = (struct failure){"bpf", ECANCELED};
  napi_value handle = load->spread == NULL ? NULL : make_handle(env, load->spread, destroy);
  if (handle != NULL) {
    napi_resolve_deferred(env, load->promise, handle);
  } else {
    if (load->spread == NULL) throw_system_error(env, load->failure.call, load->failure.error);
    napi_get_and_clear_last_exception(env, &error);
    napi_reject_deferred(env, load->promise, error);
  }
  napi_delete_async_work(env, load->work);
  free(load);
}

// spreadLoad(as spreadOpen); returns a promise.
static napi_value spread_load(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS], promise = NULL;
  int32_t which;
  if (!read_arguments(env, info, 1, arguments) || !read_int(env, arguments[0], &which)) return NULL;
  struct load *load = calloc(1, sizeof *load);
  if (load == NULL) return throw_system_error(env, "calloc", ENOMEM);
  load->hook = which == 1 ? HOOK_TCX : HOOK_CLSACT;
  napi_create_promise(env, &load->promise, &promise);
  napi_create_async_work(env, NULL, make_text(env, "spreadLoad"), execute_load, complete_load, load, &load->work);
  napi_queue_async_work(env, load->work);
  return promise;
}

bool export_spread_load(napi_env env, napi_value exports) {
  static const struct method methods[] = {{"spreadOpen", spread_open}, {"spreadLoad", spread_load}};
  return export_methods(env, exports, methods, sizeof methods / sizeof *methods);
}
