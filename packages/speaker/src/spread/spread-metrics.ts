// SPDX-License-Identifier: Apache-2.0
/** Metrics about VIPs that every node serves. Where none asks for it all of them are 0 or absent. */
import type { SpreadCounters } from '@berth/link';
import { Counter, Gauge, type Registry } from '@berth/runtime';

/** Where the numbers come from. */
export interface SpreadSources {
  readonly obstacle: { readonly what: 'program' | 'conntrack' | 'room' } | undefined;
  /** Changes of sets that this node has committed. */
  commits(): readonly { readonly how: string; readonly times: number }[];
  /** Strays that the table has no room for. */
  readonly excess: number;
  /** Flows of this node whose hash names another one. */
  readonly ownStrays: number;
  /** Part of connection tracking that was in use when it was last read, 0 to 1. */
  readonly conntrackFill: number;
  /** Hand-overs on purpose, by whether connections were kept. */
  readonly plannedMoves: { readonly kept: number; readonly plain: number };
  /** VIPs of others that this node keeps connections of. */
  readonly keeping: number;
  /** Whether the keeper holds the program. */
  readonly keeper: 'none' | 'kept' | 'not-kept';
  packets(): readonly { readonly how: string; readonly packets: number }[];
}

const PREFIX = 'berth_speaker_spread';
const OBSTACLES = ['program', 'conntrack', 'room'] as const;

export function registerSpread(sources: SpreadSources, registers: Registry[]): void {
  new Counter({
    name: `${PREFIX}_packets_total`,
    help: 'Packets for VIPs that every node serves: forwarded to another node, served here (from-members: of these, passed on by another node); by stray or seen: went where the hash does not say; second-chance, stale, fragment: see docs/design/0041',
    labelNames: ['how'],
    registers,
    collect() {
      this.reset();
      for (const { how, packets } of sources.packets()) this.inc({ how }, packets);
    },
  });
  new Gauge({
    name: `${PREFIX}_strays`,
    help: 'Flows that this node serves although their hash names another one',
    registers,
    collect() {
      this.set(sources.ownStrays);
    },
  });
  new Gauge({
    name: `${PREFIX}_excess`,
    help: 'Flows of this or other nodes that the table of strays has no room for: they break when their node does not get them by hash',
    registers,
    collect() {
      this.set(sources.excess);
    },
  });
  new Gauge({
    name: `${PREFIX}_conntrack_fill`,
    help: "Part of the node's connection tracking that was in use when it was last read, 0 to 1: from 1 on the kernel drops new connections",
    registers,
    collect() {
      this.set(sources.conntrackFill);
    },
  });
  new Gauge({
    name: `${PREFIX}_kept`,
    help: '1 while the keeper holds the program, so that it goes on for two seconds if the speaker dies; 0 while it does not, or no VIP needs it',
    registers,
    collect() {
      this.set(sources.keeper === 'kept' ? 1 : 0);
    },
  });
  new Counter({
    name: `${PREFIX}_commits_total`,
    help: 'Changes of who serves that this node has committed as owner: all-told, or time-out where a member had not told its flows after a second',
    labelNames: ['how'],
    registers,
    collect() {
      this.reset();
      for (const { how, times } of sources.commits()) this.inc({ how }, times);
    },
  });
  new Counter({
    name: 'berth_speaker_planned_moves_total',
    help: 'VIPs that this node handed over on purpose, since it started: kept, the next owner knew where connections live; plain, it did not, or was not waited for',
    labelNames: ['how'],
    registers,
    collect() {
      this.reset();
      for (const [how, times] of Object.entries(sources.plannedMoves)) this.inc({ how }, times);
    },
  });
  new Gauge({
    name: 'berth_speaker_kept_vips',
    help: 'VIPs that moved on or are served elsewhere while this node keeps connections of them',
    registers,
    collect() {
      this.set(sources.keeping);
    },
  });
  new Gauge({
    name: `${PREFIX}_obstacle`,
    help: '1 for what keeps this node from serving as one of several: program, conntrack or room (the tables are full)',
    labelNames: ['what'],
    registers,
    collect() {
      for (const what of OBSTACLES) this.set({ what }, sources.obstacle?.what === what ? 1 : 0);
    },
  });
}

/** What the program counted, by what became of packets; nothing where none is loaded. */
export function packetsBy(counters: SpreadCounters | undefined): { readonly how: string; readonly packets: number }[] {
  if (counters === undefined) return [];
  const { forwarded, served, fromMembers, byStray, bySeen, secondChance, stale, fragmentsUnknown } = counters;
  const numbers = { forwarded, served, stale, stray: byStray, seen: bySeen, fragment: fragmentsUnknown };
  const all = { ...numbers, 'from-members': fromMembers, 'second-chance': secondChance };
  return Object.entries(all).map(([how, packets]) => ({ how, packets }));
}
