// SPDX-License-Identifier: Apache-2.0
// The program that spreads, for JavaScript. What its tables hold is decided there; here they are written.
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>

#include "monotonic-clock.h"
#include "napi-handle.h"
#include "spread-engine.h"

// Maps that JavaScript fills by itself, in the order in which it numbers them (native-spread.ts).
struct open_map {
  enum spread_map map;
  size_t key_bytes, value_bytes;
};
static const struct open_map open_maps[] = {
    {SPREAD_MAP_vips, 16, sizeof(uint32_t)},
    {SPREAD_MAP_services, sizeof(struct spread_service_key), sizeof(spread_service)},
    {SPREAD_MAP_members, sizeof(struct spread_member_key), sizeof(struct spread_member)},
    {SPREAD_MAP_senders, sizeof(struct spread_sender_key), sizeof(uint32_t)},
};

// As it is called where it is closed.
static const char TABLE[] = "spread table";

static void destroy(void *object) { spread_destroy(object); }

static struct spread *open_spread(napi_env env, napi_callback_info info, size_t count, napi_value arguments[MAX_ARGUMENTS]) {
  return open_object(env, info, count, arguments, TABLE);
}

static napi_value done(napi_env env, bool is_done, const struct failure *failure) {
  return is_done ? NULL : throw_system_error(env, failure->call, failure->error);
}

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

static napi_value attach(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t ifindex;
  struct failure failure;
  struct spread *spread = open_spread(env, info, 2, arguments);
  if (spread == NULL || !read_int(env, arguments[1], &ifindex)) return NULL;
  return done(env, spread_attach(spread, ifindex, &failure), &failure);
}

static napi_value detach(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t ifindex;
  struct spread *spread = open_spread(env, info, 2, arguments);
  if (spread == NULL || !read_int(env, arguments[1], &ifindex)) return NULL;
  spread_detach(spread, ifindex);
  return NULL;
}

static napi_value look(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t ifindex;
  struct spread *spread = open_spread(env, info, 2, arguments);
  if (spread == NULL || !read_int(env, arguments[1], &ifindex)) return NULL;
  return make_int(env, spread_look(spread, ifindex));
}

// spreadTell(handle, self, seed: BigUint64Array of one, milliseconds for which "seen" counts; -1 for good)
static napi_value tell(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t self, milliseconds;
  struct bytes seed;
  struct failure failure;
  struct spread *spread = open_spread(env, info, 4, arguments);
  if (spread == NULL || !read_int(env, arguments[1], &self) || !read_bytes(env, arguments[2], &seed) ||
      !read_int(env, arguments[3], &milliseconds)) {
    return NULL;
  }
  uint64_t seen_until = milliseconds < 0 ? UINT64_MAX : fence_now() + (uint64_t)milliseconds * 1000000u;
  return done(env, spread_tell(spread, (uint32_t)self, *(uint64_t *)(void *)seed.data, seen_until, &failure), &failure);
}

static napi_value renew(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t milliseconds;
  struct failure failure;
  struct spread *spread = open_spread(env, info, 2, arguments);
  if (spread == NULL || !read_int(env, arguments[1], &milliseconds)) return NULL;
  return done(env, spread_renew(spread, (uint64_t)milliseconds, &failure), &failure);
}

// spreadKeepBy(handle, path with a zero at its end); false where it is too long
static napi_value keep_by(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  struct bytes path;
  struct spread *spread = open_spread(env, info, 2, arguments);
  if (spread == NULL || !read_bytes(env, arguments[1], &path)) return NULL;
  return make_bool(env, spread_keep_by(spread, (const char *)path.data));
}

static napi_value is_kept(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  struct spread *spread = open_spread(env, info, 1, arguments);
  return spread == NULL ? NULL : make_bool(env, spread_is_kept(spread));
}

static napi_value take_over(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  struct spread *spread = open_spread(env, info, 1, arguments);
  if (spread != NULL) spread_take_over(spread);
  return NULL;
}

// spreadRows(handle, first, rows: Uint32Array)
static napi_value put_rows(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t first;
  struct bytes rows;
  struct failure failure;
  struct spread *spread = open_spread(env, info, 3, arguments);
  if (spread == NULL || !read_int(env, arguments[1], &first) || !read_bytes(env, arguments[2], &rows)) return NULL;
  uint32_t count = (uint32_t)(rows.length / sizeof(uint32_t));
  return done(env, spread_put_rows(spread, (uint32_t)first, (const uint32_t *)(void *)rows.data, count, &failure), &failure);
}

// spreadPut(handle, map, keys, values); returns how many went in before the first that did not.
static napi_value put(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t which;
  struct bytes keys, values;
  struct failure unused;
  struct spread *spread = open_spread(env, info, 4, arguments);
  if (spread == NULL || !read_int(env, arguments[1], &which) || !read_bytes(env, arguments[2], &keys) ||
      !read_bytes(env, arguments[3], &values)) {
    return NULL;
  }
  const struct open_map *map = &open_maps[which];
  size_t count = keys.length / map->key_bytes, index = 0;
  while (index < count && bpf_put(spread->maps[map->map], keys.data + index * map->key_bytes,
                                  values.data + index * map->value_bytes, &unused)) {
    index++;
  }
  return make_int(env, (int64_t)index);
}

// spreadTake(handle, map, keys)
static napi_value take(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t which;
  struct bytes keys;
  struct spread *spread = open_spread(env, info, 3, arguments);
  if (spread == NULL || !read_int(env, arguments[1], &which) || !read_bytes(env, arguments[2], &keys)) return NULL;
  const struct open_map *map = &open_maps[which];
  for (size_t at = 0; at + map->key_bytes <= keys.length; at += map->key_bytes) {
    bpf_take(spread->maps[map->map], keys.data + at);
  }
  return NULL;
}

// spreadStrays(handle, fingerprints: BigUint64Array, numbers: Uint8Array)
static napi_value put_strays(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  struct bytes fingerprints, numbers;
  struct failure failure;
  struct spread *spread = open_spread(env, info, 3, arguments);
  if (spread == NULL || !read_bytes(env, arguments[1], &fingerprints) || !read_bytes(env, arguments[2], &numbers)) return NULL;
  int64_t missing =
      spread_put_strays(spread, (const uint64_t *)(void *)fingerprints.data, numbers.data, numbers.length, &failure);
  return missing < 0 ? throw_system_error(env, failure.call, failure.error) : make_int(env, missing);
}

// spreadCounts(handle): the numbers of struct spread_counts, then those of "forwarded".
static napi_value counts(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS], list = NULL;
  struct failure failure;
  struct {
    struct spread_counts counts;
    uint64_t forwarded[SPREAD_MAX_NUMBER + 1];
  } all;
  const uint64_t *number = (const uint64_t *)&all;
  struct spread *spread = open_spread(env, info, 1, arguments);
  if (spread == NULL) return NULL;
  if (!spread_read_counts(spread, &all.counts, all.forwarded, &failure)) return done(env, false, &failure);
  napi_create_array_with_length(env, sizeof all / sizeof *number, &list);
  for (uint32_t index = 0; index < sizeof all / sizeof *number; index++) {
    napi_set_element(env, list, index, make_double(env, (double)number[index]));
  }
  return list;
}

// spreadTry(handle, frame, result, times); returns the verdict, the length of the result and the nanoseconds of a run.
static napi_value try_frame(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS], list = NULL;
  struct bytes frame, result;
  int32_t times;
  struct spread *spread = open_spread(env, info, 4, arguments);
  if (spread == NULL || !read_bytes(env, arguments[1], &frame) || !read_bytes(env, arguments[2], &result) ||
      !read_int(env, arguments[3], &times)) {
    return NULL;
  }
  struct bpf_run run = {.frame = frame.data, .length = frame.length, .result = result.data, .room = result.length, .times = (uint32_t)times};
  if (!bpf_try(spread->program, &run)) return throw_system_error(env, "bpf(BPF_PROG_TEST_RUN)", errno);
  napi_create_array_with_length(env, 3, &list);
  napi_set_element(env, list, 0, make_int(env, (int32_t)run.verdict));
  napi_set_element(env, list, 1, make_int(env, (int64_t)run.result_length));
  napi_set_element(env, list, 2, make_int(env, run.nanoseconds));
  return list;
}

// spreadTryEmpty(frame, times): nanoseconds of a run of a program that does nothing.
static napi_value try_empty(napi_env env, napi_callback_info info) {
  struct bytes frame;
  int32_t times;
  struct failure failure;
  uint8_t result[2048];
  if (!read_all(env, info, "bi", (void *const[]){&frame, &times})) return NULL;
  int program = bpf_load_empty(&failure);
  if (program < 0) return done(env, false, &failure);
  struct bpf_run run = {.frame = frame.data, .length = frame.length, .result = result, .room = sizeof result, .times = (uint32_t)times};
  bool is_run = bpf_try(program, &run);
  int error = errno;
  bpf_unload(program);
  return is_run ? make_int(env, run.nanoseconds) : throw_system_error(env, "bpf(BPF_PROG_TEST_RUN)", error);
}

bool export_spread(napi_env env, napi_value exports) {
  static const struct method methods[] = {
      {"spreadOpen", spread_open}, {"spreadLoad", spread_load}, {"spreadClose", close_handle},
      {"spreadAttach", attach},    {"spreadDetach", detach},
      {"spreadLook", look},        {"spreadTell", tell},          {"spreadRenew", renew},   {"spreadRows", put_rows},
      {"spreadPut", put},          {"spreadTake", take},          {"spreadStrays", put_strays},
      {"spreadCounts", counts},    {"spreadTry", try_frame},
      {"spreadKeepBy", keep_by},   {"spreadIsKept", is_kept},
      {"spreadTakeOver", take_over},
      {"spreadTryEmpty", try_empty},
  };
  return export_methods(env, exports, methods, sizeof methods / sizeof *methods);
}
