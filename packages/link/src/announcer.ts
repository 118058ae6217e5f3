// SPDX-License-Identifier: Apache-2.0
/**
 * Announces VIPs unasked on the interfaces where they are answered: gratuitous ARP in both forms, or an unsolicited
 * neighbor advertisement, by the schedule of core; and to those one by one who are known to hold the old entry. It
 * takes the same rows as the responder, sends through it (so the fence holds here too) and looks again at what is owned
 * before each frame.
 */
import {
  type Corrected,
  correctionFrame,
  type DueFrame,
  type GratuitousOptions,
  GratuitousSchedule,
  gratuitousArp,
  type IpAddress,
  type MacAddress,
  unsolicitedAdvertisement,
} from '@berth/core';
import { type Clock, Signal } from '@berth/runtime';
import type { AnnounceResult, AnsweredRow } from './answering.ts';

/** What sends; the responder does. */
export interface FrameSender {
  announce(ifindex: number, frame: Uint8Array): AnnounceResult;
}

/** Knows who may hold the old entry of a VIP; the audience of packages/link does. */
export interface Audience {
  /** Those on this interface, by VIP as text. What is not known is left out; never rejects. */
  of(vips: readonly IpAddress[], ifindex: number): Promise<ReadonlyMap<string, readonly Corrected[]>>;
}

export interface AnnouncerOptions {
  readonly sender: FrameSender;
  readonly clock: Clock;
  /** Numbers in [0, 1), for the jitter. */
  readonly random: () => number;
  /** Default: those of core. */
  readonly schedule?: Partial<GratuitousOptions>;
  /** Default: no one gets a frame of its own. */
  readonly audience?: Audience;
}

interface Port {
  readonly mac: MacAddress;
  readonly schedule: GratuitousSchedule;
  /** VIPs whose round has failed. */
  readonly failed: Set<string>;
  /** VIPs whose burst begins again with the next turn of the event loop. */
  readonly again: IpAddress[];
  timer: { cancel(): void } | undefined;
}

export class Announcer {
  /** An announcement went out: two frames for IPv4, one for IPv6. */
  readonly sent = new Signal<[vip: IpAddress, ifindex: number]>();
  /** A neighbour got a frame of its own about a VIP. */
  readonly corrections = new Signal<[vip: IpAddress, ifindex: number]>();
  /** An interface could not send; the others are not concerned, and the schedule goes on. */
  readonly failures = new Signal<[vip: IpAddress, ifindex: number, error: unknown]>();
  readonly #options: AnnouncerOptions;
  readonly #ports = new Map<number, Port>();
  #rows: readonly AnsweredRow[] = [];

  constructor(options: AnnouncerOptions) {
    this.#options = options;
  }

  /** Begins to announce on an interface, with the burst for each VIP that is answered there. */
  attach(ifindex: number, mac: MacAddress): void {
    if (this.#ports.has(ifindex)) return;
    const schedule = new GratuitousSchedule(this.#options.random, this.#options.schedule);
    this.#ports.set(ifindex, { mac, schedule, failed: new Set(), again: [], timer: undefined });
    this.#follow(ifindex);
  }

  detach(ifindex: number): void {
    this.#ports.get(ifindex)?.timer?.cancel();
    this.#ports.delete(ifindex);
  }

  /** Announces exactly these VIPs from now on; new ones begin with the burst. */
  replace(rows: readonly AnsweredRow[]): void {
    this.#rows = rows;
    for (const ifindex of this.#ports.keys()) this.#follow(ifindex);
  }

  /**
   * Begins again with the burst for a VIP: clients may have heard of another owner. May be called for many VIPs one
   * after the other.
   */
  again(vip: IpAddress, ifindex: number): void {
    const port = this.#ports.get(ifindex);
    if (!port?.schedule.again(vip, this.#options.clock.now())) return;
    port.again.push(vip);
    if (port.again.length > 1) return;
    this.#options.clock.after(0, () => {
      if (this.#ports.get(ifindex) !== port) return;
      this.#run(ifindex, port);
      void this.#correct(ifindex, port, port.again.splice(0));
    });
  }

  stop(): void {
    for (const ifindex of [...this.#ports.keys()]) this.detach(ifindex);
  }

  #follow(ifindex: number): void {
    const port = this.#ports.get(ifindex);
    if (!port) return;
    const wanted = this.#rows.filter((row) => row.ifindexes.includes(ifindex)).map((row) => row.vip);
    const fresh = port.schedule.keep(wanted, this.#options.clock.now());
    this.#run(ifindex, port);
    void this.#correct(ifindex, port, fresh);
  }

  // Nothing waits for this: the broadcasts reach nearly all, and at once.
  async #correct(ifindex: number, port: Port, vips: readonly IpAddress[]): Promise<void> {
    const { audience } = this.#options;
    if (!audience || vips.length === 0) return;
    const audienceOf = await audience.of(vips, ifindex);
    if (this.#ports.get(ifindex) !== port) return;
    for (const vip of vips) port.schedule.correct(vip, audienceOf.get(String(vip)) ?? []);
    this.#run(ifindex, port);
  }

  #run(ifindex: number, port: Port): void {
    for (const one of port.schedule.take(this.#options.clock.now())) this.#announce(ifindex, port, one);
    this.#arm(ifindex, port);
  }

  #arm(ifindex: number, port: Port): void {
    port.timer?.cancel();
    const nowMs = this.#options.clock.now();
    const nextMs = port.schedule.nextMs(nowMs);
    port.timer =
      nextMs === undefined ? undefined : this.#options.clock.after(nextMs - nowMs, () => this.#run(ifindex, port));
  }

  #announce(ifindex: number, port: Port, one: DueFrame): void {
    const { vip } = one;
    // One that failed says so once, not for each of its frames.
    if ('form' in one && one.form === 'request') port.failed.delete(String(vip));
    if (port.failed.has(String(vip))) return;
    try {
      if (this.#options.sender.announce(ifindex, frameOf(one, port.mac)) !== 'sent') return;
      if ('to' in one) this.corrections.emit(vip, ifindex);
      else if (one.isLast) this.sent.emit(vip, ifindex);
    } catch (error) {
      port.failed.add(String(vip));
      this.failures.emit(vip, ifindex, error);
    }
  }
}

function frameOf(one: DueFrame, mac: MacAddress): Uint8Array {
  if ('to' in one) return correctionFrame(one.vip, mac, one.to);
  return one.vip.family === 'IPv6' ? unsolicitedAdvertisement(one.vip, mac) : gratuitousArp(one.form, one.vip, mac);
}
