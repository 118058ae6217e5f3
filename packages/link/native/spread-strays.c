// SPDX-License-Identifier: Apache-2.0
// Strays and counters: the parts of the program's tables that come and go in thousands.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spread-engine.h"

enum { MAX_CPUS = 4096 };

static int by_fingerprint(const void *a, const void *b) {
  const struct spread_stray *one = a, *other = b;
  return (one->fingerprint > other->fingerprint) - (one->fingerprint < other->fingerprint);
}

static struct spread_stray *sorted(const uint64_t *fingerprints, const uint8_t *numbers, size_t count) {
  struct spread_stray *list = calloc(count + 1, sizeof *list);
  if (list == NULL) return NULL;
  for (size_t index = 0; index < count; index++) {
    list[index] = (struct spread_stray){.fingerprint = fingerprints[index], .number = numbers[index]};
  }
  qsort(list, count, sizeof *list, by_fingerprint);
  return list;
}

static void take_those_that_went(struct spread *spread, const struct spread_stray *list, size_t count) {
  size_t at = 0;
  for (size_t index = 0; index < spread->stray_count; index++) {
    const struct spread_stray *stray = &spread->strays[index];
    while (at < count && list[at].fingerprint < stray->fingerprint) at++;
    bool stays = at < count && list[at].fingerprint == stray->fingerprint;
    if (!stays && !stray->is_missing) bpf_take(spread->maps[SPREAD_MAP_strays], &stray->fingerprint);
  }
}

static int64_t put_those_that_came(struct spread *spread, struct spread_stray *list, size_t count) {
  int64_t missing = 0;
  size_t at = 0;
  struct failure unused;
  for (size_t index = 0; index < count; index++) {
    struct spread_stray *stray = &list[index];
    while (at < spread->stray_count && spread->strays[at].fingerprint < stray->fingerprint) at++;
    bool was_there = at < spread->stray_count && spread->strays[at].fingerprint == stray->fingerprint &&
                     spread->strays[at].number == stray->number && !spread->strays[at].is_missing;
    if (was_there) continue;
    stray->is_missing = !bpf_put(spread->maps[SPREAD_MAP_strays], &stray->fingerprint, &stray->number, &unused);
    missing += stray->is_missing;
  }
  return missing;
}

int64_t spread_put_strays(struct spread *spread, const uint64_t *fingerprints, const uint8_t *numbers, size_t count,
                          struct failure *failure) {
  struct spread_stray *list = sorted(fingerprints, numbers, count);
  if (list == NULL) {
    fail(failure, "calloc", ENOMEM);
    return -1;
  }
  take_those_that_went(spread, list, count);
  if (count > 0) {
    spread->control.has_strays = 1;
    if (!spread_put_control(spread, failure)) {
      free(list);
      return -1;
    }
  }
  int64_t missing = put_those_that_came(spread, list, count);
  free(spread->strays);
  spread->strays = list;
  spread->stray_count = count;
  spread->control.has_strays = count > 0;
  return spread_put_control(spread, failure) ? missing : -1;
}

// ---- counters ----

// The kernel gives a number for each CPU that there may ever be (cpu(7) in sysfs: "0-3", or "0").
static size_t possible_cpus(void) {
  FILE *file = fopen("/sys/devices/system/cpu/possible", "re");
  char text[64] = "";
  if (file == NULL) return 0;
  bool is_read = fgets(text, sizeof text, file) != NULL;
  (void)fclose(file);
  const char *last = strrchr(text, '-');
  return is_read ? strtoul(last == NULL ? text : last + 1, NULL, 10) + 1 : 0;
}

// What the kernel gives for one key: `count` numbers for each CPU.
struct reading {
  enum spread_map map;
  size_t cpus, count;
  uint64_t *room;
};

static void add_up(const struct spread *spread, const struct reading *reading, uint32_t key, uint64_t *sums) {
  if (!bpf_read(spread->maps[reading->map], &key, reading->room)) return;
  for (size_t cpu = 0; cpu < reading->cpus; cpu++) {
    for (size_t index = 0; index < reading->count; index++) sums[index] += reading->room[cpu * reading->count + index];
  }
}

bool spread_read_counts(const struct spread *spread, struct spread_counts *counts, uint64_t forwarded[SPREAD_MAX_NUMBER + 1],
                        struct failure *failure) {
  size_t cpus = possible_cpus();
  if (cpus == 0 || cpus > MAX_CPUS) return fail(failure, "read possible CPUs", ENOENT);
  struct reading reading = {.map = SPREAD_MAP_counts, .cpus = cpus, .count = sizeof *counts / sizeof(uint64_t)};
  reading.room = calloc(cpus * reading.count, sizeof *reading.room);
  if (reading.room == NULL) return fail(failure, "calloc", ENOMEM);
  memset(counts, 0, sizeof *counts);
  memset(forwarded, 0, (SPREAD_MAX_NUMBER + 1) * sizeof *forwarded);
  add_up(spread, &reading, 0, (uint64_t *)counts);
  reading.map = SPREAD_MAP_forwarded;
  reading.count = 1;
  for (uint32_t number = 0; number <= SPREAD_MAX_NUMBER; number++) add_up(spread, &reading, number, &forwarded[number]);
  free(reading.room);
  return true;
}
