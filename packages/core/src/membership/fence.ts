// SPDX-License-Identifier: Apache-2.0
/**
 * The two fences of a node (docs/design/0010-membership-protocol.md, section 7): deadlines after which it falls silent
 * by itself. The process fence is renewed by the process that decides, and lets heartbeats go out. The answer fence is
 * renewed by each heartbeat that went out, and lets VIPs be answered. This is the rule for whoever sends heartbeats:
 * the native thread (in C, packages/link/native/beat-fence.c) and the simulator. One set of vectors goes through both
 * (fence.vectors.ts).
 */
import type { Timing } from './timing.ts';

export type FenceTiming = Pick<Timing, 'answerFenceMs'>;

export interface Fence {
  /** Heartbeats may be sent before this time. */
  readonly processUntilMs: number;
  /** VIPs may be answered before this time. */
  readonly answerUntilMs: number;
  /**
   * When the last heartbeat went out that held the answer fence; undefined before the first, and after the fence was
   * held back.
   */
  readonly sentMs: number | undefined;
  /** Whether heartbeats open and renew the answer fence: not until what is answered is in line with what is owned. */
  readonly answers: 'held' | 'released';
  /** Whether a heartbeat came so late that peers may have taken over. Only the deciding process may go on from here. */
  readonly lapse: 'none' | 'lapsed';
}

/** Nothing may be sent or answered. */
export const CLOSED_FENCE: Fence = {
  processUntilMs: Number.NEGATIVE_INFINITY,
  answerUntilMs: Number.NEGATIVE_INFINITY,
  sentMs: undefined,
  answers: 'held',
  lapse: 'none',
};

/** The deciding process is alive and lets heartbeats go out until then. */
export function renewed(fence: Fence, untilMs: number): Fence {
  return { ...fence, processUntilMs: untilMs };
}

/**
 * The deciding process stops all answers, and knows of a lapse if there was one. Heartbeats go on and leave the answer
 * fence alone.
 */
export function held(fence: Fence): Fence {
  return { ...CLOSED_FENCE, processUntilMs: fence.processUntilMs };
}

/** What is answered is right: the next heartbeat opens the answer fence. */
export function released(fence: Fence): Fence {
  return { ...fence, answers: 'released' };
}

/**
 * Whether a heartbeat may be sent now, judged before each one. A sender that was itself too late must not send: it has
 * lapsed.
 */
export function beforeSending(
  fence: Fence,
  timing: FenceTiming,
  nowMs: number,
): { fence: Fence; may: 'send' | 'not-send' } {
  const isLate = fence.sentMs !== undefined && nowMs - fence.sentMs >= timing.answerFenceMs;
  if (fence.lapse === 'lapsed' || isLate) return { fence: { ...fence, lapse: 'lapsed' }, may: 'not-send' };
  return { fence, may: nowMs < fence.processUntilMs ? 'send' : 'not-send' };
}

/**
 * A heartbeat went out. `beforeMs` is the time that was read before the send call, `afterMs` the time after it:
 * whatever delays the frame makes peers wait longer, never this node answer longer. A fence that ran out meanwhile is
 * not opened again.
 */
export function afterSending(
  fence: Fence,
  timing: FenceTiming,
  { beforeMs, afterMs }: { readonly beforeMs: number; readonly afterMs: number },
): Fence {
  if (fence.answers === 'held') return fence;
  const answerUntilMs = beforeMs + timing.answerFenceMs;
  const hasRunOut = fence.sentMs !== undefined && afterMs >= fence.answerUntilMs;
  if (afterMs >= answerUntilMs || hasRunOut) return { ...fence, sentMs: beforeMs, lapse: 'lapsed' };
  return { ...fence, sentMs: beforeMs, answerUntilMs };
}

/** Whether a VIP may be answered at this moment. */
export function mayAnswer(fence: Fence, nowMs: number): boolean {
  return nowMs < fence.answerUntilMs;
}
