// SPDX-License-Identifier: Apache-2.0
#include "spread-hooks.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <unistd.h>

// ---- the keeper ----

static bool hand_over(struct spread *spread, enum keeper_word word) {
  int links[KEEPER_MAX_HELD];
  size_t count = 0;
  for (int slot = 0; slot < SPREAD_MAX_INTERFACES; slot++) {
    const struct spread_hook *hook = &spread->hooks[slot];
    if (hook->is_hooked && hook->link >= 0 && count < KEEPER_MAX_HELD) links[count++] = hook->link;
  }
  return keeper_client_hold(&spread->keeper, word, links, count);
}

// What changed goes to a keeper that is there; a new one gets all.
bool spread_tell_keeper(struct spread *spread, bool has_changed) {
  bool is_new = false;
  if (!keeper_client_ensure(&spread->keeper, &is_new)) return false;
  return (!is_new && !has_changed) || hand_over(spread, KEEPER_HOLD);
}

bool spread_keep_by(struct spread *spread, const char *path) {
  keeper_client_close(&spread->keeper);
  if (!keeper_client_open(&spread->keeper, path)) return false;
  spread_tell_keeper(spread, true);
  return true;
}

bool spread_is_kept(struct spread *spread) { return spread_tell_keeper(spread, false); }

void spread_take_over(struct spread *spread) {
  if (spread_tell_keeper(spread, false)) hand_over(spread, KEEPER_TAKEN_OVER);
}

// ---- interfaces ----

static struct clsact_program filter_of(const struct spread *spread) {
  return (struct clsact_program){.descriptor = spread->program, .name = CLSACT_SPREAD, .protocol = ETH_P_IP};
}

static struct spread_hook *hook_of(const struct spread *spread, int ifindex) {
  for (int slot = 0; slot < SPREAD_MAX_INTERFACES; slot++) {
    if (spread->hooks[slot].ifindex == ifindex) return (struct spread_hook *)&spread->hooks[slot];
  }
  return NULL;
}

static bool hook_up(struct spread *spread, struct spread_hook *hook, struct failure *failure) {
  const struct clsact_program filter = filter_of(spread);
  hook->link = -1;
  if (spread->hook == HOOK_CLSACT) {
    hook->is_hooked = clsact_attach(&filter, hook->ifindex, &hook->place, failure);
  } else {
    hook->link = bpf_link(spread->program, hook->ifindex, failure);
    hook->is_hooked = hook->link >= 0;
  }
  return hook->is_hooked;
}

// A keeper has the link too: closing it would leave the program there.
static void unhook(struct spread_hook *hook) {
  if (!hook->is_hooked) return;
  if (hook->link >= 0) bpf_unlink(hook->link);
  else clsact_detach(hook->ifindex, CLSACT_SPREAD);
  hook->is_hooked = false;
}

bool spread_attach(struct spread *spread, int ifindex, struct failure *failure) {
  struct spread_hook *known = hook_of(spread, ifindex), *hook = known != NULL ? known : hook_of(spread, 0);
  if (hook == NULL) return fail(failure, "attach", ENOSPC);
  unhook(hook);
  hook->ifindex = ifindex;
  if (!hook_up(spread, hook, failure)) {
    spread_detach(spread, ifindex);
    return false;
  }
  spread_tell_keeper(spread, true);
  return true;
}

void spread_detach(struct spread *spread, int ifindex) {
  struct spread_hook *hook = hook_of(spread, ifindex);
  if (hook == NULL) return;
  unhook(hook);
  hook->ifindex = 0;
  spread_tell_keeper(spread, true);
}

enum hook_state spread_look(const struct spread *spread, int ifindex) {
  const struct spread_hook *hook = hook_of(spread, ifindex);
  const struct clsact_program filter = filter_of(spread);
  if (hook == NULL || !hook->is_hooked) return HOOK_GONE;
  if (hook->link >= 0) return bpf_look(hook->link, spread->program, ifindex);
  return clsact_look(&filter, ifindex, &hook->place);
}

// An interface where the new program cannot be put in has none of ours any more, which a look finds.
void spread_rehook(struct spread *spread) {
  const struct clsact_program filter = filter_of(spread);
  for (int slot = 0; slot < SPREAD_MAX_INTERFACES; slot++) {
    struct spread_hook *hook = &spread->hooks[slot];
    struct failure failure;
    if (!hook->is_hooked) continue;
    bool is_done = hook->link >= 0 ? bpf_relink(hook->link, spread->program, &failure)
                                   : clsact_replace(&filter, hook->ifindex, &hook->place, &failure);
    if (!is_done) unhook(hook);
  }
  spread_tell_keeper(spread, true);
}

void spread_let_go(struct spread *spread) {
  keeper_client_close(&spread->keeper);
  keeper_client_open(&spread->keeper, "");
  for (int slot = 0; slot < SPREAD_MAX_INTERFACES; slot++) {
    struct spread_hook *hook = &spread->hooks[slot];
    // Closed, not taken off, as the keeper may have it.
    if (hook->is_hooked && hook->link >= 0) close(hook->link);
    else unhook(hook);
  }
}
