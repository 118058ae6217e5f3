// SPDX-License-Identifier: Apache-2.0
/** Defends the VIPs that this node answers for against strangers that claim them, and says so. */
import {
  type AddressConflict,
  gratuitousArp,
  type IpAddress,
  type MacAddress,
  unsolicitedAdvertisement,
} from '@berth/core';
import type { Responder } from '@berth/link';
import { type Clock, errorFields, Signal } from '@berth/runtime';
import type { Segment } from '../layer2/segments.ts';
import type { ServedVip } from '../layer2/wire.ts';
import { ConflictAlarms } from './conflict-alarms.ts';
import { type TellConflictsOptions, tellConflicts } from './tell-conflicts.ts';

export interface DefenceOptions extends TellConflictsOptions {
  readonly clock: Clock;
  readonly responder: Pick<Responder, 'vipCounters' | 'announce'>;
  /** The segments that are answered. */
  segments(): readonly Segment[];
  /** Whether a MAC address is one of the cluster's. */
  isOurs(mac: MacAddress): boolean;
  served(): readonly ServedVip[];
}

export class Defence {
  readonly name = 'defence';
  /** {@link conflicts} are others. */
  readonly news = new Signal();
  readonly #options: DefenceOptions;
  readonly #alarms: ConflictAlarms;
  readonly #counts = { defences: 0, alarms: 0 };

  constructor(options: DefenceOptions) {
    const { clock, responder } = options;
    const tell = tellConflicts(options);
    this.#options = options;
    this.#alarms = new ConflictAlarms({
      clock,
      isOurs: (mac) => options.isOurs(mac),
      served: () => options.served(),
      claimed: () => responder.vipCounters('claimed'),
      defend: (vip, ifname) => this.#defend(vip, ifname),
    });
    this.#alarms.began.subscribe((conflict, vip) => {
      this.#counts.alarms += 1;
      tell.alarm(conflict, vip);
      this.news.emit();
    });
    this.#alarms.ended.subscribe((conflict, vip) => {
      tell.ended(conflict, vip);
      this.news.emit();
    });
  }

  start(): void {
    this.#alarms.start();
  }

  stop(): void {
    this.#alarms.stop();
  }

  /** Strangers that claim a VIP of this node now. */
  conflicts(): readonly AddressConflict[] {
    return this.#alarms.conflicts();
  }

  /** Announcements in defence, and alarms, since the start. */
  get counts(): Readonly<{ defences: number; alarms: number }> {
    return this.#counts;
  }

  // Both forms, as with every announcement: some hosts heed only one of them.
  #defend(vip: IpAddress, ifname: string): void {
    const { responder, log } = this.#options;
    const segment = this.#options.segments().find((one) => one.ifname === ifname);
    if (!segment) return;
    const { mac, ifindex } = segment;
    const frames =
      vip.family === 'IPv6'
        ? [unsolicitedAdvertisement(vip, mac)]
        : (['request', 'reply'] as const).map((form) => gratuitousArp(form, vip, mac));
    this.#counts.defences += 1;
    try {
      for (const frame of frames) responder.announce(ifindex, frame);
    } catch (error) {
      log.warn('VIP not defended', { vip: String(vip), interface: ifname, ...errorFields(error) });
    }
  }
}
