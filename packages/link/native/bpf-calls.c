// SPDX-License-Identifier: Apache-2.0
#include "bpf-calls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bpf-syscall.h"

// The beginning of struct bpf_prog_info.
struct program_info {
  uint32_t type, id;
};

// The end of the verifier's log is where the reason is.
enum { LOG_BYTES = 1 << 20, REASON_BYTES = 90, CALL_BYTES = REASON_BYTES + 32 };

// How often the verifier may be interrupted by a signal before that counts as an answer.
enum { LOAD_ATTEMPTS = 20 };

// Programs of this process that are loaded at a time; a few, as each kind has one, and another while it grows.
enum { MAX_PROGRAMS = 16 };

static uint32_t own_programs[MAX_PROGRAMS];

// ---- maps ----

static int create_map(const struct bpf_map_shape *shape, uint32_t entries) {
  union bpf_attr attributes = {.map_type = shape->type,
                               .key_size = shape->key_bytes,
                               .value_size = shape->value_bytes,
                               .max_entries = shape->entries == 0 ? entries : shape->entries,
                               .map_flags = shape->flags};
  strncpy(attributes.map_name, shape->name, BPF_OBJ_NAME_LEN - 1);
  return bpf(BPF_MAP_CREATE, &attributes);
}

// Kernels before 5.11 count maps as locked memory, of which a process has little by default.
static bool raise_memory_lock(void) {
  const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
  return setrlimit(RLIMIT_MEMLOCK, &unlimited) == 0;
}

int bpf_make_map(const struct bpf_map_shape *shape, uint32_t entries, struct failure *failure) {
  int map = create_map(shape, entries);
  if (map < 0 && errno == EPERM && raise_memory_lock()) map = create_map(shape, entries);
  if (map < 0) fail(failure, "bpf(BPF_MAP_CREATE)", errno);
  return map;
}

static int map_element(enum bpf_cmd command, int map, const void *key, const void *value) {
  union bpf_attr attributes = {.map_fd = (uint32_t)map, .key = bpf_pointer(key)};
  attributes.value = bpf_pointer(value);
  return bpf(command, &attributes);
}

bool bpf_put(int map, const void *key, const void *value, struct failure *failure) {
  if (map_element(BPF_MAP_UPDATE_ELEM, map, key, value) == 0) return true;
  return fail(failure, "bpf(BPF_MAP_UPDATE_ELEM)", errno);
}

void bpf_take(int map, const void *key) {
  // Fails only for a key that is not there.
  map_element(BPF_MAP_DELETE_ELEM, map, key, NULL);
}

bool bpf_read(int map, const void *key, void *value) { return map_element(BPF_MAP_LOOKUP_ELEM, map, key, value) == 0; }

// ---- programs ----

uint32_t bpf_program_id(int program) {
  struct program_info info = {0};
  return bpf_read_info(program, &info, sizeof info) ? info.id : 0;
}

static uint32_t *own_place_of(uint32_t id) {
  for (int index = 0; index < MAX_PROGRAMS; index++) {
    if (own_programs[index] == id) return &own_programs[index];
  }
  return NULL;
}

bool bpf_is_ours(uint32_t program_id) { return program_id != 0 && own_place_of(program_id) != NULL; }

static void replace_own(uint32_t before, uint32_t id) {
  uint32_t *place = own_place_of(before);
  // One that is not in the list counts as a stranger, which costs a try to get before it.
  if (place != NULL) *place = id;
}

static int load(const struct bpf_code *code, const struct bpf_insn *instructions, char *log) {
  union bpf_attr attributes = {.prog_type = BPF_PROG_TYPE_SCHED_CLS,
                               .insns = bpf_pointer(instructions),
                               .insn_cnt = code->instruction_count,
                               .license = bpf_pointer("Apache-2.0"),
                               .log_buf = bpf_pointer(log),
                               .log_size = log == NULL ? 0 : LOG_BYTES,
                               .log_level = log == NULL ? 0 : 1};
  strncpy(attributes.prog_name, code->name, BPF_OBJ_NAME_LEN - 1);
  // The verifier gives up with EAGAIN when a signal comes while it looks, which takes tens of milliseconds: ask again.
  int descriptor = -1;
  for (int attempt = 0; attempt < LOAD_ATTEMPTS; attempt++) {
    descriptor = bpf(BPF_PROG_LOAD, &attributes);
    if (descriptor >= 0 || errno != EAGAIN) break;
  }
  return descriptor;
}

// Loads once more to learn why the verifier says no; the log ends with a line of statistics and the reason before it.
static const char *reason_of_refusal(const struct bpf_code *code, const struct bpf_insn *instructions) {
  static char log[LOG_BYTES], call[CALL_BYTES];
  log[0] = '\0';
  int descriptor = load(code, instructions, log);
  if (descriptor >= 0) close(descriptor);
  char *end = strstr(log, "\nprocessed ");
  if (end != NULL) *end = '\0';
  const char *line = strrchr(log, '\n');
  const char *reason = line == NULL ? log : line + 1;
  // Without a word it was not the verifier that refused, but a security module before it.
  if (*reason == '\0') return "bpf(BPF_PROG_LOAD)";
  (void)snprintf(call, sizeof call, "bpf(BPF_PROG_LOAD): %.*s", REASON_BYTES, reason);
  return call;
}

static int load_or_say_why(const struct bpf_code *code, const struct bpf_insn *instructions, struct failure *failure) {
  int program = load(code, instructions, NULL);
  if (program >= 0) {
    replace_own(0, bpf_program_id(program));
    return program;
  }
  int error = errno;
  bool is_verdict = error == EACCES || error == EINVAL;
  fail(failure, is_verdict ? reason_of_refusal(code, instructions) : "bpf(BPF_PROG_LOAD)", error);
  return -1;
}

int bpf_load(const struct bpf_code *code, const int *maps, struct failure *failure) {
  if (code->instruction_count == 0) {
    fail(failure, "build", ENOSYS);
    return -1;
  }
  struct bpf_insn *instructions = malloc(sizeof *instructions * code->instruction_count);
  if (instructions == NULL) {
    fail(failure, "malloc", ENOMEM);
    return -1;
  }
  memcpy(instructions, code->instructions, sizeof *instructions * code->instruction_count);
  for (uint32_t index = 0; index < code->relocation_count; index++) {
    struct bpf_insn *instruction = &instructions[code->relocations[index].instruction];
    instruction->src_reg = BPF_PSEUDO_MAP_FD;
    instruction->imm = maps[code->relocations[index].map];
  }
  int program = load_or_say_why(code, instructions, failure);
  free(instructions);
  return program;
}

void bpf_unload(int program) {
  uint32_t id = bpf_program_id(program);
  if (id != 0) replace_own(id, 0);
  close(program);
}

bool bpf_try(int program, struct bpf_run *run) {
  union bpf_attr attributes = {.test = {.prog_fd = (uint32_t)program,
                                        .data_in = bpf_pointer(run->frame),
                                        .data_size_in = (uint32_t)run->length,
                                        .data_out = bpf_pointer(run->result),
                                        .data_size_out = (uint32_t)run->room,
                                        .repeat = run->times}};
  if (bpf(BPF_PROG_TEST_RUN, &attributes) != 0) return false;
  run->verdict = attributes.test.retval;
  run->result_length = attributes.test.data_size_out;
  run->nanoseconds = attributes.test.duration;
  return true;
}

int bpf_load_empty(struct failure *failure) {
  // r0 = -1; exit
  static const uint64_t instructions[] = {UINT64_C(0xffffffff000000b7), UINT64_C(0x0000000000000095)};
  static const struct bpf_code code = {.name = "berth_empty", .instructions = instructions, .instruction_count = 2};
  return bpf_load(&code, NULL, failure);
}
