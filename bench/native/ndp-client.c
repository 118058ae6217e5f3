// SPDX-License-Identifier: Apache-2.0
// A closed loop of neighbor solicitations: sends one, waits for the advertisement, sends the next. Alternates between its questions from
// round to round, so that whatever else the machine does hits all of them alike.
//
// usage: ndp-client IFNAME ROUNDS REQUESTS QUESTION...      a question is a whole frame in hex
// prints one line per answer: index of the question, nanoseconds from before send() to after recv(). A lost answer has -1.
#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { PATIENCE_MS = 1000, WARM_UP = 50, FRAME_BYTES = 256, TYPE_AT = 54, TARGET_AT = 62, ADVERTISEMENT = 136 };

struct question {
  uint8_t frame[FRAME_BYTES];
  size_t length;
};

static void die(const char *what) {
  fprintf(stderr, "ndp-client: %s: %s\n", what, strerror(errno));
  exit(1);
}

static long long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int open_socket(const char *ifname) {
  int fd = socket(AF_PACKET, SOCK_RAW, 0);
  if (fd < 0) die("socket");
  struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                .sll_protocol = htons(ETHERTYPE_IPV6),
                                .sll_ifindex = (int)if_nametoindex(ifname)};
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) die("bind");
  return fd;
}

static struct question read_question(const char *hex) {
  struct question question = {.length = strlen(hex) / 2};
  if (question.length < TARGET_AT + 16 || question.length > FRAME_BYTES) die("question");
  for (size_t at = 0; at < question.length; at++) {
    unsigned int byte;
    if (sscanf(hex + 2 * at, "%2x", &byte) != 1) die("question");
    question.frame[at] = (uint8_t)byte;
  }
  return question;
}

static bool is_answer(const uint8_t *frame, ssize_t length, const struct question *question) {
  return length >= TARGET_AT + 16 && frame[TYPE_AT] == ADVERTISEMENT &&
         memcmp(frame + TARGET_AT, question->frame + TARGET_AT, 16) == 0;
}

// Returns the nanoseconds until the answer, or -1 when none comes.
static long long ask(int fd, const struct question *question) {
  long long begin = now_ns();
  if (send(fd, question->frame, question->length, 0) < 0) die("send");
  struct pollfd readable = {.fd = fd, .events = POLLIN};
  while (poll(&readable, 1, PATIENCE_MS) > 0) {
    uint8_t frame[FRAME_BYTES];
    ssize_t length = recv(fd, frame, sizeof frame, 0);
    if (is_answer(frame, length, question)) return now_ns() - begin;
  }
  return -1;
}

int main(int argc, char **argv) {
  if (argc < 5) {
    fprintf(stderr, "usage: ndp-client IFNAME ROUNDS REQUESTS QUESTION...\n");
    return 2;
  }
  int fd = open_socket(argv[1]), rounds = atoi(argv[2]), requests = atoi(argv[3]), questions = argc - 4;
  for (int turn = 0; turn < rounds * questions; turn++) {
    int index = turn % questions;
    struct question question = read_question(argv[4 + index]);
    for (int count = 0; count < WARM_UP; count++) ask(fd, &question);
    for (int count = 0; count < requests; count++) printf("%d %lld\n", index, ask(fd, &question));
  }
  return 0;
}
