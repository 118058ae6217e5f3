// SPDX-License-Identifier: Apache-2.0
// Reading conntrack for JavaScript: on a thread of libuv's pool, as tens of thousands of entries take hundreds of
// milliseconds.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conntrack.h"
#include "napi-support.h"

struct work {
  napi_async_work handle;
  napi_deferred promise;
  struct conntrack_query query;
  struct conntrack_service *services;
  struct conntrack_flows flows;
  struct failure failure;
  bool is_read;
};

static void free_work(struct work *work) {
  conntrack_free(&work->flows);
  free(work->services);
  free(work);
}

static void execute(napi_env env, void *data) {
  (void)env;
  struct work *work = data;
  work->is_read = conntrack_read(&work->query, &work->flows, &work->failure);
}

static void *make_array(napi_env env, napi_value result, const char *name, napi_typedarray_type type, size_t count) {
  size_t bytes = count * (type == napi_biguint64_array ? sizeof(uint64_t) : sizeof(uint16_t));
  void *data = NULL;
  napi_value buffer, array;
  if (napi_create_arraybuffer(env, bytes, &data, &buffer) != napi_ok) return NULL;
  napi_create_typedarray(env, type, count, buffer, 0, &array);
  napi_set_named_property(env, result, name, array);
  return data;
}

static napi_value result_of(napi_env env, const struct conntrack_flows *flows) {
  napi_value result = NULL;
  napi_create_object(env, &result);
  uint64_t *fingerprints = make_array(env, result, "fingerprints", napi_biguint64_array, flows->count);
  uint16_t *services = make_array(env, result, "services", napi_uint16_array, flows->count);
  uint16_t *rows = make_array(env, result, "rows", napi_uint16_array, flows->count);
  // Without memory an exception is pending, which ends the process.
  if (flows->count > 0 && (fingerprints == NULL || services == NULL || rows == NULL)) return NULL;
  for (size_t index = 0; index < flows->count; index++) {
    fingerprints[index] = flows->list[index].fingerprint;
    services[index] = flows->list[index].service;
    rows[index] = flows->list[index].row;
  }
  napi_set_named_property(env, result, "total", make_int(env, flows->total));
  napi_set_named_property(env, result, "max", make_int(env, flows->max));
  return result;
}

static void reject(napi_env env, struct work *work) {
  napi_value error = NULL;
  throw_system_error(env, work->failure.call, work->failure.error);
  napi_get_and_clear_last_exception(env, &error);
  napi_reject_deferred(env, work->promise, error);
}

static void complete(napi_env env, napi_status status, void *data) {
  struct work *work = data;
  if (status != napi_ok) {
    work->is_read = false;
    work->failure = (struct failure){"ctnetlink", ECANCELED};
  }
  if (work->is_read) {
    napi_value result = result_of(env, &work->flows);
    if (result != NULL) napi_resolve_deferred(env, work->promise, result);
  } else {
    reject(env, work);
  }
  napi_delete_async_work(env, work->handle);
  free_work(work);
}

// JavaScript may go on to change what it gave: the thread has a copy.
static struct work *make_work(const struct bytes *seed, const struct bytes *services) {
  struct work *work = calloc(1, sizeof *work);
  if (work == NULL) return NULL;
  work->services = malloc(services->length + 1);
  if (work->services == NULL) {
    free(work);
    return NULL;
  }
  // An empty array has no memory at all.
  if (services->length > 0) memcpy(work->services, services->data, services->length);
  work->query = (struct conntrack_query){.seed = *(const uint64_t *)(const void *)seed->data,
                                         .services = work->services,
                                         .service_count = services->length / sizeof *work->services};
  return work;
}

// conntrackRead(seed: BigUint64Array of one, services: rows of struct conntrack_service); returns a promise.
static napi_value conntrack_read_all(napi_env env, napi_callback_info info) {
  struct bytes seed, services;
  napi_value promise = NULL;
  if (!read_all(env, info, "bb", (void *const[]){&seed, &services})) return NULL;
  struct work *work = make_work(&seed, &services);
  if (work == NULL) return throw_system_error(env, "malloc", ENOMEM);
  napi_create_promise(env, &work->promise, &promise);
  napi_create_async_work(env, NULL, make_text(env, "conntrackRead"), execute, complete, work, &work->handle);
  napi_queue_async_work(env, work->handle);
  return promise;
}

bool export_conntrack(napi_env env, napi_value exports) {
  static const struct method methods[] = {{"conntrackRead", conntrack_read_all}};
  return export_methods(env, exports, methods, sizeof methods / sizeof *methods);
}
