// SPDX-License-Identifier: Apache-2.0

// A segment that joins many speakers: every frame goes to everybody else, unless the LAN loses, delays, doubles or
// withholds it. Frames travel as bytes, through the codec, unless a run is about numbers and not about bytes.

import { decodeHeartbeat, decodeSealed, encodeHeartbeat, type Heartbeat, type MacAddress } from '@berth/core';
import type { FakeClock } from '@berth/runtime/testing';
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
  readonly mac: MacAddress;
  receive(heartbeat: Heartbeat): void;
  /** Whether it answers for an address now. */
  answers(address: string): boolean;
  /** A client asks for an address. */
  demanded(address: string): void;
}

/** Which frames a fault withholds: all of them, or heartbeats alone, as a packet filter below IP does. */
export type Frames = 'all' | 'heartbeats';

/** How long the speaker waits for the answers of a station. */
const IDENTIFY_MS = 200;

export class FakeLan {
  quality = GOOD_LAN;
  /** When a delivery was last lost, withheld or late. */
  lastFaultMs = Number.NEGATIVE_INFINITY;
  /** By `from>to`: when a delivery between the two last failed, or could not until then. */
  readonly failedMs = new Map<string, number>();
  frames = 0;
  bytes = 0;
  readonly #clock: FakeClock;
  readonly #random: Random;
  readonly #transport: 'bytes' | 'objects';
  readonly #ports = new Map<string, LanPort>();
  readonly #cuts = new Map<string, Frames>();
  /** Hosts that are no members and answer when they are asked. */
  readonly #witnesses = new Set<string>();
  readonly #strangers = new Map<string, { readonly mac: MacAddress; readonly addresses: ReadonlySet<string> }>();
  /** Hosts that ask for VIPs and never answer. */
  readonly #clients = new Set<string>();
  /** By `from>to`: until when frames of all kinds could be withheld or lost. */
  readonly #unreachableMs = new Map<string, number>();
  /** Nodes whose frames say nothing that is newer than minor version 1, and that read nothing newer. */
  readonly old = new Set<string>();
  questions = 0;
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

  /** A host that every node knows and can ask whether it is heard: a gateway, a client. */
  addWitness(name: string): void {
    this.#witnesses.add(name);
  }

  /** A host that asks for VIPs. */
  addClient(name: string): void {
    this.#clients.add(name);
  }

  /** A client asks everybody for an address. */
  demand(from: string, address: string): void {
    for (const port of this.#ports.values()) this.#travel(from, port.name, () => port.demanded(address));
  }

  /** Frames from one to the other are withheld; the way back is another link. */
  cut(from: string, to: string, frames: Frames = 'all'): void {
    const link = `${from}>${to}`;
    if (this.#cuts.get(link) !== 'all') this.#cuts.set(link, frames);
    if (frames === 'all') this.#unreachableMs.set(link, this.#clock.now());
  }

  /** Frames between a node or another host and all others are withheld, in both directions. */
  isolate(name: string, frames: Frames = 'all'): void {
    for (const other of this.#names()) {
      if (other === name) continue;
      this.cut(name, other, frames);
      this.cut(other, name, frames);
    }
  }

  /** Everything passes again between a node or witness and all others. */
  rejoin(name: string): void {
    this.lastFaultMs = this.#clock.now();
    for (const link of [...this.#cuts.keys()]) if (link.split('>').includes(name)) this.#mend(link);
  }

  /** Frames pass only inside the groups, of nodes and witnesses. */
  partition(groups: readonly (readonly string[])[]): void {
    const groupOf = (name: string) => groups.findIndex((group) => group.includes(name));
    for (const from of this.#names())
      for (const to of this.#names()) if (groupOf(from) !== groupOf(to)) this.cut(from, to);
  }

  /** Whether frames other than heartbeats pass between two in both directions. */
  canReach(a: string, b: string): boolean {
    return this.#cuts.get(`${a}>${b}`) !== 'all' && this.#cuts.get(`${b}>${a}`) !== 'all';
  }

  /** Whether heartbeats of one pass to the other. */
  hears(to: string, from: string): boolean {
    return !this.#cuts.has(`${from}>${to}`);
  }

  /** Whether a witness would answer a node. */
  reachesWitness(name: string): boolean {
    return [...this.#witnesses].some((witness) => this.canReach(name, witness));
  }

  /** Asks everybody who answers for an address; each answer comes back by itself. */
  ask(from: string, address: string, onAnswer: (mac: MacAddress) => void): void {
    for (const port of this.#ports.values()) {
      if (port.name === from) continue;
      this.#travel(from, port.name, () => {
        if (port.answers(address)) this.#travel(port.name, from, () => onAnswer(port.mac));
      });
    }
    for (const [name, { mac, addresses }] of this.#strangers)
      if (addresses.has(address)) this.#travel(from, name, () => this.#travel(name, from, () => onAnswer(mac)));
  }

  /** A host that answers for these addresses, whoever owns them. */
  addStranger(name: string, mac: MacAddress, addresses: readonly string[]): void {
    this.#strangers.set(name, { mac, addresses: new Set(addresses) });
  }

  /**
   * Finds out whose a station is, by asking it for the addresses of all nodes: the machine answers, whatever its
   * speaker does.
   */
  identify(from: string, mac: MacAddress, onKnown: (as: 'node' | 'stranger') => void): void {
    let as: 'node' | 'stranger' = 'stranger';
    for (const port of this.#ports.values())
      if (port.mac.equals(mac))
        this.#travel(from, port.name, () =>
          this.#travel(port.name, from, () => {
            as = 'node';
          }),
        );
    this.#clock.after(IDENTIFY_MS, () => onKnown(as));
  }

  askWitnesses(from: string, onAnswer: () => void): void {
    for (const name of this.#witnesses) this.#travel(from, name, () => this.#travel(name, from, onAnswer));
  }

  // A frame that is no heartbeat.
  #travel(from: string, to: string, arrive: () => void): void {
    this.questions += 1;
    const { loss, delayMs } = this.quality;
    const link = `${from}>${to}`;
    if (this.#cuts.get(link) === 'all') return;
    const isLost = loss > 0 && this.#random() < loss;
    const delay = isLost ? Number.POSITIVE_INFINITY : delayMs[0] + this.#random() * (delayMs[1] - delayMs[0]);
    // As for heartbeats: a LAN that could lose and did not is no worse than a good one.
    if (delay > GOOD_LAN.delayMs[1]) this.#unreachableMs.set(link, this.#clock.now());
    if (!isLost) this.#clock.after(delay, arrive);
  }

  #names(): string[] {
    return [...this.#ports.keys(), ...this.#witnesses, ...this.#clients, ...this.#strangers.keys()];
  }

  /** Everything passes again, as it should. */
  heal(): void {
    if (this.#cuts.size > 0) this.lastFaultMs = this.#clock.now();
    for (const link of [...this.#cuts.keys()]) this.#mend(link);
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
    const plain = this.old.size > 0 ? asOldSpeaker(arriving) : arriving;
    for (const port of this.#ports.values()) {
      if (port.name === from) continue;
      this.#deliver(from, port, this.old.has(from) || this.old.has(port.name) ? plain : arriving);
    }
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
    const nowMs = this.#clock.now();
    const atMs = Math.max(nowMs + delay, this.#arrivesMs.get(link) ?? 0);
    this.#arrivesMs.set(link, atMs);
    return atMs - nowMs;
  }

  #mend(link: string): void {
    if (this.#cuts.get(link) === 'all') this.#unreachableMs.set(link, this.#clock.now());
    this.#cuts.delete(link);
    this.failedMs.set(link, this.#clock.now());
  }

  /** For how long two nodes have reached and heard each other without a fault. */
  soundMs(a: string, b: string): number {
    if (this.quality !== GOOD_LAN || !this.hears(a, b) || !this.hears(b, a)) return 0;
    return this.#clock.now() - Math.max(this.#failed(`${a}>${b}`), this.#failed(`${b}>${a}`));
  }

  /** For how long frames other than heartbeats have passed between two nodes in both directions, and could not but. */
  reachableMs(a: string, b: string): number {
    return this.quality === GOOD_LAN ? this.reachedMs(a, b) : 0;
  }

  /** For how long those that were sent have passed, be it by luck. */
  reachedMs(a: string, b: string): number {
    if (!this.canReach(a, b)) return 0;
    return this.#clock.now() - Math.max(this.#unreachable(`${a}>${b}`), this.#unreachable(`${b}>${a}`));
  }

  #failed(link: string): number {
    return this.failedMs.get(link) ?? Number.NEGATIVE_INFINITY;
  }

  #unreachable(link: string): number {
    return this.#unreachableMs.get(link) ?? Number.NEGATIVE_INFINITY;
  }

  #fail(link: string): void {
    this.failedMs.set(link, this.#clock.now());
    this.lastFaultMs = this.#clock.now();
  }
}

/** What a speaker of minor version 1 says, or reads of a later one. */
function asOldSpeaker(heartbeat: Heartbeat): Heartbeat {
  const { claims } = heartbeat;
  const plain = claims && { ...claims, entries: claims.entries.map(({ vip, term }) => ({ vip, term })) };
  return { ...heartbeat, isCutOff: false, isUnsteady: false, keepsConnections: false, claims: plain };
}

function decoded(bytes: Uint8Array): Heartbeat {
  const sealed = decodeSealed(bytes);
  const read = sealed.ok ? decodeHeartbeat(sealed.sealed.signed) : sealed;
  if (!read.ok) throw new Error(`simulator: own frame: ${read.reason}`);
  return read.heartbeat;
}
