// SPDX-License-Identifier: Apache-2.0
// What the programs that measure TCP share: each is one process that serves, or one that asks. They end on any error.
#ifndef BENCH_TCP_H
#define BENCH_TCP_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECT_TRIES = 200, RETRY_US = 10000 };

static void die(const char *what) {
  fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
  exit(1);
}

// CLOCK_MONOTONIC, in nanoseconds.
static long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000L + now.tv_nsec;
}

// Takes in so many connections, one after the other, and has each served to its end.
static void serve_each(uint16_t port, int connections, void (*serve)(int peer)) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0) die("socket");
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 1) != 0) die("bind");
  for (int connection = 0; connection < connections; connection++) {
    int peer = accept(fd, NULL, NULL);
    if (peer < 0) die("accept");
    serve(peer);
    close(peer);
  }
}

// The server may not listen yet.
static int connect_to(const char *ip, uint16_t port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (inet_pton(AF_INET, ip, &address.sin_addr) != 1) die(ip);
  for (int attempt = 0; attempt < CONNECT_TRIES; attempt++) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    usleep(RETRY_US);
  }
  die("connect");
  return -1;
}

#endif
