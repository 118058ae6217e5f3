// SPDX-License-Identifier: Apache-2.0
// Sends the frames of a file again and again, at a rate that is kept as well as the machine can.
//
// usage: frame-replay IFNAME RATE SECONDS FILE     the file has a frame in hex on each line
// prints how many frames were sent.
#include "packet.h"

#include <unistd.h>

enum { BATCH = 64, FRAME_BYTES = 1514, LINE_BYTES = 2 * FRAME_BYTES + 2 };

static struct frames {
  struct iovec *list;
  size_t count;
} frames;

static void read_frames(const char *path) {
  FILE *file = fopen(path, "r");
  if (file == NULL) die(path);
  char line[LINE_BYTES];
  uint8_t bytes[FRAME_BYTES];
  while (fgets(line, sizeof line, file) != NULL) {
    size_t length = read_hex(line, bytes, sizeof bytes);
    if (length < sizeof(struct ether_header)) die("frame");
    struct iovec *list = realloc(frames.list, (frames.count + 1) * sizeof *frames.list);
    uint8_t *copy = malloc(length);
    if (list == NULL || copy == NULL) die("malloc");
    frames.list = list;
    memcpy(copy, bytes, length);
    frames.list[frames.count++] = (struct iovec){copy, length};
  }
  fclose(file);
  if (frames.count == 0) die("no frame");
}

static long send_batch(int fd, long number) {
  struct mmsghdr messages[BATCH];
  memset(messages, 0, sizeof messages);
  for (int index = 0; index < BATCH; index++) {
    struct iovec *frame = &frames.list[(size_t)(number + index) % frames.count];
    messages[index].msg_hdr = (struct msghdr){.msg_iov = frame, .msg_iovlen = 1};
  }
  // No room in the queue at this moment: the next batch takes up where this one ended.
  int sent = sendmmsg(fd, messages, BATCH, 0);
  return sent < 0 ? 0 : sent;
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: frame-replay IFNAME RATE SECONDS FILE\n");
    return 2;
  }
  double rate = strtod(argv[2], NULL);
  read_frames(argv[4]);
  int fd = open_socket(argv[1], 0);
  long long begin = now_ns(), end = begin + (long long)(strtod(argv[3], NULL) * 1e9);
  long sent = 0;
  while (now_ns() < end) {
    if (sent < (long)((double)(now_ns() - begin) * rate / 1e9)) sent += send_batch(fd, sent);
    else usleep(200);
  }
  close(fd);
  printf("%ld\n", sent);
  return 0;
}
