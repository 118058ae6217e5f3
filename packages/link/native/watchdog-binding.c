// SPDX-License-Identifier: Apache-2.0
// Ends the process when JavaScript has hung for long, so that something starts it anew. No probe from outside is needed
// for that, and none can fail for another reason, as a port that somebody else has.
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "napi-support.h"

// Exit code of a process that was ended so (sysexits.h: EX_SOFTWARE).
enum { EXIT_HUNG = 70 };

// Turns of a second since JavaScript was last heard of. Turns are counted, not time: a process that was stopped as a
// whole did not hang.
static _Atomic int turns;
static int most_turns;

static void *watch(void *unused) {
  const struct timespec second = {.tv_sec = 1};
  (void)unused;
  for (;;) {
    nanosleep(&second, NULL);
    if (atomic_fetch_add(&turns, 1) + 1 < most_turns) continue;
    static const char message[] = "berth: JavaScript hangs: ending the process\n";
    ssize_t written = write(STDERR_FILENO, message, sizeof message - 1);
    (void)written;
    _exit(EXIT_HUNG);
  }
}

// watchdogStart(seconds): once in a process.
static napi_value watchdog_start(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int32_t seconds;
  if (!read_arguments(env, info, 1, arguments) || !read_int(env, arguments[0], &seconds)) return NULL;
  most_turns = seconds;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  int error = pthread_create(&thread, NULL, watch, NULL);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error != 0) return throw_system_error(env, "pthread_create", error);
  pthread_setname_np(thread, "berth-watchdog");
  pthread_detach(thread);
  return NULL;
}

static napi_value watchdog_calm(napi_env env, napi_callback_info info) {
  (void)env, (void)info;
  atomic_store(&turns, 0);
  return NULL;
}

bool export_watchdog(napi_env env, napi_value exports) {
  static const struct method methods[] = {{"watchdogStart", watchdog_start}, {"watchdogCalm", watchdog_calm}};
  return export_methods(env, exports, methods, sizeof methods / sizeof *methods);
}
