// SPDX-License-Identifier: Apache-2.0
// One TCP stream, as fast as it goes.
//
// usage: tcp-stream serve PORT STREAMS          takes in this many streams one after the other, then ends
//        tcp-stream send IP PORT MILLISECONDS   sends for so long; prints bytes a second
#include "tcp.h"

enum { CHUNK_BYTES = 128 << 10 };

static char chunk[CHUNK_BYTES];

static void take_in(int peer) {
  while (read(peer, chunk, sizeof chunk) > 0) continue;
}

static void send_for(const char *ip, uint16_t port, int milliseconds) {
  int fd = connect_to(ip, port);
  double bytes = 0;
  long begin = now_ns(), end = begin + milliseconds * 1000000L;
  while (now_ns() < end) {
    ssize_t written = write(fd, chunk, sizeof chunk);
    if (written < 0) die("write");
    bytes += (double)written;
  }
  printf("%.0f\n", bytes / ((double)(now_ns() - begin) / 1e9));
}

int main(int argc, char **argv) {
  if (argc == 4 && strcmp(argv[1], "serve") == 0) {
    serve_each((uint16_t)atoi(argv[2]), atoi(argv[3]), take_in);
    return 0;
  }
  if (argc == 5 && strcmp(argv[1], "send") == 0) {
    send_for(argv[2], (uint16_t)atoi(argv[3]), atoi(argv[4]));
    return 0;
  }
  fprintf(stderr, "usage: tcp-stream serve PORT STREAMS | send IP PORT MILLISECONDS\n");
  return 2;
}
