// SPDX-License-Identifier: Apache-2.0
// One TCP stream, as fast as it goes.
//
// usage: tcp-stream serve PORT STREAMS          takes in this many streams one after the other, then ends
//        tcp-stream send IP PORT MILLISECONDS   sends for so long; prints bytes a second
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK_BYTES = 128 << 10, CONNECT_TRIES = 200, RETRY_US = 10000 };

static char chunk[CHUNK_BYTES];

static void die(const char *what) {
  fprintf(stderr, "tcp-stream: %s: %s\n", what, strerror(errno));
  exit(1);
}

static double now_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int serve(uint16_t port, int streams) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0) die("socket");
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 1) != 0) die("bind");
  for (int stream = 0; stream < streams; stream++) {
    int peer = accept(fd, NULL, NULL);
    if (peer < 0) die("accept");
    while (read(peer, chunk, sizeof chunk) > 0) continue;
    close(peer);
  }
  return 0;
}

// The server may not listen yet.
static int connect_to(const struct sockaddr_in *address) {
  for (int attempt = 0; attempt < CONNECT_TRIES; attempt++) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) == 0) return fd;
    close(fd);
    usleep(RETRY_US);
  }
  die("connect");
  return -1;
}

static int send_for(const char *ip, uint16_t port, int milliseconds) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (inet_pton(AF_INET, ip, &address.sin_addr) != 1) die(ip);
  int fd = connect_to(&address);
  double begin = now_s(), end = begin + milliseconds / 1e3, bytes = 0;
  while (now_s() < end) {
    ssize_t written = write(fd, chunk, sizeof chunk);
    if (written < 0) die("write");
    bytes += (double)written;
  }
  printf("%.0f\n", bytes / (now_s() - begin));
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 4 && strcmp(argv[1], "serve") == 0) return serve((uint16_t)atoi(argv[2]), atoi(argv[3]));
  if (argc == 5 && strcmp(argv[1], "send") == 0) return send_for(argv[2], (uint16_t)atoi(argv[3]), atoi(argv[4]));
  fprintf(stderr, "usage: tcp-stream serve PORT STREAMS | send IP PORT MILLISECONDS\n");
  return 2;
}
