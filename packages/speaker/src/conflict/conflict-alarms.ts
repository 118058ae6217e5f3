// SPDX-License-Identifier: Apache-2.0
/**
 * Watches the VIPs that this node answers for: when a stranger claims one, it is defended by an announcement, at most
 * once in ten seconds (RFC 5227, 2.4), and an alarm stands until the stranger has been silent for a minute. The VIP is
 * answered throughout.
 */
import type { AddressConflict, IpAddress, MacAddress } from '@berth/core';
import { ConflictWatch, type VipCounters } from '@berth/link';
import { type Clock, Signal, type Timer } from '@berth/runtime';
import type { ServedVip } from '../layer2/wire.ts';

const LOOK_MS = 1_000;
/**
 * Most announcements in defence between two looks, so that whoever claims a thousand VIPs does not make this node flood
 * the segment.
 */
const DEFENCES_A_LOOK = 25;

export interface ConflictAlarmsOptions {
  readonly clock: Clock;
  /** Counters of the VIPs that were claimed. */
  claimed(): readonly VipCounters[];
  /** Whether a MAC address is one of the cluster's. */
  isOurs(mac: MacAddress): boolean;
  served(): readonly ServedVip[];
  /** Announces the VIP once on an interface. */
  defend(vip: IpAddress, ifname: string): void;
}

export class ConflictAlarms {
  readonly name = 'conflict alarms';
  readonly began = new Signal<[conflict: AddressConflict, vip: ServedVip | undefined]>();
  readonly ended = new Signal<[conflict: AddressConflict, vip: ServedVip | undefined]>();
  readonly #options: ConflictAlarmsOptions;
  readonly #watch: ConflictWatch;
  readonly #alarms = new Map<string, AddressConflict>();
  /** VIPs that are still to be defended. */
  readonly #due = new Map<string, IpAddress>();
  #timer: Timer | undefined;

  constructor(options: ConflictAlarmsOptions) {
    this.#options = options;
    this.#watch = new ConflictWatch({
      counters: () => options.claimed(),
      isOurs: (mac) => options.isOurs(mac),
      announce: (vip) => this.#due.set(String(vip), vip),
    });
    this.#watch.raised.subscribe((vip, mac) => this.#raise(vip, mac));
    this.#watch.ended.subscribe((vip) => this.#end(vip));
  }

  start(): void {
    this.#timer ??= this.#options.clock.after(LOOK_MS, () => this.#look());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** The alarms of this moment. */
  conflicts(): AddressConflict[] {
    return [...this.#alarms.values()];
  }

  #look(): void {
    this.#timer = undefined;
    this.#watch.look(this.#options.clock.now());
    for (const [key, vip] of [...this.#due].slice(0, DEFENCES_A_LOOK)) {
      this.#due.delete(key);
      for (const ifname of this.#servedOf(vip)?.interfaces ?? []) this.#options.defend(vip, ifname);
    }
    this.start();
  }

  #raise(vip: IpAddress, mac: MacAddress): void {
    const served = this.#servedOf(vip);
    const sinceSeconds = Math.floor(this.#options.clock.date().getTime() / 1000);
    // Which of several interfaces heard it is not counted.
    const conflict = { vip, interface: served?.interfaces.join(',') ?? '', mac, sinceSeconds, kind: 'in-use' } as const;
    this.#alarms.set(String(vip), conflict);
    this.began.emit(conflict, served);
  }

  #end(vip: IpAddress): void {
    const conflict = this.#alarms.get(String(vip));
    this.#alarms.delete(String(vip));
    if (conflict) this.ended.emit(conflict, this.#servedOf(vip));
  }

  #servedOf(vip: IpAddress): ServedVip | undefined {
    return this.#options.served().find((one) => one.vip.equals(vip));
  }
}
