// SPDX-License-Identifier: Apache-2.0
/** What one node knows about another that it hears on the segment. */
import type { MacAddress } from '../net/mac-address.ts';
import type { HeartbeatPhase, NodeFitness } from '../wire/heartbeat.ts';
import type { Suspect, WireClaim } from '../wire/heartbeat-section.ts';
import type { Claims } from './claim.ts';
import type { Assembly } from './list-assembly.ts';

/** A question about a member: did anybody hear it after the frame with this counter? */
export interface Suspicion extends Suspect {
  readonly atMs: number;
}

/** Questions for VIPs of a member that were not answered yet. */
export interface Trial {
  readonly firstMs: number;
  readonly lastMs: number;
  /**
   * Whether somebody else answered for one of them: then what it claims may have another owner, which is not heard
   * here.
   */
  readonly isAnsweredElsewhere: boolean;
}

export interface Member {
  readonly bootId: string;
  readonly node: string;
  readonly port: number;
  readonly mac: MacAddress;
  readonly phase: HeartbeatPhase;
  readonly fitness: NodeFitness;
  /** When it was first heard, since it was last away. */
  readonly sinceMs: number;
  readonly heardMs: number;
  /** Of the last frame that was accepted. */
  readonly counter: number;
  readonly intervalMs: number;
  readonly deadAfterMs: number;
  readonly newestKeyId: number;
  /** Evidence by others: the newest frame of it that somebody heard, and when. */
  readonly vouched: { readonly counter: number; readonly atMs: number } | undefined;
  /** When it last answered for a VIP that it was asked about. */
  readonly answeredMs: number | undefined;
  /** Since when its answers alone have shown that it lives. */
  readonly answeringSinceMs: number | undefined;
  readonly trial: Trial | undefined;
  /** How often it was asked, so that each time another of its VIPs is. */
  readonly asked: number;
  /** It says that it hears nobody, */
  readonly isCutOff: boolean;
  /** and since then it answers for nothing: what it claims does not count. */
  readonly darkSinceMs: number | undefined;
  readonly isUnsteady: boolean;
  /** Whether no connection breaks where it hands over a VIP on purpose or takes one. */
  readonly keepsConnections: boolean;
  readonly claims: Claims;
  /** Number of claims that it says to have; the list may not be here yet. */
  readonly claimCount: number;
  /** Version of `claims` when it is complete. */
  readonly claimsVersion: number | undefined;
  /** Version that it named last. */
  readonly claimsSaid: number;
  readonly claimsAssembly: Assembly<WireClaim> | undefined;
  /** Boot ids that it hears; undefined until its list is here. */
  readonly view: ReadonlySet<string> | undefined;
  readonly viewVersion: number | undefined;
  readonly viewSaid: number;
  readonly viewAssembly: Assembly<string> | undefined;
  /** Since when its list has not named us; undefined while it does, or while its list is not here. */
  readonly deafSinceMs: number | undefined;
  /** Members that it asked about, and when. */
  readonly suspects: readonly Suspicion[];
}

/** When a frame of it was last heard, here or by others. */
export function lastHeardMs(member: Member): number {
  return Math.max(member.heardMs, member.vouched?.atMs ?? Number.NEGATIVE_INFINITY);
}

/** When there was the last sign of life: a frame, or an answer. */
export function lastSignMs(member: Member): number {
  return Math.max(lastHeardMs(member), member.answeredMs ?? Number.NEGATIVE_INFINITY);
}

/** When it counts as dead if nothing more is heard of it and no question is answered. */
export function deadAtMs(member: Member): number {
  return lastSignMs(member) + member.deadAfterMs;
}

/** Whether its heartbeats are lost and it answers for its VIPs. */
export function isAnsweringOnly(member: Member, nowMs: number): boolean {
  const { answeredMs, deadAfterMs } = member;
  const heardMs = lastHeardMs(member);
  return heardMs + deadAfterMs <= nowMs && answeredMs !== undefined && answeredMs > heardMs;
}

/** Whether it was heard here a moment ago, so that it can be given something. */
export function isHeard(member: Member, nowMs: number): boolean {
  return nowMs - member.heardMs < member.deadAfterMs && member.darkSinceMs === undefined;
}

/** Whether no frame of it has come for "dead after", whatever others heard of it: what it claims now is not known. */
export function isUnheard(member: Member, nowMs: number): boolean {
  return nowMs - member.heardMs >= member.deadAfterMs;
}

/** When peers are asked about it. */
export function suspectAtMs(member: Member): number {
  return member.heardMs + member.deadAfterMs / 2;
}

/** Whether lists of it are missing. */
export function lacksLists(member: Member): boolean {
  return member.claimsVersion !== member.claimsSaid || member.viewVersion !== member.viewSaid;
}

/** Whether it has been deaf to us for so long that it cannot just have come back. */
export function isDeaf(member: Member, oneWayAfterMs: number, nowMs: number): boolean {
  return member.deafSinceMs !== undefined && nowMs - member.deafSinceMs >= oneWayAfterMs;
}
