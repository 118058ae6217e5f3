// SPDX-License-Identifier: Apache-2.0
#include "heartbeat.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "beat-fence.h"
#include "monotonic-clock.h"

enum {
  NANOSECONDS_A_MILLISECOND = 1000000,
  COUNTER_BYTES = 6,
  REALTIME_PRIORITY = 1,
  NICE = -20,
  // TC_PRIO_CONTROL and TC_PRIO_INTERACTIVE (<linux/pkt_sched.h>).
  CONTROL_PRIORITY = 7,
  INTERACTIVE_PRIORITY = 6,
};

struct slot {
  // -1: not in use.
  int fd;
  size_t length;
  uint8_t frame[HEARTBEAT_FRAME_BYTES];
  struct hmac_key key;
  // MAC addresses, one after the other; owned by the slot.
  uint8_t *copies;
  size_t copy_count;
  // Socket addresses, one after the other, and the sockets for both families (-1: none); owned by the slot.
  uint8_t *addresses;
  size_t address_count;
  int fd4;
  int fd6;
};

static const struct slot EMPTY_SLOT = {.fd = -1, .fd4 = -1, .fd6 = -1};

// Times are nanoseconds of the monotonic clock. Everything but the counter is guarded by the lock, which is held for a
// round of sends at most; the thread waits on `changed` for its next round.
struct heartbeat {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  pthread_t thread;
  struct engine *engine;
  _Atomic uint64_t counter;
  uint64_t interval;
  uint64_t due;
  struct beat_fence fence;
  struct heartbeat_report report;
  bool is_stopping;
  struct slot slots[SLOT_COUNT];
};

// ---- the thread ----

uint64_t heartbeat_next_counter(struct heartbeat *heartbeat) { return atomic_fetch_add(&heartbeat->counter, 1) + 1; }

static void seal(struct heartbeat *heartbeat, struct slot *slot) {
  uint8_t digest[SHA256_DIGEST_LENGTH];
  uint64_t counter = heartbeat_next_counter(heartbeat);
  for (int index = 0; index < COUNTER_BYTES; index++)
    slot->frame[HEARTBEAT_COUNTER_OFFSET + index] = (uint8_t)(counter >> (8 * (COUNTER_BYTES - 1 - index)));
  // The tag covers the heartbeat without its Ethernet header.
  uint8_t *heartbeat_bytes = slot->frame + ETHERNET_HEADER_BYTES;
  size_t covered = slot->length - ETHERNET_HEADER_BYTES - HEARTBEAT_TAG_BYTES;
  hmac_sha256(&slot->key, heartbeat_bytes, covered, digest);
  memcpy(heartbeat_bytes + covered, digest, HEARTBEAT_TAG_BYTES);
}

// The tag does not cover the Ethernet header, so a copy differs in its destination alone.
static bool send_copies(struct slot *slot) {
  bool is_sent = false;
  uint8_t group[MAC_BYTES];
  memcpy(group, slot->frame, MAC_BYTES);
  for (size_t index = 0; index < slot->copy_count; index++) {
    memcpy(slot->frame, slot->copies + index * MAC_BYTES, MAC_BYTES);
    if (send(slot->fd, slot->frame, slot->length, MSG_DONTWAIT) >= 0) is_sent = true;
  }
  memcpy(slot->frame, group, MAC_BYTES);
  return is_sent;
}

// The heartbeat alone: headers are the kernel's.
static bool send_datagrams(const struct slot *slot) {
  bool is_sent = false;
  const uint8_t *payload = slot->frame + ETHERNET_HEADER_BYTES;
  size_t length = slot->length - ETHERNET_HEADER_BYTES;
  for (size_t index = 0; index < slot->address_count; index++) {
    struct sockaddr_storage to = {0};
    memcpy(&to, slot->addresses + index * HEARTBEAT_ADDRESS_BYTES, HEARTBEAT_ADDRESS_BYTES);
    bool is_v4 = to.ss_family == AF_INET;
    socklen_t size = is_v4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    int fd = is_v4 ? slot->fd4 : slot->fd6;
    if (fd >= 0 && sendto(fd, payload, length, MSG_DONTWAIT, (struct sockaddr *)&to, size) >= 0) is_sent = true;
  }
  return is_sent;
}

static bool send_all(struct heartbeat *heartbeat) {
  bool is_sent = false;
  for (int number = 0; number < SLOT_COUNT; number++) {
    struct slot *slot = &heartbeat->slots[number];
    if (slot->fd < 0 || slot->length == 0) continue;
    seal(heartbeat, slot);
    if (send(slot->fd, slot->frame, slot->length, MSG_DONTWAIT) >= 0) is_sent = true;
    if (send_copies(slot)) is_sent = true;
    if (send_datagrams(slot)) is_sent = true;
  }
  return is_sent;
}

static void renew_engine(struct heartbeat *heartbeat, uint64_t before) {
  uint64_t left;
  enum beat_outcome outcome = beat_fence_sent(&heartbeat->fence, before, fence_now(), &left);
  uint64_t milliseconds = left / NANOSECONDS_A_MILLISECOND;
  if (outcome == BEAT_OPENS) heartbeat->engine->ops->set_fence(heartbeat->engine, milliseconds);
  if (outcome == BEAT_RENEWS && !heartbeat->engine->ops->renew(heartbeat->engine, milliseconds))
    beat_fence_ran_out(&heartbeat->fence);
}

static void run_round(struct heartbeat *heartbeat) {
  uint64_t late = monotonic_now() - heartbeat->due, now = fence_now();
  if (late > heartbeat->report.latest) heartbeat->report.latest = late;
  bool was_lapsed = heartbeat->fence.is_lapsed;
  if (beat_fence_may_send(&heartbeat->fence, now) && send_all(heartbeat)) {
    heartbeat->report.rounds++;
    renew_engine(heartbeat, now);
  }
  if (heartbeat->fence.is_lapsed && !was_lapsed) heartbeat->report.lapses++;
}

// Best effort: without CAP_SYS_NICE the thread has to queue like any other.
static void hurry(void) {
  struct sched_param priority = {.sched_priority = REALTIME_PRIORITY};
  if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority) == 0) return;
  setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
}

static void *run(void *argument) {
  struct heartbeat *heartbeat = argument;
  hurry();
  pthread_mutex_lock(&heartbeat->lock);
  while (!heartbeat->is_stopping) {
    struct timespec due = timespec_of(heartbeat->due);
    int result = heartbeat->interval == 0 ? pthread_cond_wait(&heartbeat->changed, &heartbeat->lock)
                                          : pthread_cond_timedwait(&heartbeat->changed, &heartbeat->lock, &due);
    if (result != ETIMEDOUT || heartbeat->is_stopping) continue;
    run_round(heartbeat);
    uint64_t now = monotonic_now();
    heartbeat->due += heartbeat->interval;
    // Rounds that were missed are not made up for.
    if (heartbeat->due < now) heartbeat->due = now;
  }
  pthread_mutex_unlock(&heartbeat->lock);
  return NULL;
}

// ---- JavaScript's side ----

static bool start_thread(struct heartbeat *heartbeat, struct failure *failure) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&heartbeat->changed, &attributes);
  pthread_condattr_destroy(&attributes);
  // JavaScript's thread may be put aside while it holds the lock; it must not hold up this one.
  pthread_mutexattr_t inheriting;
  pthread_mutexattr_init(&inheriting);
  pthread_mutexattr_setprotocol(&inheriting, PTHREAD_PRIO_INHERIT);
  pthread_mutex_init(&heartbeat->lock, &inheriting);
  pthread_mutexattr_destroy(&inheriting);
  // Signals are for JavaScript's thread.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&heartbeat->thread, NULL, run, heartbeat);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error == 0) pthread_setname_np(heartbeat->thread, "berth-beats");
  *failure = (struct failure){"pthread_create", error};
  return error == 0;
}

struct heartbeat *heartbeat_create(struct engine *engine, struct failure *failure) {
  struct heartbeat *heartbeat = calloc(1, sizeof *heartbeat);
  if (heartbeat == NULL) {
    *failure = (struct failure){"calloc", ENOMEM};
    return NULL;
  }
  heartbeat->engine = engine;
  for (int number = 0; number < SLOT_COUNT; number++) heartbeat->slots[number] = EMPTY_SLOT;
  if (start_thread(heartbeat, failure)) return heartbeat;
  free(heartbeat);
  return NULL;
}

static void close_fd(int fd) {
  if (fd >= 0) close(fd);
}

static void close_slot(struct slot *slot) {
  close_fd(slot->fd);
  close_fd(slot->fd4);
  close_fd(slot->fd6);
  free(slot->copies);
  free(slot->addresses);
  *slot = EMPTY_SLOT;
}

void heartbeat_destroy(struct heartbeat *heartbeat) {
  pthread_mutex_lock(&heartbeat->lock);
  heartbeat->is_stopping = true;
  pthread_cond_signal(&heartbeat->changed);
  pthread_mutex_unlock(&heartbeat->lock);
  pthread_join(heartbeat->thread, NULL);
  for (int number = 0; number < SLOT_COUNT; number++) close_slot(&heartbeat->slots[number]);
  pthread_cond_destroy(&heartbeat->changed);
  pthread_mutex_destroy(&heartbeat->lock);
  free(heartbeat);
}

void heartbeat_pace(struct heartbeat *heartbeat, uint64_t interval, uint64_t answer) {
  pthread_mutex_lock(&heartbeat->lock);
  if (heartbeat->interval == 0) heartbeat->due = monotonic_now();
  heartbeat->interval = interval * NANOSECONDS_A_MILLISECOND;
  heartbeat->fence.answer = answer * NANOSECONDS_A_MILLISECOND;
  pthread_cond_signal(&heartbeat->changed);
  pthread_mutex_unlock(&heartbeat->lock);
}

// A queue that other traffic fills must not hold up a sign of life. Older kernels want CAP_NET_ADMIN for the highest
// priority.
static void go_first(int fd) {
  int priority = CONTROL_PRIORITY;
  if (setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &priority, sizeof priority) == 0) return;
  priority = INTERACTIVE_PRIORITY;
  setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &priority, sizeof priority);
}

static int open_socket(int ifindex, struct failure *failure) {
  // Without a protocol the socket receives nothing.
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    *failure = (struct failure){"socket", errno};
    return -1;
  }
  go_first(fd);
  struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_ifindex = ifindex};
  if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  *failure = (struct failure){"bind", errno};
  close(fd);
  return -1;
}

int heartbeat_attach(struct heartbeat *heartbeat, int ifindex, struct failure *failure) {
  int number = 0;
  // Only JavaScript's thread opens and closes slots.
  while (number < SLOT_COUNT && heartbeat->slots[number].fd >= 0) number++;
  if (number == SLOT_COUNT) {
    *failure = (struct failure){"attach", ENOSPC};
    return -1;
  }
  int fd = open_socket(ifindex, failure);
  if (fd < 0) return -1;
  pthread_mutex_lock(&heartbeat->lock);
  heartbeat->slots[number].fd = fd;
  heartbeat->slots[number].length = 0;
  pthread_mutex_unlock(&heartbeat->lock);
  return number;
}

void heartbeat_detach(struct heartbeat *heartbeat, int number) {
  pthread_mutex_lock(&heartbeat->lock);
  close_slot(&heartbeat->slots[number]);
  pthread_mutex_unlock(&heartbeat->lock);
}

void heartbeat_frame(struct heartbeat *heartbeat, int number, const uint8_t *frame, size_t length,
                     const struct hmac_key *key) {
  pthread_mutex_lock(&heartbeat->lock);
  struct slot *slot = &heartbeat->slots[number];
  memcpy(slot->frame, frame, length);
  slot->length = length;
  slot->key = *key;
  pthread_mutex_unlock(&heartbeat->lock);
}

bool heartbeat_copies(struct heartbeat *heartbeat, int number, const uint8_t *macs, size_t count) {
  // One byte more, so that there is always something to hold.
  uint8_t *copies = malloc(count * MAC_BYTES + 1);
  if (copies == NULL) return false;
  if (count > 0) memcpy(copies, macs, count * MAC_BYTES);
  pthread_mutex_lock(&heartbeat->lock);
  struct slot *slot = &heartbeat->slots[number];
  uint8_t *before = slot->copies;
  slot->copies = copies;
  slot->copy_count = count;
  pthread_mutex_unlock(&heartbeat->lock);
  free(before);
  return true;
}

// Shares the caller's socket, so that both send from one port. -1 where there is none.
static int share(int fd) { return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0); }

// What another sender of the lock must not see half done.
static void swap_datagrams(struct slot *slot, struct slot *with) {
  struct slot before = *slot;
  slot->addresses = with->addresses;
  slot->address_count = with->address_count;
  slot->fd4 = with->fd4;
  slot->fd6 = with->fd6;
  *with = (struct slot){.fd = -1, .fd4 = before.fd4, .fd6 = before.fd6, .addresses = before.addresses};
}

bool heartbeat_datagrams(struct heartbeat *heartbeat, int number, const struct heartbeat_datagrams *datagrams) {
  size_t bytes = datagrams->count * HEARTBEAT_ADDRESS_BYTES;
  struct slot news = EMPTY_SLOT;
  news.fd4 = share(datagrams->fd4);
  news.fd6 = share(datagrams->fd6);
  // One byte more, so that there is always something to hold.
  news.addresses = malloc(bytes + 1);
  news.address_count = datagrams->count;
  bool is_whole = news.addresses != NULL && (news.fd4 >= 0) == (datagrams->fd4 >= 0) && (news.fd6 >= 0) == (datagrams->fd6 >= 0);
  if (is_whole) {
    if (bytes > 0) memcpy(news.addresses, datagrams->addresses, bytes);
    pthread_mutex_lock(&heartbeat->lock);
    swap_datagrams(&heartbeat->slots[number], &news);
    pthread_mutex_unlock(&heartbeat->lock);
  }
  close_slot(&news);
  return is_whole;
}

void heartbeat_renew(struct heartbeat *heartbeat, uint64_t milliseconds) {
  pthread_mutex_lock(&heartbeat->lock);
  heartbeat->fence.process_until = milliseconds == 0 ? 0 : fence_now() + milliseconds * NANOSECONDS_A_MILLISECOND;
  pthread_mutex_unlock(&heartbeat->lock);
}

void heartbeat_hold(struct heartbeat *heartbeat) {
  pthread_mutex_lock(&heartbeat->lock);
  beat_fence_hold(&heartbeat->fence);
  pthread_mutex_unlock(&heartbeat->lock);
}

void heartbeat_release(struct heartbeat *heartbeat) {
  pthread_mutex_lock(&heartbeat->lock);
  heartbeat->fence.may_renew = true;
  pthread_mutex_unlock(&heartbeat->lock);
}

struct heartbeat_report heartbeat_report(struct heartbeat *heartbeat) {
  pthread_mutex_lock(&heartbeat->lock);
  struct heartbeat_report report = heartbeat->report;
  report.is_lapsed = heartbeat->fence.is_lapsed;
  heartbeat->report.latest = 0;
  pthread_mutex_unlock(&heartbeat->lock);
  return report;
}
