// SPDX-License-Identifier: Apache-2.0
// A closed loop of ARP requests or neighbor solicitations: sends one, waits for the answer, sends the next. Alternates
// between its questions from round to round, so that whatever else the machine does hits all of them alike.
//
// usage: neighbor-client IFNAME ROUNDS REQUESTS QUESTION...      a question is a whole frame in hex
// prints one line per answer: index of the question, nanoseconds from before send() to after recv(). A lost answer has
// -1.
#include "packet.h"

#include <poll.h>
#include <stdbool.h>

enum { PATIENCE_MS = 1000, WARM_UP = 50, FRAME_BYTES = 256 };

// Where the two protocols differ: what marks an answer, and where question and answer have the address that is asked
// for.
struct protocol {
  uint16_t ether_type;
  size_t type_at, target_at, answered_at, address_bytes, least_bytes;
  uint8_t answer_type;
};

static const struct protocol ARP = {ETHERTYPE_ARP, 21, 38, 28, 4, 42, 2};
static const struct protocol NDP = {ETHERTYPE_IPV6, 54, 62, 62, 16, 78, 136};

struct question {
  const struct protocol *protocol;
  uint8_t frame[FRAME_BYTES];
  size_t length;
};

static struct question read_question(const char *hex) {
  struct question question = {0};
  question.length = read_hex(hex, question.frame, sizeof question.frame);
  bool is_arp = question.frame[12] == (ETHERTYPE_ARP >> 8) && question.frame[13] == (ETHERTYPE_ARP & 0xff);
  question.protocol = is_arp ? &ARP : &NDP;
  if (question.length < question.protocol->least_bytes) die("question");
  return question;
}

static bool is_answer(const uint8_t *frame, ssize_t length, const struct question *question) {
  const struct protocol *protocol = question->protocol;
  return length >= (ssize_t)protocol->least_bytes && frame[protocol->type_at] == protocol->answer_type &&
         memcmp(frame + protocol->answered_at, question->frame + protocol->target_at, protocol->address_bytes) == 0;
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
    fprintf(stderr, "usage: neighbor-client IFNAME ROUNDS REQUESTS QUESTION...\n");
    return 2;
  }
  int rounds = atoi(argv[2]), requests = atoi(argv[3]), questions = argc - 4;
  int fd = open_socket(argv[1], read_question(argv[4]).protocol->ether_type);
  for (int turn = 0; turn < rounds * questions; turn++) {
    int index = turn % questions;
    struct question question = read_question(argv[4 + index]);
    for (int count = 0; count < WARM_UP; count++) ask(fd, &question);
    for (int count = 0; count < requests; count++) printf("%d %lld\n", index, ask(fd, &question));
  }
  return 0;
}
