// SPDX-License-Identifier: Apache-2.0
#include "kernel-program.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

struct answer_relocation {
  uint32_t instruction;
  enum answer_map map;
};

// Made by build-answer.ts: answer_instructions, answer_relocations and their counts.
#include "answer-program.h"

// Newer than the headers that this must build with (Linux 6.6).
enum { TCX_INGRESS = 46, BEFORE_OTHERS = 1 << 3 };

// The end of the verifier's log is where the reason is.
enum { LOG_BYTES = 1 << 20, REASON_BYTES = 90, CALL_BYTES = REASON_BYTES + 32 };

// How often the verifier may be interrupted by a signal before that counts as an answer.
enum { LOAD_ATTEMPTS = 20 };

struct map_shape {
  const char *name;
  uint32_t type, key_bytes, value_bytes, entries, flags;
};

#define ADDRESS_MAP(name, value) \
  { name, BPF_MAP_TYPE_HASH, VIP_ADDRESS_BYTES, sizeof(value), ANSWER_MAX_VIPS, BPF_F_NO_PREALLOC }
#define NUMBERED(name, type, bytes, entries) \
  { name, type, sizeof(uint32_t), bytes, entries, 0 }

static const struct map_shape shapes[ANSWER_MAP_COUNT] = {
    [ANSWER_MAP_points] = {"berth_points", BPF_MAP_TYPE_HASH, sizeof(uint32_t), sizeof(struct answer_point),
                           ANSWER_MAX_INTERFACES, 0},
    [ANSWER_MAP_vips] = ADDRESS_MAP("berth_vips", struct answer_vip),
    [ANSWER_MAP_counters] = ADDRESS_MAP("berth_counters", struct answer_counters),
    [ANSWER_MAP_fence] = NUMBERED("berth_fence", BPF_MAP_TYPE_ARRAY, sizeof(uint64_t), 1),
    [ANSWER_MAP_outcomes] = NUMBERED("berth_outcomes", BPF_MAP_TYPE_ARRAY, sizeof(uint64_t), OUTCOME_COUNT),
    [ANSWER_MAP_scratch] = NUMBERED("berth_scratch", BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(struct answer_scratch), 1),
};

static int bpf(enum bpf_cmd command, union bpf_attr *attributes) {
  return (int)syscall(SYS_bpf, command, attributes, sizeof *attributes);
}

static uint64_t pointer(const void *data) { return (uint64_t)(uintptr_t)data; }

static bool fail(struct failure *failure, const char *call, int error) {
  *failure = (struct failure){call, error};
  return false;
}

static int create_map(const struct map_shape *shape) {
  union bpf_attr attributes = {.map_type = shape->type,
                               .key_size = shape->key_bytes,
                               .value_size = shape->value_bytes,
                               .max_entries = shape->entries,
                               .map_flags = shape->flags};
  strncpy(attributes.map_name, shape->name, BPF_OBJ_NAME_LEN - 1);
  return bpf(BPF_MAP_CREATE, &attributes);
}

// Kernels before 5.11 count maps as locked memory, of which a process has little by default.
static bool raise_memory_lock(void) {
  const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
  return setrlimit(RLIMIT_MEMLOCK, &unlimited) == 0;
}

static bool create_maps(struct kernel_program *program, struct failure *failure) {
  for (int map = 0; map < ANSWER_MAP_COUNT; map++) {
    program->maps[map] = create_map(&shapes[map]);
    if (program->maps[map] < 0 && errno == EPERM && raise_memory_lock()) program->maps[map] = create_map(&shapes[map]);
    if (program->maps[map] < 0) return fail(failure, "bpf(BPF_MAP_CREATE)", errno);
  }
  return true;
}

static int load(const struct bpf_insn *instructions, char *log) {
  union bpf_attr attributes = {.prog_type = BPF_PROG_TYPE_SCHED_CLS,
                               .insns = pointer(instructions),
                               .insn_cnt = ANSWER_INSTRUCTION_COUNT,
                               .license = pointer("Apache-2.0"),
                               .log_buf = pointer(log),
                               .log_size = log == NULL ? 0 : LOG_BYTES,
                               .log_level = log == NULL ? 0 : 1,
                               .prog_name = "berth_answer"};
  // The verifier gives up with EAGAIN when a signal comes while it looks, which takes tens of milliseconds: ask again.
  int descriptor = -1;
  for (int attempt = 0; attempt < LOAD_ATTEMPTS; attempt++) {
    descriptor = bpf(BPF_PROG_LOAD, &attributes);
    if (descriptor >= 0 || errno != EAGAIN) break;
  }
  return descriptor;
}

// Loads once more to learn why the verifier says no; the log ends with a line of statistics and the reason before it.
static const char *reason_of_refusal(const struct bpf_insn *instructions) {
  static char log[LOG_BYTES], call[CALL_BYTES];
  log[0] = '\0';
  int descriptor = load(instructions, log);
  if (descriptor >= 0) close(descriptor);
  char *end = strstr(log, "\nprocessed ");
  if (end != NULL) *end = '\0';
  const char *line = strrchr(log, '\n');
  (void)snprintf(call, sizeof call, "bpf(BPF_PROG_LOAD): %.*s", REASON_BYTES, line == NULL ? log : line + 1);
  return call;
}

static bool load_program(struct kernel_program *program, struct failure *failure) {
  static struct bpf_insn instructions[ANSWER_INSTRUCTION_COUNT + 1];
  memcpy(instructions, answer_instructions, sizeof(struct bpf_insn) * ANSWER_INSTRUCTION_COUNT);
  for (int index = 0; index < ANSWER_RELOCATION_COUNT; index++) {
    struct bpf_insn *instruction = &instructions[answer_relocations[index].instruction];
    instruction->src_reg = BPF_PSEUDO_MAP_FD;
    instruction->imm = program->maps[answer_relocations[index].map];
  }
  program->program = load(instructions, NULL);
  if (program->program >= 0) return true;
  int error = errno;
  bool is_verdict = error == EACCES || error == EINVAL;
  return fail(failure, is_verdict ? reason_of_refusal(instructions) : "bpf(BPF_PROG_LOAD)", error);
}

bool kernel_program_load(struct kernel_program *program, struct failure *failure) {
  program->program = -1;
  for (int map = 0; map < ANSWER_MAP_COUNT; map++) program->maps[map] = -1;
  if (ANSWER_INSTRUCTION_COUNT == 0) return fail(failure, "build", ENOSYS);
  if (create_maps(program, failure) && load_program(program, failure)) return true;
  kernel_program_unload(program);
  return false;
}

void kernel_program_unload(struct kernel_program *program) {
  if (program->program >= 0) close(program->program);
  program->program = -1;
  for (int map = 0; map < ANSWER_MAP_COUNT; map++) {
    if (program->maps[map] >= 0) close(program->maps[map]);
    program->maps[map] = -1;
  }
}

static int map_element(enum bpf_cmd command, int map, const void *key, const void *value) {
  union bpf_attr attributes = {.map_fd = (uint32_t)map, .key = pointer(key)};
  attributes.value = pointer(value);
  return bpf(command, &attributes);
}

bool kernel_map_put(const struct kernel_program *program, enum answer_map map, const void *key, const void *value,
                    struct failure *failure) {
  if (map_element(BPF_MAP_UPDATE_ELEM, program->maps[map], key, value) == 0) return true;
  return fail(failure, "bpf(BPF_MAP_UPDATE_ELEM)", errno);
}

void kernel_map_take(const struct kernel_program *program, enum answer_map map, const void *key) {
  // Fails only for a key that is not there.
  map_element(BPF_MAP_DELETE_ELEM, program->maps[map], key, NULL);
}

bool kernel_map_read(const struct kernel_program *program, enum answer_map map, const void *key, void *value) {
  return map_element(BPF_MAP_LOOKUP_ELEM, program->maps[map], key, value) == 0;
}

static int create_link(const struct kernel_program *program, int ifindex) {
  union bpf_attr attributes = {.link_create = {.prog_fd = (uint32_t)program->program,
                                               .target_ifindex = (uint32_t)ifindex,
                                               .attach_type = TCX_INGRESS,
                                               // With no program named: before all that are there now.
                                               .flags = BEFORE_OTHERS}};
  return bpf(BPF_LINK_CREATE, &attributes);
}

bool kernel_program_can_link(const struct kernel_program *program) {
  // A kernel that knows TCX looks for the interface, which does not exist; an older one does not know the place to attach at.
  return create_link(program, INT32_MAX) < 0 && errno == ENODEV;
}

int kernel_program_attach(const struct kernel_program *program, int ifindex, struct failure *failure) {
  int link = create_link(program, ifindex);
  if (link < 0) fail(failure, "bpf(BPF_LINK_CREATE)", errno);
  return link;
}

size_t kernel_program_run(const struct kernel_program *program, const uint8_t *frame, size_t length, uint8_t *reply,
                          size_t room) {
  union bpf_attr attributes = {.test = {.prog_fd = (uint32_t)program->program,
                                        .data_in = pointer(frame),
                                        .data_size_in = (uint32_t)length,
                                        .data_out = pointer(reply),
                                        .data_size_out = (uint32_t)room}};
  if (bpf(BPF_PROG_TEST_RUN, &attributes) != 0 || attributes.test.retval != TC_ACT_REDIRECT) return 0;
  return attributes.test.data_size_out;
}
