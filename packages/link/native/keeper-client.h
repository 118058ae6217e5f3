// SPDX-License-Identifier: Apache-2.0
// Hands descriptors to the keeper (keeper/keeper.c), which holds them for a moment longer than this process lives.
#ifndef BERTH_KEEPER_CLIENT_H
#define BERTH_KEEPER_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

// As many as the keeper takes.
enum { KEEPER_MAX_HELD = 64 };

struct keeper_client {
  // Of the keeper's socket; an empty path: nothing is handed over.
  struct sockaddr_un address;
  // -1: not connected.
  int socket;
};

// Names the keeper's socket; ENAMETOOLONG where the path is too long. Nothing is connected yet.
bool keeper_client_open(struct keeper_client *client, const char *path);
// Whether the keeper is there. Connects when it is not; a new connection holds nothing yet, which `is_new` says.
bool keeper_client_ensure(struct keeper_client *client, bool *is_new);
// As the keeper reads them: hold these; or that, and let go of what processes before this one left behind.
enum keeper_word { KEEPER_HOLD = 0, KEEPER_TAKEN_OVER = 1 };

// Puts these in the place of all that the keeper holds for this process. False when it is not there.
bool keeper_client_hold(struct keeper_client *client, enum keeper_word word, const int *descriptors, size_t count);
// Ends the connection: the keeper lets go after its time.
void keeper_client_close(struct keeper_client *client);

#endif
