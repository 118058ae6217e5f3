// SPDX-License-Identifier: Apache-2.0
// Sockets by number: the system calls as they are. Retrying, decoding and closing in time is the business of
// TypeScript.
#include <errno.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "napi-support.h"

// Datagrams of one receive call.
enum { BATCH = 64, OPTION_BYTES = 256 };

static napi_value socket_open(napi_env env, napi_callback_info info) {
  int32_t domain, type, protocol;
  if (!read_all(env, info, "iii", (void *[]){&domain, &type, &protocol})) return NULL;
  int fd = socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  return fd < 0 ? throw_system_error(env, "socket", errno) : make_int(env, fd);
}

static napi_value socket_bind(napi_env env, napi_callback_info info) {
  int32_t fd;
  struct bytes address;
  if (!read_all(env, info, "ib", (void *[]){&fd, &address})) return NULL;
  if (bind(fd, (struct sockaddr *)address.data, (socklen_t)address.length) != 0) return throw_system_error(env, "bind", errno);
  return NULL;
}

static napi_value socket_set_option(napi_env env, napi_callback_info info) {
  int32_t fd, level, name;
  struct bytes value;
  if (!read_all(env, info, "iiib", (void *[]){&fd, &level, &name, &value})) return NULL;
  if (setsockopt(fd, level, name, value.data, (socklen_t)value.length) == 0) return NULL;
  return throw_system_error(env, "setsockopt", errno);
}

// The filter is an array of struct sock_filter (8 bytes each), which the option wants by pointer.
static napi_value socket_attach_filter(napi_env env, napi_callback_info info) {
  int32_t fd;
  struct bytes program;
  if (!read_all(env, info, "ib", (void *[]){&fd, &program})) return NULL;
  struct sock_fprog filter = {.len = (unsigned short)(program.length / sizeof(struct sock_filter)),
                              .filter = (struct sock_filter *)program.data};
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0) return NULL;
  return throw_system_error(env, "setsockopt(SO_ATTACH_FILTER)", errno);
}

// Fills the given array, whose length is that of the option; returns how many bytes the kernel wrote.
static napi_value socket_get_option(napi_env env, napi_callback_info info) {
  int32_t fd, level, name;
  struct bytes value;
  if (!read_all(env, info, "iiib", (void *[]){&fd, &level, &name, &value})) return NULL;
  socklen_t length = (socklen_t)value.length;
  if (getsockopt(fd, level, name, value.data, &length) != 0) return throw_system_error(env, "getsockopt", errno);
  return make_int(env, length);
}

// Returns true when the datagram was taken, false when the kernel has no room for it at the moment.
static napi_value socket_send(napi_env env, napi_callback_info info) {
  int32_t fd;
  struct bytes datagram;
  if (!read_all(env, info, "ib", (void *[]){&fd, &datagram})) return NULL;
  ssize_t sent;
  do sent = send(fd, datagram.data, datagram.length, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent >= 0) return make_bool(env, true);
  if (errno == EAGAIN || errno == ENOBUFS) return make_bool(env, false);
  return throw_system_error(env, "send", errno);
}

// The same to one address, for a socket that is not connected.
static napi_value socket_send_to(napi_env env, napi_callback_info info) {
  int32_t fd;
  struct bytes datagram, address;
  if (!read_all(env, info, "ibb", (void *[]){&fd, &datagram, &address})) return NULL;
  ssize_t sent;
  do
    sent = sendto(fd, datagram.data, datagram.length, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)address.data,
                  (socklen_t)address.length);
  while (sent < 0 && errno == EINTR);
  if (sent >= 0) return make_bool(env, true);
  if (errno == EAGAIN || errno == ENOBUFS) return make_bool(env, false);
  return throw_system_error(env, "sendto", errno);
}

struct batch {
  struct mmsghdr messages[BATCH];
  struct iovec parts[BATCH];
  size_t size;
};

static void lay_out(struct batch *batch, struct bytes slab, size_t slot_bytes, struct bytes addresses, size_t address_bytes) {
  memset(batch, 0, sizeof *batch);
  size_t room = slab.length / slot_bytes;
  batch->size = room < BATCH ? room : BATCH;
  if (addresses.length / address_bytes < batch->size) batch->size = addresses.length / address_bytes;
  for (size_t index = 0; index < batch->size; index++) {
    batch->parts[index] = (struct iovec){slab.data + index * slot_bytes, slot_bytes};
    batch->messages[index].msg_hdr = (struct msghdr){.msg_name = addresses.data + index * address_bytes,
                                                     .msg_namelen = (socklen_t)address_bytes,
                                                     .msg_iov = &batch->parts[index],
                                                     .msg_iovlen = 1};
  }
}

// socketReceive(fd, slab, slotBytes, addresses, lengths): fills one slot of `slab` per datagram, 32 bytes of
// `addresses` and one 32-bit number of `lengths` (its whole length, also where the slot cut it). Returns how many came;
// 0 when none waits.
static napi_value socket_receive(napi_env env, napi_callback_info info) {
  enum { ADDRESS_BYTES = 32 };
  int32_t fd, slot_bytes;
  struct bytes slab, addresses, lengths;
  if (!read_all(env, info, "ibibb", (void *[]){&fd, &slab, &slot_bytes, &addresses, &lengths})) return NULL;
  static _Thread_local struct batch batch;
  lay_out(&batch, slab, (size_t)slot_bytes, addresses, ADDRESS_BYTES);
  if (lengths.length / sizeof(uint32_t) < batch.size) batch.size = lengths.length / sizeof(uint32_t);
  int received;
  do received = recvmmsg(fd, batch.messages, (unsigned)batch.size, MSG_DONTWAIT | MSG_TRUNC, NULL);
  while (received < 0 && errno == EINTR);
  if (received < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return make_int(env, 0);
  if (received < 0) return throw_system_error(env, "recvmmsg", errno);
  for (int index = 0; index < received; index++) {
    memcpy(lengths.data + (size_t)index * sizeof(uint32_t), &batch.messages[index].msg_len, sizeof(uint32_t));
  }
  return make_int(env, received);
}

static napi_value socket_close(napi_env env, napi_callback_info info) {
  int32_t fd;
  if (!read_all(env, info, "i", (void *[]){&fd})) return NULL;
  if (close(fd) != 0) return throw_system_error(env, "close", errno);
  return NULL;
}

bool export_sockets(napi_env env, napi_value exports) {
  static const struct method methods[] = {
      {"socketOpen", socket_open},
      {"socketBind", socket_bind},
      {"socketSetOption", socket_set_option},
      {"socketGetOption", socket_get_option},
      {"socketAttachFilter", socket_attach_filter},
      {"socketSend", socket_send},
      {"socketSendTo", socket_send_to},
      {"socketReceive", socket_receive},
      {"socketClose", socket_close},
  };
  return export_methods(env, exports, methods, sizeof methods / sizeof *methods);
}
