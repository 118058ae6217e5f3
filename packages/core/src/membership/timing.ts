// SPDX-License-Identifier: Apache-2.0
/**
 * The times of the membership protocol, and how they follow from two numbers (docs/design/0010-membership-protocol.md,
 * section 5): how often a node is heard, and how long it may be silent.
 */

export interface TimingOptions {
  /** Time between two heartbeats, 5 to 1,000 ms. Default: 25. */
  readonly intervalMs?: number;
  /** Silence after which peers take a node for dead, at least 4 intervals, at most 30,000 ms. Default: 200. */
  readonly deadAfterMs?: number;
  /**
   * How long heartbeats go on without a sign of the process that decides: the longest pause that is no failure, such as
   * a garbage collection. Default: 500 ms, or the answer fence if that is longer.
   */
  readonly processFenceMs?: number;
  /**
   * How long a node that hears neither most of the others nor a witness waits before it takes anything, 0 to 60,000.
   * Default: 2,000.
   */
  readonly takeoverPatienceMs?: number;
}

/** All in milliseconds. */
export interface Timing {
  readonly intervalMs: number;
  readonly deadAfterMs: number;
  /** A node answers no longer than this after its last heartbeat was sent. Less than `deadAfterMs`: invariant 4. */
  readonly answerFenceMs: number;
  /** A node sends no heartbeat when its deciding process was silent for this long. */
  readonly processFenceMs: number;
  /** Silence after which peers ask each other whether somebody still hears a node. */
  readonly suspectAfterMs: number;
  /** How long a node that starts, or was away, only listens. */
  readonly listenMs: number;
  /** Longest time that it waits for the claims of peers beyond that. */
  readonly listenAtMostMs: number;
  /**
   * How long the next node in order waits for the one before it to take an orphaned VIP, and an owner for the taker.
   */
  readonly patienceMs: number;
  /** How long a node that is cut off waits before it claims VIPs of others, provisionally. */
  readonly takeoverPatienceMs: number;
  /** A peer that does not hear us for this long, though we hear it, decides for both. */
  readonly oneWayAfterMs: number;
  /** Full lists are repeated this often, whatever happens. */
  readonly refreshMs: number;
  /** Longest time that a node which leaves, or may not own a VIP any more, waits for others to take it. */
  readonly leaveAtMostMs: number;
  /**
   * Longest time that a node which leaves goes on for VIPs that nobody can take yet, though a node that may is
   * expected.
   */
  readonly awaitTakerMs: number;
  /** Gradual rebalancing waits this long after members came or went, */
  readonly rebalanceCalmMs: number;
  /** and this long after each move. */
  readonly rebalanceEveryMs: number;
}

const DEFAULTS = { intervalMs: 25, deadAfterMs: 200, processFenceMs: 500, takeoverPatienceMs: 2000 } as const;

const REFRESH_MS = 1000;

/** Segments with more members than this beat half as often, so that the load of receiving stays bounded. */
export const CROWDED_MEMBERS = 64;

/** The times, or every number that is out of its range. */
export function timingOf(
  options: TimingOptions = {},
): { ok: true; timing: Timing } | { ok: false; problems: string[] } {
  const intervalMs = options.intervalMs ?? DEFAULTS.intervalMs;
  const deadAfterMs = options.deadAfterMs ?? DEFAULTS.deadAfterMs;
  const answerFenceMs = (deadAfterMs * 3) / 4;
  const processFenceMs = options.processFenceMs ?? Math.max(DEFAULTS.processFenceMs, answerFenceMs);
  const takeoverPatienceMs = options.takeoverPatienceMs ?? DEFAULTS.takeoverPatienceMs;
  const problems = [
    ...outside('heartbeat interval', intervalMs, 5, 1000),
    ...outside('dead after', deadAfterMs, 4 * intervalMs, 30_000),
    ...outside('process fence', processFenceMs, answerFenceMs, 30_000),
    ...outside('takeover patience', takeoverPatienceMs, 0, 60_000),
  ];
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    timing: {
      intervalMs,
      deadAfterMs,
      answerFenceMs,
      processFenceMs,
      suspectAfterMs: deadAfterMs / 2,
      listenMs: deadAfterMs + 2 * intervalMs,
      // Who is not heard cannot ask for lists; they are repeated all the same.
      listenAtMostMs: REFRESH_MS + deadAfterMs,
      patienceMs: deadAfterMs,
      takeoverPatienceMs,
      oneWayAfterMs: 2 * deadAfterMs,
      refreshMs: REFRESH_MS,
      leaveAtMostMs: 2000,
      awaitTakerMs: 15_000,
      rebalanceCalmMs: 10_000,
      rebalanceEveryMs: 1000,
    },
  };
}

/**
 * Time between two heartbeats on a segment with this many members. Never so long that fewer than four fit in
 * `deadAfterMs`.
 */
export function paceOf(timing: Timing, members: number): number {
  if (members <= CROWDED_MEMBERS) return timing.intervalMs;
  return Math.min(2 * timing.intervalMs, Math.max(timing.intervalMs, timing.deadAfterMs / 4));
}

function outside(name: string, value: number, least: number, most: number): string[] {
  return value >= least && value <= most ? [] : [`${name}: found ${value} ms, want ${least} to ${most} ms`];
}
