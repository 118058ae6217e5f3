// SPDX-License-Identifier: Apache-2.0
// The program that spreads, for JavaScript. What its tables hold is decided there; here they are written.
#include "spread-binding.h"

#include "monotonic-clock.h"

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

static napi_value attach(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t ifindex;
  struct failure failure;
  struct spread *spread = open_spread(env, info, 2, arguments);
  if (spread == NULL || !read_int(env, arguments[1], &ifindex)) return NULL;
  return spread_done(env, spread_attach(spread, ifindex, &failure), &failure);
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
  return spread_done(env, spread_tell(spread, (uint32_t)self, *(uint64_t *)(void *)seed.data, seen_until, &failure), &failure);
}

static napi_value renew(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t milliseconds;
  struct failure failure;
  struct spread *spread = open_spread(env, info, 2, arguments);
  if (spread == NULL || !read_int(env, arguments[1], &milliseconds)) return NULL;
  return spread_done(env, spread_renew(spread, (uint64_t)milliseconds, &failure), &failure);
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
  return spread_done(env, spread_put_rows(spread, (uint32_t)first, (const uint32_t *)(void *)rows.data, count, &failure), &failure);
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
  if (!spread_read_counts(spread, &all.counts, all.forwarded, &failure)) return spread_done(env, false, &failure);
  napi_create_array_with_length(env, sizeof all / sizeof *number, &list);
  for (uint32_t index = 0; index < sizeof all / sizeof *number; index++) {
    napi_set_element(env, list, index, make_double(env, (double)number[index]));
  }
  return list;
}

bool export_spread(napi_env env, napi_value exports) {
  static const struct method methods[] = {
      {"spreadClose", close_handle}, {"spreadAttach", attach},      {"spreadDetach", detach},
      {"spreadLook", look},          {"spreadTell", tell},          {"spreadRenew", renew},
      {"spreadRows", put_rows},      {"spreadPut", put},            {"spreadTake", take},
      {"spreadStrays", put_strays},  {"spreadCounts", counts},      {"spreadKeepBy", keep_by},
      {"spreadIsKept", is_kept},     {"spreadTakeOver", take_over},
  };
  return export_methods(env, exports, methods, sizeof methods / sizeof *methods) && export_spread_load(env, exports) &&
         export_spread_try(env, exports);
}
