// SPDX-License-Identifier: Apache-2.0
/** Metrics about addresses that strangers use. */
import type { AddressConflict } from '@berth/core';
import { Counter, Gauge, type Registry } from '@berth/daemon';

/** Where the numbers come from; the address guard. */
export interface ConflictSources {
  conflicts(): readonly AddressConflict[];
  notAnnounced(): readonly unknown[];
  readonly ready: number;
  readonly probes: Readonly<Record<'at-need' | 'ahead', number>>;
  readonly counts: { readonly defences: number; readonly before: number; readonly inUse: number };
}

const PREFIX = 'berth_speaker';

export function registerConflicts(sources: ConflictSources, registers: Registry[]): void {
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
      this.inc({}, sources.counts.defences);
    },
  });
}
