// SPDX-License-Identifier: Apache-2.0
// The answering thread as an engine.
#include <errno.h>
#include <stdlib.h>

#include "engine.h"

struct thread_engine {
  struct engine engine;
  struct responder *responder;
};

static struct responder *responder_of(struct engine *engine) { return ((struct thread_engine *)engine)->responder; }

static void destroy(struct engine *engine) {
  responder_destroy(responder_of(engine));
  free(engine);
}

static int attach(struct engine *engine, const struct attach_request *request, enum answer_by by, struct failure *failure) {
  (void)by;
  int slot = responder_free_slot(responder_of(engine));
  if (slot < 0) fail(failure, "attach", ENOSPC);
  return slot >= 0 && responder_attach(responder_of(engine), slot, request, failure) ? slot : -1;
}

// No one but this process takes a packet socket away.
static bool attach_again(struct engine *engine, int slot, enum answer_by by, struct failure *failure) {
  (void)engine, (void)slot, (void)by, (void)failure;
  return true;
}

static enum hook_state look(struct engine *engine, int slot) {
  (void)engine, (void)slot;
  return HOOK_IN_PLACE;
}

static void keep_quiet(struct engine *engine, uint64_t milliseconds) { (void)engine, (void)milliseconds; }

static void detach(struct engine *engine, int slot) { responder_detach(responder_of(engine), slot); }

static bool replace(struct engine *engine, const uint8_t *rows, size_t count, struct failure *failure) {
  return responder_replace(responder_of(engine), rows, count, failure);
}

static bool renew(struct engine *engine, uint64_t milliseconds) {
  return responder_renew(responder_of(engine), milliseconds);
}

static void set_fence(struct engine *engine, uint64_t milliseconds) {
  responder_set_fence(responder_of(engine), milliseconds);
}

static enum announce_result announce(struct engine *engine, int slot, const uint8_t *frame, size_t length,
                                     struct failure *failure) {
  return responder_announce(responder_of(engine), slot, frame, length, failure);
}

static void outcomes(struct engine *engine, uint64_t counts[OUTCOME_COUNT]) {
  responder_outcomes(responder_of(engine), counts);
}

static const struct vip_table *table(struct engine *engine) { return responder_table(responder_of(engine)); }

static const struct engine_ops ops = {.destroy = destroy,
                                      .attach = attach,
                                      .attach_again = attach_again,
                                      .look = look,
                                      .detach = detach,
                                      .replace = replace,
                                      .renew = renew,
                                      .set_fence = set_fence,
                                      .keep_quiet = keep_quiet,
                                      .announce = announce,
                                      .outcomes = outcomes,
                                      .table = table};

struct engine *thread_engine_create(struct failure *failure) {
  struct thread_engine *engine = calloc(1, sizeof *engine);
  if (engine == NULL) {
    fail(failure, "calloc", ENOMEM);
    return NULL;
  }
  engine->engine.ops = &ops;
  engine->responder = responder_create(failure);
  if (engine->responder != NULL) return &engine->engine;
  free(engine);
  return NULL;
}
