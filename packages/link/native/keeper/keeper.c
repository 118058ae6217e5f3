// SPDX-License-Identifier: Apache-2.0
// Holds what keeps programs of another process in the kernel, so that they outlive that process for a moment.
//
// usage: keeper SOCKET
//
// A process connects to the socket (unix(7), SOCK_SEQPACKET) and sends messages of one byte with descriptors
// (SCM_RIGHTS); each message takes the place of the one before. When the connection ends, however that came about, its
// descriptors are held for two seconds more, or until the process that comes next says that it has taken over (the byte
// is 1). The keeper never looks at what it holds, and needs no capability. A SIGTERM ends it once it holds nothing.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CLIENTS = 8, MAX_HELD = 64, HOLD_MS = 2000 };

// What the byte of a message says: hold these; or that, and let go of what others left behind.
enum { HOLD = 0, TAKEN_OVER = 1 };

struct client {
  // -1: the connection has ended; the descriptors are held until `until_ms`.
  int socket;
  bool is_used;
  int held[MAX_HELD];
  int held_count;
  long long until_ms;
};

static struct client clients[MAX_CLIENTS];
static volatile sig_atomic_t is_ending;

static void on_term(int signal) {
  (void)signal;
  is_ending = 1;
}

static long long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void let_go(struct client *client) {
  for (int index = 0; index < client->held_count; index++) close(client->held[index]);
  client->held_count = 0;
}

static int listen_at(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memcpy(address.sun_path, path, strlen(path));
  int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  // What an earlier keeper left behind.
  unlink(path);
  // Only for the user that runs it.
  umask(0177);
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, MAX_CLIENTS) != 0) return -1;
  return listener;
}

static void take_client(int listener) {
  int socket = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (socket < 0) return;
  for (int index = 0; index < MAX_CLIENTS; index++) {
    if (clients[index].is_used) continue;
    clients[index] = (struct client){.socket = socket, .is_used = true};
    return;
  }
  close(socket);
}

static void end_connection(struct client *client) {
  close(client->socket);
  client->socket = -1;
  client->until_ms = now_ms() + HOLD_MS;
}

// New descriptors come in before the old ones go.
static void take_descriptors(struct client *client, struct msghdr *message) {
  struct client before = *client;
  client->held_count = 0;
  for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL; part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    size_t bytes = part->cmsg_len - CMSG_LEN(0);
    memcpy(client->held, CMSG_DATA(part), bytes);
    client->held_count = (int)(bytes / sizeof(int));
  }
  let_go(&before);
}

static void let_go_of_ended(void) {
  for (int index = 0; index < MAX_CLIENTS; index++) {
    if (clients[index].is_used && clients[index].socket < 0) clients[index].until_ms = 0;
  }
}

static void hear(struct client *client) {
  char byte = HOLD;
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * MAX_HELD)];
  } control;
  struct iovec data = {.iov_base = &byte, .iov_len = 1};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t length = recvmsg(client->socket, &message, MSG_CMSG_CLOEXEC);
  if (length > 0) {
    take_descriptors(client, &message);
    if (byte == TAKEN_OVER) let_go_of_ended();
  } else if (length == 0 || (errno != EAGAIN && errno != EINTR)) {
    end_connection(client);
  }
}

// Lets go of what was held long enough. Returns milliseconds until there is something to do again; -1: nothing.
static int tidy(void) {
  long long now = now_ms();
  int wait = -1;
  for (int index = 0; index < MAX_CLIENTS; index++) {
    struct client *client = &clients[index];
    if (!client->is_used || client->socket >= 0) continue;
    int left = client->until_ms > now ? (int)(client->until_ms - now) : 0;
    if (left == 0) {
      let_go(client);
      client->is_used = false;
    } else if (wait < 0 || left < wait) {
      wait = left;
    }
  }
  return wait;
}

static bool is_needed(void) {
  for (int index = 0; index < MAX_CLIENTS; index++) {
    if (clients[index].is_used) return true;
  }
  return false;
}

// Sleeps until something comes; a signal ends that too, also one that came a moment before.
static void wait_once(int listener, int wait_ms, const sigset_t *signals) {
  struct pollfd polls[MAX_CLIENTS + 1] = {{.fd = listener, .events = POLLIN}};
  struct timespec wait = {.tv_sec = wait_ms / 1000, .tv_nsec = (long)(wait_ms % 1000) * 1000000};
  for (int index = 0; index < MAX_CLIENTS; index++) {
    polls[index + 1] = (struct pollfd){.fd = clients[index].is_used ? clients[index].socket : -1, .events = POLLIN};
  }
  if (ppoll(polls, MAX_CLIENTS + 1, wait_ms < 0 ? NULL : &wait, signals) <= 0) return;
  for (int index = 0; index < MAX_CLIENTS; index++) {
    if (polls[index + 1].revents != 0) hear(&clients[index]);
  }
  if (polls[0].revents != 0) take_client(listener);
}

int main(int count, char **arguments) {
  sigset_t blocked, before;
  const struct sigaction ending = {.sa_handler = on_term};
  if (count != 2) {
    (void)fprintf(stderr, "usage: keeper SOCKET\n");
    return 2;
  }
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigprocmask(SIG_BLOCK, &blocked, &before);
  sigaction(SIGTERM, &ending, NULL);
  int listener = listen_at(arguments[1]);
  if (listener < 0) {
    (void)fprintf(stderr, "keeper: listen: \"%s\": %s\n", arguments[1], strerror(errno));
    return 1;
  }
  for (;;) {
    int wait_ms = tidy();
    if (is_ending && !is_needed()) return 0;
    wait_once(listener, wait_ms, &before);
  }
}
