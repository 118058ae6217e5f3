// SPDX-License-Identifier: Apache-2.0
/**
 * A segment with speakers and their kernels, played: frames of speakers are late or lost, kernels forward by the tables that their speaker put in force last,
 * and connections live in the connection tracking of one node. For tests of the state machine of who serves.
 */

import { MacAddress } from '../../net/mac-address.ts';
import { ip } from '../../net/testing.ts';
import { rowsOfMembers } from '../own-strays.ts';
import type { SpreadEvent, SpreadVip } from '../spread-event.ts';
import type { SpreadSet } from '../spread-set.ts';
import { initialSpread, isSettled, type SpreadState, setInForce } from '../spread-state.ts';
import { mayEnd, stepSpread, straysInForce, TICK_MS } from '../step-spread.ts';

/** Frames that follow each other within this time follow the way of the first, in milliseconds. */
const SEEN_FOR_MS = 15_000;
/** As the deadline of the tables in the kernel. */
const FRESH_FOR_MS = 2_000;
/** After a crash the others notice it so late, in milliseconds. */
const NOTICED_AFTER_MS = 200;

export interface Connection {
  readonly fingerprint: bigint;
  readonly clientRow: number;
  readonly vip: string;
  /** Name of the node that the client's neighbour entry points to. */
  entry: string;
  /** Name of the node that has it in its connection tracking. */
  server: string | undefined;
  state: 'open' | 'broken' | 'died-with-node';
}

interface Table {
  readonly sets: ReadonlyMap<string, SpreadSet>;
  readonly strays: Map<bigint, number>;
}

export interface PlayedNode {
  readonly name: string;
  readonly bootId: string;
  readonly mac: MacAddress;
  speaker: SpreadState | undefined;
  kernel: 'up' | 'down';
  table: Table;
  /** Until then the tables count. */
  freshUntilMs: number;
  weight: number;
  readonly seen: Map<bigint, { readonly to: number; readonly atMs: number }>;
  readonly flows: Map<bigint, Connection>;
  /** Committed changes of its sets. */
  readonly commits: { readonly tookMs: number; readonly how: string }[];
}

export interface LanOptions {
  readonly random: () => number;
  /** Share of frames of speakers that are lost. */
  readonly loss: number;
  readonly serve: SpreadVip['serve'];
  /** Share of clients that do not learn of a move, and go on to send to the owner before. */
  readonly unaware: number;
}

const EMPTY: Table = { sets: new Map(), strays: new Map() };

export class SpreadLan {
  readonly nodes = new Map<string, PlayedNode>();
  readonly connections: Connection[] = [];
  readonly owners = new Map<string, string>();
  nowMs = 1_000;
  readonly #options: LanOptions;
  /** What comes last is first. */
  readonly #later: { readonly atMs: number; readonly act: () => void }[] = [];

  constructor(options: LanOptions) {
    this.#options = options;
  }

  /** Starts a speaker on a node, new or known. */
  start(name: string): void {
    const before = this.nodes.get(name);
    const bootId = this.#bootId();
    const mac = macOf(before ? [...this.nodes.keys()].indexOf(name) : this.nodes.size);
    const node: PlayedNode = {
      ...{ name, bootId, mac, kernel: 'up', table: EMPTY, freshUntilMs: 0, commits: [] },
      ...{ weight: before?.weight ?? 1, seen: new Map(), flows: before?.flows ?? new Map() },
      speaker: initialSpread({ node: name, bootId, mac }),
    };
    this.nodes.set(name, node);
    this.#meetSoon();
    this.#tick(node);
  }

  /** Takes part in an orderly end: hands its VIPs to another node, waits, says goodbye. */
  end(name: string, heir: string): void {
    const node = this.node(name);
    for (const [vip, owner] of this.owners) if (owner === name) this.move(vip, heir);
    this.give(node, { type: 'leave' });
    this.#goodbye(node, this.nowMs + 5_000);
  }

  /** The node loses power. */
  crash(name: string, heir: string): void {
    const node = this.node(name);
    node.kernel = 'down';
    node.speaker = undefined;
    for (const one of this.connections) if (one.server === name && one.state === 'open') one.state = 'died-with-node';
    this.at(NOTICED_AFTER_MS, () => {
      for (const [vip, owner] of this.owners) if (owner === name) this.move(vip, heir);
      this.#meetAll();
    });
  }

  /** Another node owns the VIP from now on; each learns it a moment later. */
  move(vip: string, to: string): void {
    this.owners.set(vip, to);
    for (const node of this.nodes.values()) this.at(this.#delayMs(), () => this.tellVips(node));
    this.at(this.#delayMs(), () => {
      for (const one of this.connections)
        if (one.vip === vip && this.#options.random() >= this.#options.unaware) one.entry = to;
    });
  }

  isSettled(vip: string): boolean {
    const { speaker } = this.node(this.owners.get(vip) ?? '');
    return speaker !== undefined && isSettled(speaker, vip, this.nowMs);
  }

  setWeight(name: string, weight: number): void {
    const node = this.node(name);
    node.weight = weight;
    this.tellVips(node);
  }

  node(name: string): PlayedNode {
    const node = this.nodes.get(name);
    if (!node) throw new Error(`no node ${name}`);
    return node;
  }

  tellVips(node: PlayedNode): void {
    const vips = [...this.owners].map(([vip, owner]): SpreadVip => {
      const bootId = this.nodes.get(owner)?.bootId;
      return { vip: ip(vip), serve: this.#options.serve, by: 'flow', weight: node.weight, owner: bootId };
    });
    this.give(node, { type: 'vips', vips });
  }

  at(delayMs: number, act: () => void): void {
    const atMs = this.nowMs + delayMs;
    // Of two at one time the one that was planned first comes first.
    const index = this.#later.findLastIndex((one) => one.atMs > atMs) + 1;
    this.#later.splice(index, 0, { atMs, act });
  }

  /** Lets time pass. */
  run(milliseconds: number): void {
    const untilMs = this.nowMs + milliseconds;
    for (let next = this.#later.at(-1); next && next.atMs <= untilMs; next = this.#later.at(-1)) {
      this.#later.pop();
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.act();
    }
    this.nowMs = untilMs;
  }

  /** A client opens a connection, which its neighbour entry leads to the owner. */
  open(vip: string): Connection | undefined {
    const entry = this.owners.get(vip);
    if (entry === undefined || this.node(entry).kernel === 'down') return undefined;
    const fingerprint =
      (BigInt(Math.floor(this.#options.random() * 2 ** 32)) << 32n) | BigInt(this.connections.length + 1);
    const clientRow = Math.floor(this.#options.random() * 16_384);
    const one: Connection = { fingerprint, clientRow, vip, entry, server: undefined, state: 'open' };
    const server = this.#route(one, 'syn');
    if (server === undefined) return undefined;
    one.server = server.name;
    server.flows.set(fingerprint, one);
    this.connections.push(one);
    return one;
  }

  /** A frame of an open connection: reaches the node that has it, or breaks it. */
  send(one: Connection): void {
    if (one.state !== 'open' || this.node(one.entry).kernel === 'down') return;
    const server = this.#route(one, 'data');
    if (server === undefined) return;
    if (server.flows.get(one.fingerprint) !== one) one.state = 'broken';
  }

  give(node: PlayedNode, event: SpreadEvent): void {
    if (!node.speaker) return;
    const { state, actions } = stepSpread(node.speaker, event, this.nowMs);
    node.speaker = state;
    for (const action of actions) {
      if (action.type === 'table') this.#follow(node);
      else if (action.type === 'read') this.at(5 + this.#delayMs(), () => this.#read(node));
      else if (action.type === 'committed') node.commits.push(action);
      else for (const sections of action.bodies) this.#transmit(node, sections);
    }
  }

  #transmit(node: PlayedNode, sections: Extract<SpreadEvent, { type: 'heard' }>['sections']): void {
    for (const other of this.nodes.values()) {
      if (other.bootId === node.bootId || this.#options.random() < this.#options.loss) continue;
      this.at(this.#options.random() * 2, () => this.give(other, { type: 'heard', from: node.bootId, sections }));
    }
  }

  #follow(node: PlayedNode): void {
    const { speaker } = node;
    if (!speaker) return;
    const sets = [...this.owners.keys()].flatMap((vip): [string, SpreadSet][] => {
      const set = setInForce(speaker, vip, this.nowMs);
      return set ? [[vip, set]] : [];
    });
    const { fingerprints, holders } = straysInForce(speaker);
    const strays = new Map([...fingerprints].map((fingerprint, index) => [fingerprint, holders[index] ?? 0]));
    node.table = { sets: new Map(sets), strays };
  }

  #read(node: PlayedNode): void {
    const vips = [...this.owners.keys()];
    const flows = [...node.flows.values()].filter(({ state }) => state === 'open');
    this.give(node, {
      type: 'flows',
      flows: {
        vips,
        fingerprints: BigUint64Array.from(flows, ({ fingerprint }) => fingerprint),
        services: Uint16Array.from(flows, ({ vip }) => vips.indexOf(vip)),
        clientRows: Uint16Array.from(flows, ({ clientRow }) => clientRow),
      },
    });
  }

  /** Where a frame ends up, by the program's rules (docs/design/0040-every-node-serves.md, section 7). */
  #route(one: Connection, kind: 'syn' | 'data'): PlayedNode | undefined {
    const entry = this.node(one.entry);
    const set = entry.table.sets.get(one.vip);
    if (entry.freshUntilMs < this.nowMs || !set) return entry;
    const [target = 0, next] = [targetIn(set, 'committed', one), targetIn(set, 'pending', one)];
    const to = this.#choose(entry, one, kind, target);
    if (next !== undefined && next !== target) entry.seen.set(one.fingerprint, { to, atMs: this.nowMs });
    const server = [...this.nodes.values()].find((node) => idOf(node) === to) ?? entry;
    return server.kernel === 'up' ? server : undefined;
  }

  #choose(
    { table, seen, name }: PlayedNode,
    { fingerprint }: Connection,
    kind: 'syn' | 'data',
    target: number,
  ): number {
    const byDefault = target || idOf(this.node(name));
    if (kind === 'syn') {
      table.strays.delete(fingerprint);
      seen.delete(fingerprint);
      return byDefault;
    }
    const lately = seen.get(fingerprint);
    const isLately = lately !== undefined && this.nowMs - lately.atMs < SEEN_FOR_MS;
    return table.strays.get(fingerprint) ?? (isLately ? lately.to : byDefault);
  }

  #tick(node: PlayedNode): void {
    if (!node.speaker) return;
    node.freshUntilMs = this.nowMs + FRESH_FOR_MS;
    this.give(node, { type: 'tick' });
    this.at(TICK_MS, () => this.#tick(node));
  }

  #goodbye(node: PlayedNode, latestMs: number): void {
    if (!node.speaker) return;
    if (!mayEnd(node.speaker, this.nowMs) && this.nowMs < latestMs) {
      this.at(TICK_MS, () => this.#goodbye(node, latestMs));
      return;
    }
    node.speaker = undefined;
    node.table = EMPTY;
    for (const other of this.nodes.values())
      this.at(this.#options.random() * 2, () => this.give(other, { type: 'left', bootId: node.bootId }));
  }

  #meetSoon(): void {
    this.at(20, () => this.#meetAll());
  }

  #meetAll(): void {
    const live = [...this.nodes.values()].filter(({ speaker }) => speaker);
    for (const node of live) {
      const fellows = live
        .filter((other) => other !== node)
        .map(({ bootId, name, mac }) => ({ bootId, node: name, mac }));
      this.give(node, { type: 'fellows', fellows });
      this.tellVips(node);
    }
  }

  #delayMs(): number {
    return this.#options.random() * 20;
  }

  #bootId(): string {
    const part = () =>
      Math.floor(this.#options.random() * 2 ** 32)
        .toString(16)
        .padStart(8, '0');
    return part() + part();
  }
}

function targetIn(set: SpreadSet, which: 'committed' | 'pending', one: Connection): number | undefined {
  const members = set[which];
  if (members === undefined) return undefined;
  const { targets } = rowsOfMembers(members);
  const by = which === 'pending' ? set.pendingBy : set.by;
  const row = by === 'client' ? one.clientRow : Number(one.fingerprint & 0xffff_ffffn);
  return targets[row & (targets.length - 1)];
}

function idOf({ speaker, name, bootId, mac }: PlayedNode): number {
  return (speaker ?? initialSpread({ node: name, bootId, mac })).self.id;
}

function macOf(index: number): MacAddress {
  const mac = MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, index + 1));
  if (!mac) throw new Error('no MAC address');
  return mac;
}
