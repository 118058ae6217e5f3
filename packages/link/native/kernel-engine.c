// SPDX-License-Identifier: Apache-2.0
// The program in the kernel as an engine. JavaScript's thread writes its maps; the program answers by itself, also
// while this process does nothing at all, until the fence in the map runs out.
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame-verdict.h"
#include "kernel-engine.h"
#include "monotonic-clock.h"

static struct kernel_engine *self(struct engine *engine) { return kernel_engine_of(engine); }

static void outcomes(struct engine *base, uint64_t counts[OUTCOME_COUNT]) {
  memset(counts, 0, OUTCOME_COUNT * sizeof *counts);
  // No element of an array map can be missing.
  for (uint32_t outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
    kernel_map_read(&self(base)->program, ANSWER_MAP_outcomes, &outcome, &counts[outcome]);
  }
  struct responder *thread = atomic_load(&self(base)->thread);
  if (thread == NULL) return;
  uint64_t more[OUTCOME_COUNT];
  responder_outcomes(thread, more);
  for (uint32_t outcome = 0; outcome < OUTCOME_COUNT; outcome++) counts[outcome] += more[outcome];
}

// ---- the fence ----

static uint64_t deadline_in(uint64_t milliseconds) {
  return milliseconds == 0 ? 0 : fence_now() + milliseconds * 1000000u;
}

static void put_deadline(struct kernel_engine *engine, uint32_t which, uint64_t deadline) {
  struct failure unused;
  // An element of an array map cannot be missing; were it, the program would stay silent and hold nothing back.
  kernel_map_put(&engine->program, ANSWER_MAP_fence, &which, &deadline, &unused);
}

static void set_fence(struct engine *base, uint64_t milliseconds) {
  struct kernel_engine *engine = self(base);
  uint64_t deadline = deadline_in(milliseconds);
  atomic_store(&engine->fence, deadline);
  put_deadline(engine, FENCE_ANSWER, deadline);
  struct responder *thread = atomic_load(&engine->thread);
  if (thread != NULL) responder_set_deadline(thread, deadline);
}

static void keep_quiet(struct engine *base, uint64_t milliseconds) {
  put_deadline(self(base), FENCE_QUIET, deadline_in(milliseconds));
}

static bool fence_holds(struct kernel_engine *engine) { return fence_now() < atomic_load(&engine->fence); }

static bool renew(struct engine *base, uint64_t milliseconds) {
  if (!fence_holds(self(base))) return false;
  set_fence(base, milliseconds);
  return true;
}

static enum announce_result announce(struct engine *base, int slot, const uint8_t *frame, size_t length,
                                     struct failure *failure) {
  struct kernel_engine *engine = self(base);
  if (!fence_holds(engine)) return ANNOUNCE_FENCED;
  struct sockaddr_ll to = {.sll_family = AF_PACKET,
                           .sll_protocol = htons(frame_is_ipv6(frame, length) ? ETH_P_IPV6 : ETH_P_ARP),
                           .sll_ifindex = engine->attachments[slot].ifindex};
  if (sendto(engine->socket, frame, length, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof to) >= 0) return ANNOUNCE_SENT;
  fail(failure, "sendto", errno);
  return ANNOUNCE_FAILED;
}

// ---- life ----

static void destroy(struct engine *base) {
  struct kernel_engine *engine = self(base);
  for (int slot = 0; slot < SLOT_COUNT; slot++) kernel_detach(base, slot);
  if (atomic_load(&engine->thread) != NULL) responder_destroy(atomic_load(&engine->thread));
  kernel_program_unload(&engine->program);
  if (engine->socket >= 0) close(engine->socket);
  vip_table_destroy(engine->table, NULL);
  free(engine);
}

static const struct engine_ops ops = {.destroy = destroy,
                                      .attach = kernel_attach,
                                      .attach_again = kernel_attach_again,
                                      .look = kernel_look,
                                      .detach = kernel_detach,
                                      .replace = kernel_replace,
                                      .renew = renew,
                                      .set_fence = set_fence,
                                      .keep_quiet = keep_quiet,
                                      .announce = announce,
                                      .outcomes = outcomes,
                                      .table = kernel_table};

static bool set_up(struct kernel_engine *engine, struct failure *failure) {
  engine->socket = -1;
  if (!kernel_program_load(&engine->program, failure)) return false;
  if (engine->hook == HOOK_CLSACT) clsact_sweep(CLSACT_ANSWER);
  else if (!bpf_can_link(engine->program.program)) return fail(failure, "bpf(BPF_LINK_CREATE)", EOPNOTSUPP);
  engine->table = vip_table_create(NULL, 0, NULL);
  if (engine->table == NULL) return fail(failure, "calloc", ENOMEM);
  // Protocol 0: sends only (packet(7)).
  engine->socket = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  return engine->socket >= 0 || fail(failure, "socket", errno);
}

struct engine *kernel_engine_create(enum kernel_hook hook, struct failure *failure) {
  struct kernel_engine *engine = calloc(1, sizeof *engine);
  if (engine == NULL) {
    fail(failure, "calloc", ENOMEM);
    return NULL;
  }
  engine->engine.ops = &ops;
  engine->hook = hook;
  if (set_up(engine, failure)) return &engine->engine;
  if (engine->table != NULL) vip_table_destroy(engine->table, NULL);
  kernel_program_unload(&engine->program);
  free(engine);
  return NULL;
}
