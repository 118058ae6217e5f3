// SPDX-License-Identifier: Apache-2.0

// A segment that joins many speakers: every frame goes to everybody else, unless the LAN loses, delays, doubles or withholds it.
// Frames travel as bytes, through the codec, unless a run is about numbers and not about bytes.

import { decodeHeartbeat, decodeSealed, encodeHeartbeat, type Heartbeat } from '@berth/core';
import type { FakeClock } from './fake-clock.ts';
import type { Random } from './random.ts';

export interface LanQuality {
  /** Share of deliveries that are lost, 0 to 1. */
  readonly loss: number;
  /** Delay of each delivery, evenly between these. More than one interval apart means reordering. */
  readonly delayMs: readonly [number, number];
  /** Share of deliveries that happen twice. */
  readonly duplicates: number;
}

export const GOOD_LAN: LanQuality = { loss: 0, delayMs: [0.05, 1], duplicates: 0 };

export interface LanPort {
  readonly name: string;
  receive(heartbeat: Heartbeat): void;
}

export class FakeLan {
  quality = GOOD_LAN;
  /** When a delivery was last lost, withheld or late. */
  lastFaultMs = Number.NEGATIVE_INFINITY;
  /** By `from>to`: when a delivery between the two last failed. */
  readonly failedMs = new Map<string, number>();
  frames = 0;
  bytes = 0;
  readonly #clock: FakeClock;
  readonly #random: Random;
  readonly #transport: 'bytes' | 'objects';
  readonly #ports = new Map<string, LanPort>();
  readonly #cuts = new Set<string>();
  /** By `from>to`: when the last frame arrives. */
  readonly #arrivesMs = new Map<string, number>();

  constructor(clock: FakeClock, random: Random, transport: 'bytes' | 'objects') {
    this.#clock = clock;
    this.#random = random;
    this.#transport = transport;
  }

  join(port: LanPort): void {
    this.#ports.set(port.name, port);
  }

  /** Frames from one to the other are withheld; the way back is another link. */
  cut(from: string, to: string): void {
    this.#cuts.add(`${from}>${to}`);
  }

  /** Frames pass only inside the groups. */
  partition(groups: readonly (readonly string[])[]): void {
    const groupOf = (name: string) => groups.findIndex((group) => group.includes(name));
    for (const from of this.#ports.keys())
      for (const to of this.#ports.keys()) if (groupOf(from) !== groupOf(to)) this.cut(from, to);
  }

  /** Everything passes again, as it should. */
  heal(): void {
    if (this.#cuts.size > 0) this.lastFaultMs = this.#clock.nowMs;
    this.#cuts.clear();
    this.quality = GOOD_LAN;
  }

  get isWhole(): boolean {
    return this.#cuts.size === 0 && this.quality === GOOD_LAN;
  }

  send(from: string, heartbeat: Heartbeat): void {
    const encoded = this.#transport === 'bytes' ? encodeHeartbeat(heartbeat) : undefined;
    this.frames += 1;
    this.bytes += encoded?.length ?? 0;
    const arriving = encoded ? decoded(encoded) : heartbeat;
    for (const port of this.#ports.values()) if (port.name !== from) this.#deliver(from, port, arriving);
  }

  #deliver(from: string, port: LanPort, heartbeat: Heartbeat): void {
    const { loss, delayMs, duplicates } = this.quality;
    const link = `${from}>${port.name}`;
    if (this.#cuts.has(link) || (loss > 0 && this.#random() < loss)) {
      this.#fail(link);
      return;
    }
    const copies = duplicates > 0 && this.#random() < duplicates ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const delay = delayMs[0] + this.#random() * (delayMs[1] - delayMs[0]);
      if (delay > GOOD_LAN.delayMs[1]) this.#fail(link);
      this.#clock.after(this.#inOrder(link, delay), () => port.receive(heartbeat));
    }
  }

  // Bridges keep the order of frames (IEEE 802.1Q, 8.6.6); a LAN with other delays than a good one does not.
  #inOrder(link: string, delay: number): number {
    if (this.quality.delayMs !== GOOD_LAN.delayMs) return delay;
    const { nowMs } = this.#clock;
    const atMs = Math.max(nowMs + delay, this.#arrivesMs.get(link) ?? 0);
    this.#arrivesMs.set(link, atMs);
    return atMs - nowMs;
  }

  #fail(link: string): void {
    this.failedMs.set(link, this.#clock.nowMs);
    this.lastFaultMs = this.#clock.nowMs;
  }
}

function decoded(bytes: Uint8Array): Heartbeat {
  const sealed = decodeSealed(bytes);
  const read = sealed.ok ? decodeHeartbeat(sealed.sealed.signed) : sealed;
  if (!read.ok) throw new Error(`simulator: own frame: ${read.reason}`);
  return read.heartbeat;
}
