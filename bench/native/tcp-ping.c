// SPDX-License-Identifier: Apache-2.0
// Round trips of one byte over one TCP connection.
//
// usage: tcp-ping serve PORT CONNECTIONS   sends back what comes over so many connections, one by one; then ends
//        tcp-ping ask IP PORT COUNT        asks so often; prints the median round trip in nanoseconds
#include "tcp.h"

#include <netinet/tcp.h>

enum { WARM_UP = 200 };

static void at_once(int fd) {
  int yes = 1;
  if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) != 0) die("TCP_NODELAY");
}

static void send_back(int peer) {
  char byte;
  at_once(peer);
  while (read(peer, &byte, 1) == 1 && write(peer, &byte, 1) == 1) continue;
}

static long round_trip(int fd) {
  char byte = 'x';
  long begin = now_ns();
  if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1) die("round trip");
  return now_ns() - begin;
}

static int compare(const void *left, const void *right) {
  long a = *(const long *)left, b = *(const long *)right;
  return (a > b) - (a < b);
}

static void ask(const char *ip, uint16_t port, int count) {
  if (count < 1) die(ip);
  long *times = calloc((size_t)count, sizeof *times);
  if (!times) die("memory");
  int fd = connect_to(ip, port);
  at_once(fd);
  for (int i = 0; i < WARM_UP; i++) round_trip(fd);
  for (int i = 0; i < count; i++) times[i] = round_trip(fd);
  qsort(times, (size_t)count, sizeof *times, compare);
  printf("%ld\n", times[count / 2]);
  free(times);
}

int main(int argc, char **argv) {
  if (argc == 4 && strcmp(argv[1], "serve") == 0) {
    serve_each((uint16_t)atoi(argv[2]), atoi(argv[3]), send_back);
    return 0;
  }
  if (argc == 5 && strcmp(argv[1], "ask") == 0) {
    ask(argv[2], (uint16_t)atoi(argv[3]), atoi(argv[4]));
    return 0;
  }
  fprintf(stderr, "usage: tcp-ping serve PORT CONNECTIONS | ask IP PORT COUNT\n");
  return 2;
}
