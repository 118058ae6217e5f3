// SPDX-License-Identifier: Apache-2.0
/** Metrics about addresses that strangers use, and about VIPs of others that do not answer as they should. */
import type { AddressConflict, TestFailure, UnreachableVip } from '@berth/core';
import { Counter, Gauge, type Registry } from '@berth/runtime';

/** Where the numbers come from; the address guard. */
export interface ConflictSources {
  conflicts(): readonly AddressConflict[];
  notAnnounced(): readonly unknown[];
  readonly ready: number;
  readonly outside: readonly { readonly pool: string; readonly entry: string }[];
  readonly reachability: {
    readonly selfTest: {
      readonly counts: Readonly<Record<'right' | TestFailure, number>>;
      unreachable(): readonly UnreachableVip[];
    };
  };
  readonly probes: Readonly<Record<'at-need' | 'ahead', number>>;
  readonly counts: { readonly defences: number; readonly before: number; readonly inUse: number };
}

const PREFIX = 'berth_speaker';

export function registerConflicts(sources: ConflictSources, registers: Registry[]): void {
  registerStrangers(sources, registers);
  registerProbes(sources, registers);
  registerSelfTest(sources, registers);
}

function registerSelfTest({ reachability: { selfTest } }: ConflictSources, registers: Registry[]): void {
  new Gauge({
    name: `${PREFIX}_vip_unreachable`,
    help: '1 for each VIP of another node that did not answer this one as it should',
    labelNames: ['ip', 'interface', 'reason'],
    registers,
    collect() {
      this.reset();
      for (const { vip, interface: ifname, why } of selfTest.unreachable())
        this.set({ ip: String(vip), interface: ifname, reason: why }, 1);
    },
  });
  new Counter({
    name: `${PREFIX}_self_tests_total`,
    help: 'Questions on the wire for VIPs of other nodes, by what they brought',
    labelNames: ['result'],
    registers,
    collect() {
      this.reset();
      for (const [result, count] of Object.entries(selfTest.counts)) this.inc({ result }, count);
    },
  });
}

function registerStrangers(sources: ConflictSources, registers: Registry[]): void {
  new Gauge({
    name: `${PREFIX}_address_conflict`,
    help: '1 for each address of a pool or VIP that a stranger uses, with its MAC address',
    labelNames: ['ip', 'interface', 'mac', 'kind'],
    registers,
    collect() {
      this.reset();
      for (const { vip, interface: ifname, mac, kind } of sources.conflicts())
        this.set({ ip: String(vip), interface: ifname, mac: String(mac), kind }, 1);
    },
  });
  new Gauge({
    name: `${PREFIX}_vips_held_back`,
    help: 'VIPs of this node that are not answered yet: being probed, or used by a stranger',
    registers,
    collect() {
      this.set(sources.notAnnounced().length);
    },
  });
  new Counter({
    name: `${PREFIX}_address_conflicts_total`,
    help: 'Strangers found, before the first use of an address or while it was in use',
    labelNames: ['kind'],
    registers,
    collect() {
      this.reset();
      this.inc({ kind: 'before-use' }, sources.counts.before);
      this.inc({ kind: 'in-use' }, sources.counts.inUse);
    },
  });
  new Counter({
    name: `${PREFIX}_defences_total`,
    help: 'Announcements in defence of a VIP that a stranger claimed',
    registers,
    collect() {
      this.reset();
      this.inc(sources.counts.defences);
    },
  });
}

function registerProbes(sources: ConflictSources, registers: Registry[]): void {
  new Gauge({
    name: `${PREFIX}_pool_entry_outside_subnets`,
    help: '1 for each entry of a pool that lies in no subnet of the segments of this node',
    labelNames: ['pool', 'entry'],
    registers,
    collect() {
      this.reset();
      for (const { pool, entry } of sources.outside) this.set({ pool, entry }, 1);
    },
  });
  new Gauge({
    name: `${PREFIX}_addresses_ready`,
    help: 'Addresses that were found clear ahead of need',
    registers,
    collect() {
      this.set(sources.ready);
    },
  });
  new Counter({
    name: `${PREFIX}_addresses_probed_total`,
    help: 'Addresses that were asked for before their first use: while a Service waited (at-need), or ahead of need',
    labelNames: ['urgency'],
    registers,
    collect() {
      this.reset();
      for (const urgency of ['at-need', 'ahead'] as const) this.inc({ urgency }, sources.probes[urgency]);
    },
  });
}
