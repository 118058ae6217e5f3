// SPDX-License-Identifier: Apache-2.0
/** What one node knows of one segment. Immutable: a step makes a new one and shares what did not change. */
import type { MacAddress } from '../net/mac-address.ts';
import type { OrphanPlan } from '../placement/orphan-plan.ts';
import type { HeartbeatBody, HeartbeatPhase, NodeFitness } from '../wire/heartbeat.ts';
import type { Claim } from './claim.ts';
import type { DesiredVip } from './event.ts';
import { deadAtMs, type Member } from './member.ts';
import { paceOf, type Timing } from './timing.ts';

/** Who this node is on this segment. */
export interface Identity {
  readonly node: string;
  /** 16 hex digits, random for each start of the process. */
  readonly bootId: string;
  /** Number of the interface, from 1. */
  readonly port: number;
  readonly mac: MacAddress;
}

export interface MembershipOptions {
  readonly self: Identity;
  readonly timing: Timing;
  /** Whether VIPs go back to nodes that return. Default: 'off'. */
  readonly rebalance?: 'off' | 'gradual';
  /** Counters that were heard on this segment before: of a machine that this one follows. Default: none. */
  readonly retired?: ReadonlyMap<string, number>;
}

/** A VIP that this node owns. */
export interface OwnClaim extends Claim {
  readonly sinceMs: number;
}

/** A VIP that this node wants to be rid of, and whom it asked to take it. */
export interface HandOver {
  readonly why: 'not-eligible' | 'unfit' | 'leaving' | 'order' | 'rebalance';
  readonly to: string;
  readonly toNode: string;
  /** When it was offered to that one, and when to the first. */
  readonly sinceMs: number;
  readonly begunMs: number;
  /** Boot ids that were asked before and did not take it. */
  readonly refused: readonly string[];
}

/** An offer that was made to this node. */
export interface Invitation extends Claim {
  readonly atMs: number;
}

/** A plan for many orphans, and what it holds for: while neither wishes nor candidates change, it stays for a while. */
export interface StandingPlan {
  readonly sinceMs: number;
  readonly plan: OrphanPlan;
  readonly candidates: string;
  readonly desired: ReadonlyMap<string, DesiredVip>;
}

export interface MembershipState {
  readonly self: Identity;
  readonly timing: Timing;
  readonly rebalance: 'off' | 'gradual' | 'once';
  readonly link: 'up' | 'down';
  /** What this node says of itself. */
  readonly fitness: NodeFitness;
  readonly phase: HeartbeatPhase;
  readonly phaseSinceMs: number;
  /** When the last step was made; undefined before the first. */
  readonly steppedMs: number | undefined;
  readonly tickedMs: number;
  /** Until then nobody is declared dead: this node was late itself, and frames may be waiting in its socket. */
  readonly graceUntilMs: number;
  /** Members heard, in the order in which they came. Without this node. */
  readonly members: readonly Member[];
  /** Counters of members that are gone, so that their old frames stay old. */
  readonly retired: ReadonlyMap<string, number>;
  readonly desired: ReadonlyMap<string, DesiredVip>;
  /** Highest term ever heard of each VIP that matters. */
  readonly terms: ReadonlyMap<string, number>;
  readonly claims: ReadonlyMap<string, OwnClaim>;
  readonly claimsVersion: number;
  /** Boot ids of the members that are heard directly. */
  readonly view: readonly string[];
  readonly viewVersion: number;
  /** Since when VIPs have had no owner that is heard. */
  readonly orphans: ReadonlyMap<string, number>;
  /** Who is to take them; finished or under way. */
  readonly plan: StandingPlan | undefined;
  readonly handOvers: ReadonlyMap<string, HandOver>;
  readonly invitations: ReadonlyMap<string, Invitation>;
  /** Something changed that placement depends on. */
  readonly placement: 'settled' | 'due';
  /** Somebody came back who may have owned VIPs of this node: clients may have learnt the wrong MAC address. */
  readonly announce: 'done' | 'due';
  /** Nobody may own anything here until then: the name, the identity or the segment is taken. */
  readonly blockedUntilMs: number;
  /** Full lists went out last. */
  readonly listedMs: number;
  /** Full lists are to be sent: soon, or at once because this node's claims changed. */
  readonly lists: 'sent' | 'due' | 'urgent';
  /** Until then the lists ride along on every heartbeat, if they fit. */
  readonly ridesUntilMs: number;
  /** When a heartbeat was last sent out of turn. */
  readonly hurriedMs: number;
  readonly beat: HeartbeatBody | undefined;
  /** When members last came or went, and when a VIP was last moved for balance. */
  readonly changedMs: number;
  readonly movedMs: number;
}

/** A node that has heard nothing yet. */
export function initialMembership(options: MembershipOptions, nowMs: number): MembershipState {
  // A machine that is made anew in the same process, when its interface comes back, must not repeat a version for other contents.
  const firstVersion = Math.floor(Math.abs(nowMs)) % 2 ** 32;
  return {
    self: options.self,
    timing: options.timing,
    rebalance: options.rebalance ?? 'off',
    link: 'up',
    fitness: 'fit',
    phase: 'listening',
    phaseSinceMs: nowMs,
    steppedMs: undefined,
    tickedMs: nowMs,
    graceUntilMs: nowMs,
    members: [],
    retired: options.retired ?? new Map(),
    desired: new Map(),
    terms: new Map(),
    claims: new Map(),
    claimsVersion: firstVersion,
    view: [],
    viewVersion: firstVersion,
    orphans: new Map(),
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
    movedMs: nowMs,
  };
}

/**
 * When the next tick is worth giving, at the latest one interval after the last: at once when there is something to decide or
 * to send, else when the next member would count as dead.
 */
export function nextTickMs(state: MembershipState): number {
  const latest = state.tickedMs + state.timing.intervalMs;
  const isPlacing = state.phase === 'active' || state.phase === 'leaving';
  if ((isPlacing && state.placement === 'due') || state.lists === 'urgent') return state.tickedMs;
  if (state.lists === 'due') return Math.max(state.tickedMs, Math.min(latest, state.listedMs + listSpacingMs(state)));
  const death = state.members.reduce((least, member) => Math.min(least, deadAtMs(member)), latest);
  return Math.max(death, Math.min(latest, state.graceUntilMs));
}

/** Time between two heartbeats of this node now. */
export function currentPaceMs(state: MembershipState): number {
  return paceOf(state.timing, state.members.length + 1);
}

/** Least time between two full lists, unless this node's claims changed. */
export function listSpacingMs(state: MembershipState): number {
  return currentPaceMs(state) / 2;
}
