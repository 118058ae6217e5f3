// SPDX-License-Identifier: Apache-2.0
// The answering thread: one thread for all interfaces, a VIP table that JavaScript replaces, and a fence that
// JavaScript renews. The thread takes no lock, allocates nothing and never calls into JavaScript.
#ifndef BERTH_RESPONDER_H
#define BERTH_RESPONDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "outcomes.h"

// One bit of vip_entry.interfaces each.
enum { SLOT_COUNT = 64 };

enum announce_result { ANNOUNCE_SENT, ANNOUNCE_FENCED, ANNOUNCE_FAILED };

struct responder;

// An interface to answer on, and the MAC address to answer with.
struct attach_request {
  int ifindex;
  const uint8_t *mac;
};

// Starts the thread; the table is empty and the fence has run out. NULL on failure.
struct responder *responder_create(struct failure *failure);

// Stops the thread, closes its sockets and frees everything.
void responder_destroy(struct responder *responder);

// A slot without an interface, or -1.
int responder_free_slot(struct responder *responder);

// Begins to listen on an interface, in a slot that is free.
bool responder_attach(struct responder *responder, int slot, const struct attach_request *request, struct failure *failure);

// Stops listening. When it returns, nothing is answered there any more.
void responder_detach(struct responder *responder, int slot);

// Puts another table in force; rows as in vip_table_create. When it returns, no answer is given by the table before.
bool responder_replace(struct responder *responder, const uint8_t *rows, size_t count, struct failure *failure);

// Moves the fence to this long from now, provided that it still holds; returns whether it did. A thread that went
// silent stays so.
bool responder_renew(struct responder *responder, uint64_t milliseconds);

// Sets the fence to a deadline on CLOCK_BOOTTIME, in nanoseconds.
void responder_set_deadline(struct responder *responder, uint64_t deadline);

// Sets the fence to this long from now in any case; 0 silences the thread, and when it returns nothing is answered any
// more.
void responder_set_fence(struct responder *responder, uint64_t milliseconds);

// Sends a frame on an interface unless the fence ran out.
enum announce_result responder_announce(struct responder *responder, int slot, const uint8_t *frame, size_t length,
                                        struct failure *failure);

// Reads the counters, by outcome.
void responder_outcomes(struct responder *responder, uint64_t counts[OUTCOME_COUNT]);

// The table in force. Valid until the next responder_replace.
const struct vip_table *responder_table(const struct responder *responder);

#endif
