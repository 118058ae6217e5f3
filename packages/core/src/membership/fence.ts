// SPDX-License-Identifier: Apache-2.0
/**
 * The two fences of a node (docs/design/0010-membership-protocol.md, section 7): deadlines after which it falls silent by itself.
 * The process fence is renewed by the process that decides, and lets heartbeats go out. The answer fence is renewed by each
 * heartbeat that went out, and lets VIPs be answered. This is the rule for whoever sends heartbeats: the native thread and
 * the simulator.
 */
import type { Timing } from './timing.ts';

export interface Fence {
  /** Heartbeats may be sent before this time. */
  readonly processUntilMs: number;
  /** VIPs may be answered before this time. */
  readonly answerUntilMs: number;
  /** When the last heartbeat went out; undefined before the first, and after the fence was armed again. */
  readonly sentMs: number | undefined;
  /** Whether a heartbeat came so late that peers may have taken over. Only the deciding process may go on from here. */
  readonly lapse: 'none' | 'lapsed';
}

/** Nothing may be sent or answered. */
export const CLOSED_FENCE: Fence = {
  processUntilMs: Number.NEGATIVE_INFINITY,
  answerUntilMs: Number.NEGATIVE_INFINITY,
  sentMs: undefined,
  lapse: 'none',
};

/** The deciding process is alive and lets heartbeats go out until then. */
export function renewed(fence: Fence, untilMs: number): Fence {
  return { ...fence, processUntilMs: untilMs };
}

/** The deciding process knows of the lapse, has stopped all answers and listens again. */
export function rearmed(fence: Fence): Fence {
  return { ...CLOSED_FENCE, processUntilMs: fence.processUntilMs };
}

/** Whether a heartbeat may be sent now, judged before each one. A sender that was itself too late must not send: it has lapsed. */
export function beforeSending(fence: Fence, timing: Timing, nowMs: number): { fence: Fence; may: 'send' | 'not-send' } {
  const isLate = fence.sentMs !== undefined && nowMs - fence.sentMs >= timing.answerFenceMs;
  if (fence.lapse === 'lapsed' || isLate) return { fence: { ...fence, lapse: 'lapsed' }, may: 'not-send' };
  return { fence, may: nowMs < fence.processUntilMs ? 'send' : 'not-send' };
}

/**
 * A heartbeat went out. `beforeMs` is the time that was read before the send call: whatever delays the frame from then on makes
 * peers wait longer, never this node answer longer.
 */
export function afterSending(fence: Fence, timing: Timing, beforeMs: number): Fence {
  return { ...fence, sentMs: beforeMs, answerUntilMs: beforeMs + timing.answerFenceMs };
}

/** Whether a VIP may be answered at this moment. */
export function mayAnswer(fence: Fence, nowMs: number): boolean {
  return fence.lapse === 'none' && nowMs < fence.answerUntilMs;
}
