// SPDX-License-Identifier: Apache-2.0

// pause is the first process of every pod: it holds the pod's namespaces open
// and reaps the orphans of a pod with a shared process namespace.
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

static void stop(int signal_number) {
  (void)signal_number;
  _exit(0);
}

static void reap(int signal_number) {
  (void)signal_number;
  while (waitpid(-1, NULL, WNOHANG) > 0) {
  }
}

int main(void) {
  // Process 1 of a PID namespace ignores every signal that it does not handle.
  if (sigaction(SIGTERM, &(struct sigaction){.sa_handler = stop}, NULL) != 0 ||
      sigaction(SIGINT, &(struct sigaction){.sa_handler = stop}, NULL) != 0 ||
      sigaction(SIGCHLD, &(struct sigaction){.sa_handler = reap, .sa_flags = SA_NOCLDSTOP}, NULL) != 0) {
    return 1;
  }
  for (;;) {
    pause();
  }
}
