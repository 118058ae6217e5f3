// SPDX-License-Identifier: Apache-2.0

// What became of connections, counted. Pure.

import type { Outage } from '../../test/support/connect-gap.ts';
import type { Kept } from '../../test/support/keep-alive.ts';

/** Who serves a Service, while it is not the yardstick. */
export const GROUPS = ['owner', 'every-node'] as const;
export type Group = (typeof GROUPS)[number];

/** What was written down of a round for the VIPs of one group. */
export interface Played {
  readonly kept: readonly Kept[];
  /** Clients that connected all the time. */
  readonly outage: Outage;
  /** Names of the pods that are there in the end. */
  readonly pods: ReadonlySet<string>;
}

export interface Seen {
  readonly connections: number;
  /** Connections that broke while their pod lives. */
  readonly broken: number;
  /** Connections that broke as their pod ended. */
  readonly backendEnded: number;
  readonly failedConnects: number;
  /** Longest time that a connection which lives waited for an answer. */
  readonly stallMs: number;
}

export function seenIn({ kept, outage, pods }: Played): Seen {
  const broken = brokenOf(kept);
  return {
    connections: kept.length,
    broken: broken.filter(({ server }) => pods.has(server)).length,
    backendEnded: broken.filter(({ server }) => !pods.has(server)).length,
    failedConnects: outage.failed,
    stallMs: longestStall(kept),
  };
}

/** What was written down of a fault. */
export interface Strike {
  /** Connections to VIPs that their owner serves. */
  readonly plain: readonly Kept[];
  /** Connections to VIPs that every node serves. */
  readonly every: readonly Kept[];
  /** Clients that connected to the latter all the time. */
  readonly outage: Outage;
  /** The node that died. */
  readonly victim: string | undefined;
  /** With policy Local the pod's node is the one that serves. */
  readonly nodeOfPod: ReadonlyMap<string, string>;
}

export interface Struck {
  /** Connections, and those that broke, where the owner serves. */
  readonly plain: number;
  readonly brokenPlain: number;
  /** The same where every node serves: of nodes that live, and of the one that died. */
  readonly others: number;
  readonly brokenOfOthers: number;
  readonly own: number;
  readonly brokenOfVictim: number;
  /** Longest time that a connection which lives waited for an answer, where every node serves. */
  readonly stallMs: number;
  /** From the last request of each connection of the dead node that broke to its end. */
  readonly brokenAfterMs: readonly number[];
  /** For how long new connections failed. */
  readonly failingMs: number;
}

export function struckIn({ plain, every, outage, victim, nodeOfPod }: Strike): Struck {
  const isOfVictim = ({ server }: Kept) => victim !== undefined && nodeOfPod.get(server) === victim;
  const own = every.filter(isOfVictim);
  const others = every.filter((one) => !isOfVictim(one));
  return {
    plain: plain.length,
    brokenPlain: brokenOf(plain).length,
    others: others.length,
    brokenOfOthers: brokenOf(others).length,
    own: own.length,
    brokenOfVictim: brokenOf(own).length,
    stallMs: longestStall(others),
    brokenAfterMs: brokenOf(own).flatMap(({ brokenAfterMs }) => brokenAfterMs ?? []),
    failingMs: outage.failingMs,
  };
}

function brokenOf(kept: readonly Kept[]): Kept[] {
  return kept.filter(({ broken }) => broken !== undefined);
}

function longestStall(kept: readonly Kept[]): number {
  return Math.max(0, ...kept.filter(({ broken }) => broken === undefined).map(({ longestStallMs }) => longestStallMs));
}
