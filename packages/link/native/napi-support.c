// SPDX-License-Identifier: Apache-2.0
#include "napi-support.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

static bool misuse(napi_env env, const char *what) {
  bool is_pending = false;
  napi_is_exception_pending(env, &is_pending);
  if (!is_pending) napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", what);
  return false;
}

bool read_arguments(napi_env env, napi_callback_info info, size_t count, napi_value arguments[MAX_ARGUMENTS]) {
  size_t given = MAX_ARGUMENTS;
  if (napi_get_cb_info(env, info, &given, arguments, NULL, NULL) != napi_ok) return misuse(env, "link: no arguments");
  return given == count || misuse(env, "link: wrong number of arguments");
}

bool read_int(napi_env env, napi_value value, int32_t *out) {
  return napi_get_value_int32(env, value, out) == napi_ok || misuse(env, "link: a number was expected");
}

bool read_bytes(napi_env env, napi_value value, struct bytes *out) {
  static const size_t element_bytes[] = {[napi_int8_array] = 1,  [napi_uint8_array] = 1,   [napi_uint8_clamped_array] = 1,
                                         [napi_int16_array] = 2, [napi_uint16_array] = 2,  [napi_int32_array] = 4,
                                         [napi_uint32_array] = 4, [napi_float32_array] = 4, [napi_float64_array] = 8,
                                         [napi_bigint64_array] = 8, [napi_biguint64_array] = 8};
  napi_typedarray_type type;
  void *data = NULL;
  size_t length = 0;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, NULL, NULL) != napi_ok) {
    return misuse(env, "link: a typed array was expected");
  }
  if ((size_t)type >= sizeof element_bytes / sizeof *element_bytes) return misuse(env, "link: unknown kind of typed array");
  *out = (struct bytes){data, length * element_bytes[type]};
  return true;
}

bool read_all(napi_env env, napi_callback_info info, const char *letters, void *const targets[]) {
  napi_value arguments[MAX_ARGUMENTS];
  if (!read_arguments(env, info, strlen(letters), arguments)) return false;
  for (size_t index = 0; letters[index] != '\0'; index++) {
    bool is_read = letters[index] == 'i' ? read_int(env, arguments[index], targets[index])
                                         : read_bytes(env, arguments[index], targets[index]);
    if (!is_read) return false;
  }
  return true;
}

napi_value make_int(napi_env env, int64_t number) {
  napi_value value = NULL;
  napi_create_int64(env, number, &value);
  return value;
}

napi_value make_double(napi_env env, double number) {
  napi_value value = NULL;
  napi_create_double(env, number, &value);
  return value;
}

napi_value make_bool(napi_env env, bool truth) {
  napi_value value = NULL;
  napi_get_boolean(env, truth, &value);
  return value;
}

napi_value make_text(napi_env env, const char *text) {
  napi_value value = NULL;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
  return value;
}

napi_value throw_system_error(napi_env env, const char *call, int error) {
  char text[160];
  (void)snprintf(text, sizeof text, "%s: %s: %s", call, uv_err_name(-error), uv_strerror(-error));
  napi_value failure = NULL;
  if (napi_create_error(env, make_text(env, uv_err_name(-error)), make_text(env, text), &failure) != napi_ok) return NULL;
  napi_set_named_property(env, failure, "errno", make_int(env, error));
  napi_set_named_property(env, failure, "syscall", make_text(env, call));
  napi_throw(env, failure);
  return NULL;
}

napi_value throw_closed(napi_env env, const char *what) {
  char text[80];
  (void)snprintf(text, sizeof text, "link: the %s is closed", what);
  napi_throw_error(env, "ERR_CLOSED", text);
  return NULL;
}

bool export_methods(napi_env env, napi_value exports, const struct method *methods, size_t count) {
  for (size_t index = 0; index < count; index++) {
    napi_value function = NULL;
    const struct method *method = &methods[index];
    if (napi_create_function(env, method->name, NAPI_AUTO_LENGTH, method->callback, NULL, &function) != napi_ok) return false;
    if (napi_set_named_property(env, exports, method->name, function) != napi_ok) return false;
  }
  return true;
}
