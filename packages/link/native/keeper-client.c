// SPDX-License-Identifier: Apache-2.0
#include "keeper-client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool keeper_client_open(struct keeper_client *client, const char *path) {
  *client = (struct keeper_client){.address = {.sun_family = AF_UNIX}, .socket = -1};
  if (strlen(path) >= sizeof client->address.sun_path) return false;
  memcpy(client->address.sun_path, path, strlen(path));
  return true;
}

// The keeper never says anything: what can be read is its end.
static bool is_open(const struct keeper_client *client) {
  char byte;
  if (client->socket < 0) return false;
  return recv(client->socket, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && (errno == EAGAIN || errno == EINTR);
}

bool keeper_client_ensure(struct keeper_client *client, bool *is_new) {
  *is_new = false;
  if (is_open(client)) return true;
  keeper_client_close(client);
  if (client->address.sun_path[0] == '\0') return false;
  int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  if (connect(fd, (const struct sockaddr *)&client->address, sizeof client->address) != 0) {
    close(fd);
    return false;
  }
  client->socket = fd;
  *is_new = true;
  return true;
}

bool keeper_client_hold(struct keeper_client *client, enum keeper_word word, const int *descriptors, size_t count) {
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * KEEPER_MAX_HELD)];
  } control = {.bytes = {0}};
  char byte = (char)word;
  struct iovec data = {.iov_base = &byte, .iov_len = 1};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
  if (count > 0) {
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
    struct cmsghdr *part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(part), descriptors, sizeof(int) * count);
  }
  if (client->socket >= 0 && sendmsg(client->socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 1) return true;
  keeper_client_close(client);
  return false;
}

void keeper_client_close(struct keeper_client *client) {
  if (client->socket >= 0) close(client->socket);
  client->socket = -1;
}
