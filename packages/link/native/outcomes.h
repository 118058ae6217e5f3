// SPDX-License-Identifier: Apache-2.0
// Everything that can become of a frame, in one numbering for both engines: the decisions on ARP, what a decision alone
// cannot know, and the decisions on neighbor discovery.
#ifndef BERTH_OUTCOMES_H
#define BERTH_OUTCOMES_H

#include "arp-decide.h"
#include "ndp-decide.h"

#define RESPONDER_OUTCOMES(ROW)                  \
  ROW(RESPONDER_OTHER_SEGMENT, "other-segment")  \
  ROW(RESPONDER_SEND_FAILED, "send-failed")      \
  ROW(RESPONDER_KERNEL_DROP, "kernel-drop")      \
  ROW(RESPONDER_SOCKET_ERROR, "socket-error")

#define RESPONDER_ENUM_ROW(name, text) name,
enum responder_outcome { RESPONDER_BEFORE = ARP_OUTCOME_COUNT - 1, RESPONDER_OUTCOMES(RESPONDER_ENUM_ROW) NDP_BEFORE };
#undef RESPONDER_ENUM_ROW

enum { OUTCOME_COUNT = NDP_BEFORE + NDP_OUTCOME_COUNT };

#endif
