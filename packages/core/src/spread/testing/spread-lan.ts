// SPDX-License-Identifier: Apache-2.0
/**
 * A segment with speakers and their kernels, played: frames of speakers are late or lost, kernels forward by the tables
 * that their speaker put in force last, and connections live in the connection tracking of one node. For tests of the
 * state machine of who serves.
 */

import { MacAddress } from '../../net/mac-address.ts';
import { ip } from '../../net/testing.ts';
import { rowsOfMembers } from '../own-strays.ts';
import type { SpreadEvent, SpreadVip } from '../spread-event.ts';
import type { SpreadSet } from '../spread-set.ts';
import { initialSpread, isSettled, type SpreadState, setInForce } from '../spread-state.ts';
import { mayEnd, stepSpread, TICK_MS } from '../step-spread.ts';
import { straysInForce } from '../strays-in-force.ts';

/** Frames that follow each other within this time follow the way of the first, in milliseconds. */
const SEEN_FOR_MS = 15_000;
/** As the deadline of the tables in the kernel. */
const FRESH_FOR_MS = 2_000;
/** After a crash the others find it late, and then lost, so long after it, in milliseconds. */
const LATE_AFTER_MS = 75;
const NOTICED_AFTER_MS = 200;
/** A speaker that was late listens for so long. */
const HEARD_AGAIN_MS = 250;
/** Longest time until a node looks at what a member claims, in milliseconds: a tick. */
const CLAIM_SEEN_WITHIN_MS = TICK_MS;

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
  /** What the speaker knew when it was frozen. */
  frozen?: SpreadState | undefined;
  kernel: 'up' | 'down';
  table: Table;
  /** Until then the tables count. */
  freshUntilMs: number;
  weight: number;
  readonly seen: Map<bigint, { readonly to: number; readonly atMs: number }>;
  /** Connections that began here in rows of which a silent node may have some. */
  readonly mine: Set<bigint>;
  readonly flows: Map<bigint, Connection>;
  /** Committed changes of its sets. */
  readonly commits: { readonly tookMs: number; readonly how: string }[];
}

export interface LanOptions {
  readonly random: () => number;
  /** Share of frames of speakers that are lost. */
  readonly loss: number;
  /** Longest time from a speaker to another, in milliseconds. Default: 2. */
  readonly lateMs?: number;
  readonly serve: SpreadVip['serve'];
  /** Share of clients that do not learn of a move, and go on to send to the owner before. */
  readonly unaware: number;
}

interface Frame {
  readonly one: Connection;
  readonly kind: 'syn' | 'data';
  readonly from: 'client' | 'member';
  /** Whether it has hops left for a second chance. */
  readonly mayBeGivenBack: boolean;
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
      ...{ weight: before?.weight ?? 1, seen: new Map(), mine: new Set(), flows: before?.flows ?? new Map() },
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
    for (const one of this.connections) if (one.server === name && one.state === 'open') one.state = 'died-with-node';
    // No member misses again what was silent before.
    if (node.speaker !== undefined) this.kill(name, heir);
  }

  /** The speaker dies or hangs; its kernel goes on, with the tables that it had until they run out. */
  kill(name: string, heir: string): void {
    const node = this.node(name);
    node.speaker = undefined;
    this.at(LATE_AFTER_MS, () => {
      for (const other of this.nodes.values()) this.give(other, { type: 'late', bootIds: [node.bootId] });
    });
    this.at(NOTICED_AFTER_MS, () => this.#succeed(name, heir));
  }

  /** The process of the speaker stands still. */
  freeze(name: string, heir: string): void {
    const node = this.node(name);
    node.frozen = node.speaker;
    this.kill(name, heir);
  }

  /** It goes on with all that it knew, finds that it hears no one, and a moment later hears all again. */
  thaw(name: string): void {
    const node = this.node(name);
    node.speaker = node.frozen;
    node.frozen = undefined;
    this.#tick(node);
    this.give(node, { type: 'fellows', fellows: [] });
    this.at(HEARD_AGAIN_MS, () => this.#meetAll());
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

  /** No one is known to own what the lost node owned until another one claims it; each finds that claim later. */
  #succeed(name: string, heir: string): void {
    const orphans = [...this.owners].flatMap(([vip, owner]) => (owner === name ? [vip] : []));
    for (const vip of orphans) this.owners.set(vip, heir);
    this.#meetAll(orphans);
    this.at(this.#delayMs(), () => {
      this.tellVips(this.node(heir));
      for (const node of this.nodes.values())
        this.at(this.#options.random() * CLAIM_SEEN_WITHIN_MS, () => this.tellVips(node));
      for (const one of this.connections)
        if (orphans.includes(one.vip) && this.#options.random() >= this.#options.unaware)
          this.at(this.#delayMs(), () => {
            one.entry = heir;
          });
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

  /** `orphans`: VIPs that no one is known to own. */
  tellVips(node: PlayedNode, orphans: readonly string[] = []): void {
    const vips = [...this.owners].map(([vip, owner]): SpreadVip => {
      const bootId = orphans.includes(vip) ? undefined : this.nodes.get(owner)?.bootId;
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
      else if (action.type === 'ask') this.#ask(node, action.id);
      else for (const sections of action.bodies) this.#transmit(node, sections);
    }
  }

  #transmit(node: PlayedNode, sections: Extract<SpreadEvent, { type: 'heard' }>['sections']): void {
    for (const other of this.nodes.values()) {
      if (other.bootId === node.bootId || this.#options.random() < this.#options.loss) continue;
      const lateMs = this.#options.random() * (this.#options.lateMs ?? 2);
      this.at(lateMs, () => this.give(other, { type: 'heard', from: node.bootId, sections }));
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

  #ask(node: PlayedNode, id: number): void {
    const asked = [...this.nodes.values()].find((one) => idOf(one) === id);
    if (asked?.kernel !== 'up' || this.#options.random() < this.#options.loss) return;
    this.at(this.#options.random() * 2, () => this.give(node, { type: 'node-answers', id }));
  }

  /** Where a frame ends up, by the program's rules (docs/design/0041-spread-program.md). */
  #route(one: Connection, kind: 'syn' | 'data'): PlayedNode | undefined {
    return this.#arrive(this.node(one.entry), { one, kind, from: 'client', mayBeGivenBack: true });
  }

  #arrive(node: PlayedNode, frame: Frame): PlayedNode | undefined {
    if (node.kernel === 'down') return undefined;
    const set = node.table.sets.get(frame.one.vip);
    if (node.freshUntilMs < this.nowMs || !set) return node;
    const { fingerprint } = frame.one;
    const self = idOf(node);
    const { target = self, fallback = 0 } = rowIn(set, 'committed', frame.one) ?? {};
    const { target: next, fallback: nextFallback = 0 } = rowIn(set, 'pending', frame.one) ?? {};
    if (frame.from === 'member' && (target !== self || fallback === 0)) {
      return next === self && nextFallback !== 0 ? this.#serveEarly(node, frame, nextFallback) : node;
    }
    const known = this.#knownPlace(node, frame);
    const to = known ?? target;
    // Where the flow of a silent node goes is not where it lives.
    const isSure = known !== undefined || fallback === 0 || frame.kind === 'syn';
    if (next !== undefined && next !== target && isSure) node.seen.set(fingerprint, { to, atMs: this.nowMs });
    if (to === self) return fallback !== 0 && known === undefined ? this.#giveBack(node, frame, fallback) : node;
    const server = [...this.nodes.values()].find((one) => idOf(one) === to);
    if (server === undefined || (frame.from === 'member' && !frame.mayBeGivenBack)) return node;
    const mayBeGivenBack = frame.from === 'client';
    return this.#arrive(server, { ...frame, from: 'member', mayBeGivenBack });
  }

  /** The member that passes on goes by the next set already, in which somebody is silent. */
  #serveEarly(node: PlayedNode, frame: Frame, silent: number): PlayedNode | undefined {
    const known = this.#knownPlace(node, frame);
    if (frame.kind === 'data' && known === idOf(node)) return node;
    return this.#giveBack(node, frame, known ?? silent);
  }

  /** What did not begin at the target may be a silent node's. */
  #giveBack(node: PlayedNode, frame: Frame, fallback: number): PlayedNode | undefined {
    const { fingerprint } = frame.one;
    if (frame.kind === 'syn') node.mine.add(fingerprint);
    if (node.mine.has(fingerprint) || !frame.mayBeGivenBack) return node;
    const silent = [...this.nodes.values()].find((one) => idOf(one) === fallback);
    return silent ? this.#arrive(silent, { ...frame, from: 'member', mayBeGivenBack: false }) : node;
  }

  #knownPlace({ table, seen }: PlayedNode, { one: { fingerprint }, kind }: Frame): number | undefined {
    if (kind === 'syn') {
      table.strays.delete(fingerprint);
      seen.delete(fingerprint);
      return undefined;
    }
    const lately = seen.get(fingerprint);
    const isLately = lately !== undefined && this.nowMs - lately.atMs < SEEN_FOR_MS;
    return table.strays.get(fingerprint) ?? (isLately ? lately.to : undefined);
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

  #meetAll(orphans: readonly string[] = []): void {
    const live = [...this.nodes.values()].filter(({ speaker }) => speaker);
    for (const node of live) {
      const fellows = live
        .filter((other) => other !== node)
        .map(({ bootId, name, mac }) => ({ bootId, node: name, mac }));
      this.give(node, { type: 'fellows', fellows });
      this.tellVips(node, orphans);
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

function rowIn(
  set: SpreadSet,
  which: 'committed' | 'pending',
  one: Connection,
): { readonly target: number | undefined; readonly fallback: number | undefined } | undefined {
  const members = set[which];
  if (members === undefined) return undefined;
  const { targets, fallbacks } = rowsOfMembers(members);
  const by = which === 'pending' ? set.pendingBy : set.by;
  const row = (by === 'client' ? one.clientRow : Number(one.fingerprint & 0xffff_ffffn)) & (targets.length - 1);
  return { target: targets[row] || undefined, fallback: fallbacks[row] };
}

function idOf({ speaker, name, bootId, mac }: PlayedNode): number {
  return (speaker ?? initialSpread({ node: name, bootId, mac })).self.id;
}

function macOf(index: number): MacAddress {
  const mac = MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, index + 1));
  if (!mac) throw new Error('no MAC address');
  return mac;
}
