// SPDX-License-Identifier: Apache-2.0
// TCX links: what runs a program on the ingress of an interface (Linux 6.6).
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "bpf-calls.h"
#include "bpf-syscall.h"

// Newer than the headers that this must build with.
enum { TCX_INGRESS = 46, BEFORE_OTHERS = 1 << 3 };

// The beginning of struct bpf_link_info of a TCX link, and what BPF_PROG_QUERY takes; same reason.
struct link_info {
  uint32_t type, id, program_id, padding, ifindex, attach_type;
};
struct hook_query {
  uint32_t ifindex, attach_type, flags, attach_flags;
  uint64_t program_ids;
  uint32_t program_count, padding;
};

// Programs on one hook that are looked at; the kernel allows 64.
enum { HOOK_PROGRAMS = 64 };

static int create_link(int program, int ifindex) {
  union bpf_attr attributes = {.link_create = {.prog_fd = (uint32_t)program,
                                               .target_ifindex = (uint32_t)ifindex,
                                               .attach_type = TCX_INGRESS,
                                               // With no program named: before all that are there now.
                                               .flags = BEFORE_OTHERS}};
  return bpf(BPF_LINK_CREATE, &attributes);
}

bool bpf_can_link(int program) {
  // A kernel that knows TCX looks for the interface, which does not exist; an older one does not know the place to
  // attach at.
  return create_link(program, INT32_MAX) < 0 && errno == ENODEV;
}

int bpf_link(int program, int ifindex, struct failure *failure) {
  int link = create_link(program, ifindex);
  if (link < 0) fail(failure, "bpf(BPF_LINK_CREATE)", errno);
  return link;
}

bool bpf_relink(int link, int program, struct failure *failure) {
  union bpf_attr attributes = {.link_update = {.link_fd = (uint32_t)link, .new_prog_fd = (uint32_t)program}};
  return bpf(BPF_LINK_UPDATE, &attributes) == 0 || fail(failure, "bpf(BPF_LINK_UPDATE)", errno);
}

void bpf_unlink(int link) {
  union bpf_attr attributes = {.link_detach = {.link_fd = (uint32_t)link}};
  // Fails where the interface is gone, and the link with it.
  bpf(BPF_LINK_DETACH, &attributes);
  close(link);
}

enum hook_state bpf_look(int link, int program, int ifindex) {
  struct link_info info = {0};
  // A link that was detached has no interface any more.
  if (!bpf_read_info(link, &info, sizeof info) || info.ifindex != (uint32_t)ifindex) return HOOK_GONE;
  if (info.program_id != bpf_program_id(program)) return HOOK_GONE;
  uint32_t ids[HOOK_PROGRAMS] = {0};
  union bpf_attr attributes = {0};
  const struct hook_query query = {.ifindex = (uint32_t)ifindex,
                                   .attach_type = TCX_INGRESS,
                                   .program_ids = bpf_pointer(ids),
                                   .program_count = HOOK_PROGRAMS};
  memcpy(&attributes, &query, sizeof query);
  if (bpf(BPF_PROG_QUERY, &attributes) != 0) return HOOK_IN_PLACE;
  for (int index = 0; index < HOOK_PROGRAMS; index++) {
    if (ids[index] == info.program_id) return HOOK_IN_PLACE;
    if (!bpf_is_ours(ids[index])) break;
  }
  return HOOK_BEHIND;
}
