// SPDX-License-Identifier: Apache-2.0
/** What a node knows of a segment at first: nothing that it heard. */
import type { Company, Identity, MembershipState, Rebalancing } from './state.ts';
import type { Timing } from './timing.ts';

export interface MembershipOptions {
  readonly self: Identity;
  readonly timing: Timing;
  /** Default: 'off'. */
  readonly rebalance?: Rebalancing;
  /** Counters that were heard on this segment before: of a machine that this one follows. Default: none. */
  readonly retired?: ReadonlyMap<string, number>;
}

const NEVER = Number.NEGATIVE_INFINITY;

const NEWCOMER: Company = {
  ...{
    freshness: 'fresh',
    absent: new Map(),
    unasked: new Set(),
    witnessedMs: NEVER,
    askedMs: NEVER,
    steadiness: 'steady',
  },
  ...{ connectedSinceMs: undefined, manySinceMs: undefined, cutOffSinceMs: undefined },
  ...{ cutOffBeganMs: NEVER, cutOffEndedMs: NEVER },
};

/** A node that has heard nothing yet. */
export function initialMembership(options: MembershipOptions, nowMs: number): MembershipState {
  // A machine that is made anew in the same process, when its interface comes back, must not repeat a version for other
  // contents.
  const firstVersion = Math.floor(Math.abs(nowMs)) % 2 ** 32;
  return {
    self: options.self,
    timing: options.timing,
    rebalance: options.rebalance ?? 'off',
    isRebalanceOrdered: false,
    keepsConnections: false,
    startedMs: nowMs,
    fitness: 'fit',
    phase: 'listening',
    phaseSinceMs: nowMs,
    steppedMs: undefined,
    tickedMs: nowMs,
    graceUntilMs: nowMs,
    members: [],
    retired: options.retired ?? new Map(),
    farewells: new Map(),
    strangers: new Map(),
    desired: new Map(),
    terms: new Map(),
    claims: new Map(),
    claimsVersion: firstVersion,
    view: [],
    viewVersion: firstVersion,
    orphans: new Map(),
    company: NEWCOMER,
    candidateNames: new Set(),
    silentClaims: new Map(),
    predecessors: new Map(),
    doubts: new Map(),
    demands: new Map(),
    stations: new Map(),
    doubtMs: Number.POSITIVE_INFINITY,
    questions: { untilMs: nowMs, left: 0 },
    former: new Set(),
    lapsedMs: Number.NEGATIVE_INFINITY,
    plan: undefined,
    handOvers: new Map(),
    invitations: new Map(),
    placement: 'due',
    announce: 'done',
    blockedUntilMs: Number.NEGATIVE_INFINITY,
    listedMs: Number.NEGATIVE_INFINITY,
    lists: 'due',
    ridesUntilMs: Number.NEGATIVE_INFINITY,
    hurriedMs: Number.NEGATIVE_INFINITY,
    beat: undefined,
    changedMs: nowMs,
    balancedMs: nowMs,
    unevenMs: NEVER,
    evenMs: NEVER,
    newsMs: NEVER,
    looks: { sinceMs: NEVER, times: new Map() },
  };
}
