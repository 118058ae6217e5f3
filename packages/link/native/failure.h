// SPDX-License-Identifier: Apache-2.0
// How a failure of the system reaches JavaScript, which makes an Error of it (throw_system_error of napi-support.h).
#ifndef BERTH_FAILURE_H
#define BERTH_FAILURE_H

#include <stdbool.h>

// `call` names the system call, `error` is its errno.
struct failure {
  const char *call;
  int error;
};

// False, so that a function can end with it.
static inline bool fail(struct failure *failure, const char *call, int error) {
  *failure = (struct failure){call, error};
  return false;
}

#endif
