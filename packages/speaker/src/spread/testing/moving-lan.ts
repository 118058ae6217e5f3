// SPDX-License-Identifier: Apache-2.0
/**
 * Speakers as in spread-cable.ts with their kernels and clients, played: frames go by the tables that a speaker wrote
 * last, connections live in the connection tracking of one node, and the one VIP is served by its owner alone.
 */
import { fingerprintOf, type SpreadSections } from '@berth/core';
import type { ConntrackFlows } from '@berth/link';
import type { FakeClock } from '@berth/runtime/testing';
import { ip } from '../../testing.ts';
import { OWN_NUMBER } from '../node-numbers.ts';
import { Spreading } from '../spreading.ts';
import { CLUSTER, FakeTable, membershipOf, optionsOf, pass, SERVICE, segmentOf, VIP } from './spread-cable.ts';

const ASKS_NOT = { ...SERVICE, metadata: { ...SERVICE.metadata, annotations: {} } };
/** Frames that follow each other within this time follow the way of the first, in milliseconds. */
const SEEN_MS = 15_000;
/** A frame of a speaker, and news of an owner, take so long at most, in milliseconds. */
const LATE_MS = 20;

export interface Connection {
  readonly fingerprint: bigint;
  /** Name of the node that the client's neighbour entry points to. */
  entry: string;
  readonly server: string;
  isBroken: boolean;
}

interface PlayedKernel {
  readonly flows: Map<bigint, Connection>;
  readonly seen: Map<bigint, { readonly to: string; readonly atMs: number }>;
}

interface PlayedSpeaker {
  readonly bootId: string;
  readonly spreading: Spreading;
  readonly tables: FakeTable[];
  /** Who owns the VIP, as this node has it. */
  owner: string;
}

export interface MovingLanOptions {
  readonly clock: FakeClock;
  readonly random: () => number;
  readonly names: readonly string[];
  /** Share of frames of speakers that are lost. */
  readonly loss: number;
}

export class MovingLan {
  readonly connections: Connection[] = [];
  owner: string;
  readonly #options: MovingLanOptions;
  readonly #kernels = new Map<string, PlayedKernel>();
  readonly #speakers = new Map<string, PlayedSpeaker>();
  #boots = 0;
  /** When the last frame arrives, by sender and receiver. */
  readonly #lastMs = new Map<string, number>();

  constructor(options: MovingLanOptions) {
    this.#options = options;
    this.owner = options.names[0] ?? '';
    for (const name of options.names) this.#kernels.set(name, { flows: new Map(), seen: new Map() });
    for (const name of options.names) this.start(name);
  }

  get live(): readonly string[] {
    return [...this.#speakers.keys()];
  }

  get loaded(): readonly string[] {
    return this.live.filter((name) => this.#tableOf(name) !== undefined);
  }

  counts(name: string): { readonly kept: number; readonly plain: number } {
    return this.#speaker(name).spreading.facts.plannedMoves;
  }

  start(name: string): void {
    const bootId = String(++this.#boots).padStart(16, '0');
    const tables: FakeTable[] = [];
    const loop = {
      state: this.#membershipOf(name, bootId, this.owner),
      saySpread: (sections: SpreadSections) => this.#transmit(name, bootId, sections),
    };
    const spreading = new Spreading(
      optionsOf(this.#options.clock, {
        openTable: async () => {
          const table = new FakeTable();
          tables.push(table);
          return table;
        },
        readConntrack: async () => this.#read(name),
        segments: () => [{ segment: segmentOf(name), loop }],
        serviceOf: () => ASKS_NOT,
      }),
    );
    const one = { bootId, spreading, tables, owner: this.owner };
    this.#speakers.set(name, one);
    Object.defineProperty(loop, 'state', { get: () => this.#membershipOf(name, bootId, one.owner) });
    spreading.start();
    this.#tellAll();
  }

  /** As membership does: asks until it may, then the next owner claims, and the others learn of it. */
  async move(to: string): Promise<void> {
    const from = this.#speaker(this.owner);
    const { bootId } = this.#speaker(to);
    const move = { ifindex: segmentOf(to).ifindex, vip: ip(VIP), to: bootId, isOnlyUnbroken: false };
    while (!from.spreading.mayOffer(move)) await pass(this.#options.clock, 10);
    this.#own(to);
  }

  /** An orderly end: gets ready, hands over, waits, says goodbye. */
  async end(name: string, heir: string): Promise<void> {
    const { spreading, bootId } = this.#speaker(name);
    let hasLeft = false;
    const left = spreading.leave().then(() => {
      hasLeft = true;
    });
    if (this.owner === name) await this.move(heir);
    while (!hasLeft) await pass(this.#options.clock, 10);
    await left;
    spreading.stop();
    this.#speakers.delete(name);
    for (const other of this.#speakers.values()) other.spreading.left(bootId, segmentOf(name).ifname);
    this.#tellAll();
  }

  open(): void {
    const fingerprint = fingerprintOf(
      {
        ...{ source: ip('198.51.100.7'), destination: ip(VIP), destinationPort: 80, protocol: 6 },
        sourcePort: 1_024 + this.connections.length,
      },
      BigInt(`0x${CLUSTER}`),
    );
    const server = this.#route(this.owner, fingerprint, 'syn');
    const one = { fingerprint, entry: this.owner, server, isBroken: false };
    this.#kernel(server).flows.set(fingerprint, one);
    this.connections.push(one);
  }

  send(one: Connection): void {
    const server = this.#route(one.entry, one.fingerprint, 'data');
    if (!this.#kernel(server).flows.has(one.fingerprint)) one.isBroken = true;
  }

  endAllConnections(): void {
    for (const { flows } of this.#kernels.values()) flows.clear();
    this.connections.length = 0;
  }

  // The next owner knows first; the others, and the clients, a moment later.
  #own(to: string): void {
    const { clock, random } = this.#options;
    this.owner = to;
    for (const [name, one] of this.#speakers)
      clock.after(name === to ? 0 : random() * LATE_MS, () => {
        one.owner = this.owner;
        one.spreading.changed();
      });
    for (const one of this.connections)
      clock.after(random() * LATE_MS * 2, () => {
        one.entry = this.owner;
      });
  }

  #transmit(from: string, bootId: string, sections: SpreadSections): void {
    const { clock, random, loss } = this.#options;
    for (const [name, one] of this.#speakers) {
      if (name === from || random() < loss) continue;
      // Frames of one sender do not overtake each other: membership drops what does.
      const key = `${bootId} ${name}`;
      const atMs = Math.max(this.#lastMs.get(key) ?? 0, clock.now() + random() * LATE_MS);
      this.#lastMs.set(key, atMs);
      clock.after(atMs - clock.now(), () => one.spreading.heard(bootId, sections, segmentOf(from)));
    }
  }

  #tellAll(): void {
    for (const { spreading } of this.#speakers.values()) spreading.changed();
  }

  #read(name: string): ConntrackFlows {
    const fingerprints = BigUint64Array.from(this.#kernel(name).flows.keys());
    const none = { services: new Uint16Array(fingerprints.length), rows: new Uint16Array(fingerprints.length) };
    return { fingerprints, ...none, total: fingerprints.length, max: 100_000 };
  }

  #route(entry: string, fingerprint: bigint, kind: 'syn' | 'data'): string {
    const table = this.#tableOf(entry);
    const [service] = table?.contents?.services ?? [];
    if (table === undefined || service === undefined) return entry;
    const { targets, nexts } = service.rows;
    const row = Number(fingerprint & BigInt(targets.length - 1));
    const { seen } = this.#kernel(entry);
    const nameOf = (number: number) => this.#nameOf(table, entry, number);
    const lately = seen.get(fingerprint);
    const isLately = lately !== undefined && this.#options.clock.now() - lately.atMs < SEEN_MS;
    const stray = table.numbers.get(fingerprint);
    const known = stray === undefined ? (isLately ? lately.to : undefined) : nameOf(stray);
    const to = (kind === 'data' ? known : undefined) ?? nameOf(targets[row] ?? 0);
    if ((nexts[row] ?? 0) !== 0) seen.set(fingerprint, { to, atMs: this.#options.clock.now() });
    return to;
  }

  #nameOf({ contents }: FakeTable, entry: string, number: number): string {
    if (number === OWN_NUMBER) return entry;
    const mac = contents?.members.find((one) => one.number === number)?.mac;
    return this.#options.names.find((name) => mac?.equals(segmentOf(name).mac)) ?? entry;
  }

  #tableOf(name: string): FakeTable | undefined {
    return this.#speakers.get(name)?.tables.find((table) => table.isOpen && table.attached.length > 0);
  }

  #membershipOf(name: string, bootId: string, owner: string): ReturnType<typeof membershipOf> {
    const state = membershipOf(name, owner);
    const view = new Set([...this.#speakers.values()].map((one) => one.bootId));
    const members = state.members.flatMap((member) => {
      const speaker = this.#speakers.get(member.node);
      return speaker ? [{ ...member, bootId: speaker.bootId, view }] : [];
    });
    return { ...state, self: { ...state.self, bootId }, members };
  }

  #speaker(name: string): PlayedSpeaker {
    const one = this.#speakers.get(name);
    if (!one) throw new Error(`no speaker on ${name}`);
    return one;
  }

  #kernel(name: string): PlayedKernel {
    const one = this.#kernels.get(name);
    if (!one) throw new Error(`no node ${name}`);
    return one;
  }
}
