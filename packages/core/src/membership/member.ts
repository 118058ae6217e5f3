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

/** When there was the last sign of life, direct or by others. */
export function lastSignMs(member: Member): number {
  return Math.max(member.heardMs, member.vouched?.atMs ?? Number.NEGATIVE_INFINITY);
}

/** When it counts as dead if nothing more is heard of it. */
export function deadAtMs(member: Member): number {
  return lastSignMs(member) + member.deadAfterMs;
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
