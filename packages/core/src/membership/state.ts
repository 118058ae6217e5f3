// SPDX-License-Identifier: Apache-2.0
/** What one node knows of one segment. Immutable: a step makes a new one and shares what did not change. */
import type { MacAddress } from '../net/mac-address.ts';
import type { OrphanPlan } from '../placement/orphan-plan.ts';
import type { HeartbeatBody, HeartbeatPhase, NodeFitness } from '../wire/heartbeat.ts';
import type { Claim } from './claim.ts';
import type { DesiredVip, StationKind, SuccessionCause } from './event.ts';
import type { Member } from './member.ts';
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

/**
 * Which VIPs move by themselves to a node that is preferred to their owner, or for balance: none; those whose move
 * breaks no connection, once something has changed; all, at any time.
 */
export type Rebalancing = 'off' | 'unbroken' | 'gradual';

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
  /** It is not worth a broken connection. */
  readonly isOnlyUnbroken: boolean;
}

/** An offer that was made to this node. */
export interface Invitation extends Claim {
  /** Boot id of who offers. */
  readonly from: string;
  readonly atMs: number;
}

/**
 * Whether this node is cut off, by what it hears of others (company.ts, cut-off.ts). Times are those at which something
 * began or was last so.
 */
export interface Company {
  /** fresh: it has only just come, and may not know who owns what. */
  readonly freshness: 'fresh' | 'settled';
  /** Nodes that were heard and are not any more, by name: when. Those that said goodbye are not among them. */
  readonly absent: ReadonlyMap<string, number>;
  /** Names of nodes that fell silent and owned nothing that they could be asked for: nobody knows whether they live. */
  readonly unasked: ReadonlySet<string>;
  readonly witnessedMs: number;
  readonly askedMs: number;
  /** Undefined: it is not connected, or hears less than half of the nodes of the cluster, or is not cut off. */
  readonly connectedSinceMs: number | undefined;
  readonly manySinceMs: number | undefined;
  readonly cutOffSinceMs: number | undefined;
  /** Of the last time that it was cut off. */
  readonly cutOffBeganMs: number;
  readonly cutOffEndedMs: number;
  /** unsteady: cut off twice within a minute. */
  readonly steadiness: 'steady' | 'unsteady';
}

/** What the owner of a VIP claimed when it fell silent: it, or the one that it took over from, may go on with it. */
export interface Lineage {
  readonly yieldsTo: number;
  readonly isFresh: boolean;
  /** Whether it was asked for and did not answer. */
  readonly wasAsked: boolean;
  /** Of the owner's interface. */
  readonly mac: MacAddress;
}

/** An orphan that is asked for before it is taken. */
export interface Doubt {
  readonly firstMs: number;
  readonly lastMs: number;
  readonly answeredMs: number | undefined;
  /** MAC addresses of the stations that answered, as text. */
  readonly answeredBy: readonly string[];
  /** Whether somebody who is not heard answered until the last question. */
  readonly wasAnswered: boolean;
}

/** A station that answered for a VIP and is no member's. */
export interface Station {
  /** When it was last asked whose it is. */
  readonly askedMs: number;
  readonly kind: StationKind;
}

/** A sender that is not known to be alive. */
export interface Stranger {
  readonly counter: number;
  readonly sinceMs: number;
  readonly heardMs: number;
  readonly frames: number;
  readonly deadAfterMs: number;
}

/** Who had a VIP last, why no longer, and when there was the last sign of it. */
export interface Predecessor {
  readonly node: string;
  readonly cause: SuccessionCause;
  readonly lastMs: number;
}

/** Questions that may still be asked until then. */
export interface QuestionBudget {
  readonly untilMs: number;
  readonly left: number;
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
  readonly rebalance: Rebalancing;
  /** A person wants the load evened out now. */
  readonly isRebalanceOrdered: boolean;
  /** Whether no connection breaks where this node hands over a VIP on purpose or takes one. */
  readonly keepsConnections: boolean;
  readonly startedMs: number;
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
  /** Boot ids of those that said goodbye lately, and when: the lists of others may name them for a moment longer. */
  readonly farewells: ReadonlyMap<string, number>;
  /** Senders of frames with a good tag that are not known to be alive, by boot id. */
  readonly strangers: ReadonlyMap<string, Stranger>;
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
  readonly company: Company;
  /** Names of all nodes that may own anything here. */
  readonly candidateNames: ReadonlySet<string>;
  /** By VIP: what silent owners claimed last. Empty for what was given up. */
  readonly silentClaims: ReadonlyMap<string, Lineage>;
  /** By VIP that somebody let go of: for people. */
  readonly predecessors: ReadonlyMap<string, Predecessor>;
  readonly doubts: ReadonlyMap<string, Doubt>;
  /** By MAC address: whose the stations are that answer for VIPs. */
  readonly stations: ReadonlyMap<string, Station>;
  /** By VIP: when a host first asked for it since this node was cut off, or last heard somebody new. */
  readonly demands: ReadonlyMap<string, number>;
  /** When the next of the doubts is due. */
  readonly doubtMs: number;
  readonly questions: QuestionBudget;
  /** What this node owned when it fell silent by itself, and when that was: it takes it back first. */
  readonly former: ReadonlySet<string>;
  readonly lapsedMs: number;
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
  /** When members last came or went, and when a VIP last changed hands, or balance was last looked at. */
  readonly changedMs: number;
  readonly balancedMs: number;
  /** When something else first changed that balance depends on, and when no move was left to make; see balance.ts. */
  readonly unevenMs: number;
  readonly evenMs: number;
  /** When that last changed, */
  readonly newsMs: number;
  /** and how often each VIP was found to be the next to move since the last change of any kind. */
  readonly looks: { readonly sinceMs: number; readonly times: ReadonlyMap<string, number> };
}

/** Time between two heartbeats of this node now. */
export function currentPaceMs(state: MembershipState): number {
  return paceOf(state.timing, state.members.length + 1);
}

/** Least time between two full lists, unless this node's claims changed. */
export function listSpacingMs(state: MembershipState): number {
  return currentPaceMs(state) / 2;
}
