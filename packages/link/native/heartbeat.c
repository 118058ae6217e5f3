// SPDX-License-Identifier: Apache-2.0
#include "heartbeat.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "beat-fence.h"
#include "beat-slot.h"
#include "monotonic-clock.h"

enum { NANOSECONDS_A_MILLISECOND = 1000000, REALTIME_PRIORITY = 1, NICE = -20 };

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
  struct beat_slot slots[SLOT_COUNT];
};

// ---- the thread ----

uint64_t heartbeat_next_counter(struct heartbeat *heartbeat) { return atomic_fetch_add(&heartbeat->counter, 1) + 1; }

static bool send_all(struct heartbeat *heartbeat) {
  bool is_sent = false;
  for (int number = 0; number < SLOT_COUNT; number++) {
    struct beat_slot *slot = &heartbeat->slots[number];
    if (slot->fd < 0 || slot->length == 0) continue;
    if (beat_slot_send(slot, heartbeat_next_counter(heartbeat))) is_sent = true;
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
  return error == 0 || fail(failure, "pthread_create", error);
}

struct heartbeat *heartbeat_create(struct engine *engine, struct failure *failure) {
  struct heartbeat *heartbeat = calloc(1, sizeof *heartbeat);
  if (heartbeat == NULL) {
    fail(failure, "calloc", ENOMEM);
    return NULL;
  }
  heartbeat->engine = engine;
  for (int number = 0; number < SLOT_COUNT; number++) heartbeat->slots[number] = EMPTY_BEAT_SLOT;
  if (start_thread(heartbeat, failure)) return heartbeat;
  free(heartbeat);
  return NULL;
}

void heartbeat_destroy(struct heartbeat *heartbeat) {
  pthread_mutex_lock(&heartbeat->lock);
  heartbeat->is_stopping = true;
  pthread_cond_signal(&heartbeat->changed);
  pthread_mutex_unlock(&heartbeat->lock);
  pthread_join(heartbeat->thread, NULL);
  for (int number = 0; number < SLOT_COUNT; number++) beat_slot_close(&heartbeat->slots[number]);
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

int heartbeat_attach(struct heartbeat *heartbeat, int ifindex, struct failure *failure) {
  int number = 0;
  // Only JavaScript's thread opens and closes slots.
  while (number < SLOT_COUNT && heartbeat->slots[number].fd >= 0) number++;
  if (number == SLOT_COUNT) {
    fail(failure, "attach", ENOSPC);
    return -1;
  }
  int fd = beat_socket_open(ifindex, failure);
  if (fd < 0) return -1;
  pthread_mutex_lock(&heartbeat->lock);
  heartbeat->slots[number].fd = fd;
  heartbeat->slots[number].length = 0;
  pthread_mutex_unlock(&heartbeat->lock);
  return number;
}

void heartbeat_detach(struct heartbeat *heartbeat, int number) {
  pthread_mutex_lock(&heartbeat->lock);
  beat_slot_close(&heartbeat->slots[number]);
  pthread_mutex_unlock(&heartbeat->lock);
}

void heartbeat_frame(struct heartbeat *heartbeat, int number, const uint8_t *frame, size_t length,
                     const struct hmac_key *key) {
  pthread_mutex_lock(&heartbeat->lock);
  struct beat_slot *slot = &heartbeat->slots[number];
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
  struct beat_slot *slot = &heartbeat->slots[number];
  uint8_t *before = slot->copies;
  slot->copies = copies;
  slot->copy_count = count;
  pthread_mutex_unlock(&heartbeat->lock);
  free(before);
  return true;
}

bool heartbeat_datagrams(struct heartbeat *heartbeat, int number, const struct heartbeat_datagrams *datagrams) {
  struct beat_slot news;
  bool is_whole = beat_datagrams_make(&news, datagrams);
  if (is_whole) {
    pthread_mutex_lock(&heartbeat->lock);
    beat_datagrams_swap(&heartbeat->slots[number], &news);
    pthread_mutex_unlock(&heartbeat->lock);
  }
  beat_slot_close(&news);
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
