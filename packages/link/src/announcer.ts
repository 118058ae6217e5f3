// SPDX-License-Identifier: Apache-2.0
/**
 * Announces VIPs unasked on the interfaces where they are answered: gratuitous ARP in both forms, or an unsolicited neighbor
 * advertisement, by the schedule of core. It takes the same rows as the responder, sends through it (so the fence holds here too) and
 * looks again at what is owned before each frame.
 */
import {
  type GratuitousOptions,
  GratuitousSchedule,
  gratuitousArp,
  type IpAddress,
  type MacAddress,
  unsolicitedAdvertisement,
} from '@berth/core';
import type { AnnounceResult, AnsweredRow } from './responder.ts';

/** Time, in monotonic milliseconds. */
export interface AnnouncerClock {
  now(): number;
  after(delayMs: number, callback: () => void): { cancel(): void };
}

/** What sends; the responder does. */
export interface FrameSender {
  announce(ifindex: number, frame: Uint8Array): AnnounceResult;
}

export interface AnnouncerOptions {
  readonly sender: FrameSender;
  readonly clock: AnnouncerClock;
  /** Numbers in [0, 1), for the jitter. */
  readonly random: () => number;
  /** Default: those of core. */
  readonly schedule?: Partial<GratuitousOptions>;
  /** Called for each announcement that went out: two frames for IPv4, one for IPv6. */
  onSent(vip: IpAddress, ifindex: number): void;
  /** Called when an interface could not send; the others are not concerned, and the schedule goes on. */
  onFailed(vip: IpAddress, ifindex: number, error: unknown): void;
}

interface Port {
  readonly mac: MacAddress;
  readonly schedule: GratuitousSchedule;
  timer: { cancel(): void } | undefined;
}

export class Announcer {
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
    this.#ports.set(ifindex, { mac, schedule, timer: undefined });
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

  /** Begins again with the burst everywhere: the node was silent for a while, so others may have spoken. */
  restart(): void {
    for (const [ifindex, port] of this.#ports) {
      port.schedule.restart(this.#options.clock.now());
      this.#arm(ifindex, port);
    }
  }

  stop(): void {
    for (const ifindex of [...this.#ports.keys()]) this.detach(ifindex);
  }

  #follow(ifindex: number): void {
    const port = this.#ports.get(ifindex);
    if (!port) return;
    const wanted = this.#rows.filter((row) => row.ifindexes.includes(ifindex)).map((row) => row.vip);
    port.schedule.keep(wanted, this.#options.clock.now());
    this.#run(ifindex, port);
  }

  #run(ifindex: number, port: Port): void {
    for (const vip of port.schedule.take(this.#options.clock.now())) this.#announce(ifindex, port, vip);
    this.#arm(ifindex, port);
  }

  #arm(ifindex: number, port: Port): void {
    port.timer?.cancel();
    const nowMs = this.#options.clock.now();
    const nextMs = port.schedule.nextMs(nowMs);
    port.timer =
      nextMs === undefined ? undefined : this.#options.clock.after(nextMs - nowMs, () => this.#run(ifindex, port));
  }

  #announce(ifindex: number, port: Port, vip: IpAddress): void {
    try {
      const results = framesFor(vip, port.mac).map((frame) => this.#options.sender.announce(ifindex, frame));
      if (results.every((result) => result === 'sent')) this.#options.onSent(vip, ifindex);
    } catch (error) {
      this.#options.onFailed(vip, ifindex, error);
    }
  }
}

function framesFor(vip: IpAddress, mac: MacAddress): Uint8Array[] {
  if (vip.family === 'IPv6') return [unsolicitedAdvertisement(vip, mac)];
  return (['request', 'reply'] as const).map((form) => gratuitousArp(form, vip, mac));
}
