// SPDX-License-Identifier: Apache-2.0

// A segment with speakers, the wishes of a cluster, faults, and the invariants of
// docs/design/0010-membership-protocol.md that are checked after each event.

import {
  type DesiredVip,
  IpAddress,
  type MembershipAction,
  type Rebalancing,
  type Succession,
  type Timing,
  type TimingOptions,
  timingOf,
  type VipCandidate,
} from '@berth/core';
import { FakeClock } from '@berth/runtime/testing';
import { FakeLan } from './fake-lan.ts';
import { type Random, seededRandom } from './random.ts';
import { SimulatedNode } from './simulated-node.ts';

export interface SimulationOptions {
  readonly nodes: number;
  readonly vips: number;
  readonly seed: number;
  readonly timing?: TimingOptions;
  readonly rebalance?: Rebalancing;
  /** Whether the invariants are checked after each event, which a crowd makes expensive. Default: 'each-event'. */
  readonly checks?: 'each-event' | 'none';
  /** Whether frames pass through the codec. Default: 'objects', which is several times faster. */
  readonly transport?: 'bytes' | 'objects';
  /** Names of hosts that are no nodes and answer when they are asked. Default: a gateway. */
  readonly witnesses?: readonly string[];
  /** Names of hosts that ask for every VIP all the time and never answer. Default: none. */
  readonly clients?: readonly string[];
}

type AnswerAction = Extract<MembershipAction, { type: 'answer' }>;

/** The host beside the nodes that answers when it is asked. */
export const GATEWAY = 'gateway';

/** A delivery on a good LAN takes at most 1 ms, a step at most as long again. */
const TRANSIT_MS = 4;

/** Both may answer for this long when a VIP changes hands between nodes that work and hear each other. */
const OVERLAP_MS = 3 * TRANSIT_MS;

/** After this long without a fault of the LAN, faults of processes alone must not make two nodes answer. */
const CALM_LAN_MS = 3000;

/**
 * What a node owns that was cut off for this long goes to others (docs/design/0012-ask-before-you-take.md, section 5).
 */
const CUT_OFF_LONG_MS = 10_000;

/**
 * Two heartbeats of 25 ms, twice the way of a frame and a step: after it, of two that hear each other one has stopped.
 */
const PAIR_MS = 50 + 3 * TRANSIT_MS;

/** A client asks for each VIP so often: who has an answer asks seldom, who has none once a second. */
const CLIENT_ASKS_MS = 500;

export class Simulation {
  readonly clock = new FakeClock();
  readonly lan: FakeLan;
  readonly timing: Timing;
  readonly random: Random;
  readonly nodes: SimulatedNode[];
  readonly violations: string[] = [];
  /** What nodes tell of each VIP that they begin to answer for, in order. */
  readonly successions: (Partial<Succession> & { readonly vip: string; readonly to: string })[] = [];
  /** VIPs that the cluster wants, by their text. */
  readonly desired = new Map<string, DesiredVip>();
  /** By VIP: when two nodes began to answer at the same time. */
  readonly #doubleSinceMs = new Map<string, number>();
  /** By node and VIP: the entry in the table that was answered for, and whether it still is. */
  readonly #entries = new Map<
    SimulatedNode,
    Map<string, { readonly sinceMs: number; readonly answered: 'now' | 'before' }>
  >();
  /** By VIP and two nodes: since when both have answered for it. */
  readonly #pairSinceMs = new Map<string, number>();
  /** By VIP: when it was last handed over on purpose. */
  readonly #handedMs = new Map<string, number>();
  /** By node and VIP: when it began to answer, if no one else did. */
  readonly #soleMs = new Map<string, number>();
  /** By node and VIP: who answered for it when it was taken, and could not be asked. */
  readonly #unreached = new Map<string, ReadonlySet<SimulatedNode>>();
  /** By node and VIP: when it was last in company as its owner. */
  readonly #stoodMs = new Map<string, number>();
  readonly #checks: 'each-event' | 'none';
  readonly #excluded = new Map<string, Set<string>>();
  /** Speakers that the API server does not reach. */
  readonly #cutOff = new Set<string>();

  readonly #everybody: VipCandidate[];

  constructor(options: SimulationOptions) {
    const timing = timingOf(options.timing);
    if (!timing.ok) throw new Error(`simulator: timing: ${timing.problems.join('; ')}`);
    this.timing = timing.timing;
    this.random = seededRandom(options.seed);
    this.#checks = options.checks ?? 'each-event';
    this.lan = new FakeLan(this.clock, this.random, options.transport ?? 'objects');
    for (const witness of options.witnesses ?? [GATEWAY]) this.lan.addWitness(witness);
    for (const client of options.clients ?? []) this.#startClient(client);
    const parts = {
      clock: this.clock,
      lan: this.lan,
      random: this.random,
      timing: this.timing,
      rebalance: options.rebalance ?? 'off',
      onAnswer: (node: SimulatedNode, action: AnswerAction) => {
        this.successions.push({ vip: String(action.vip), to: node.name, ...action.after });
        this.#judgeTakeover(node, action);
      },
      onStop: this.#judgeStop.bind(this),
    };
    this.nodes = Array.from(
      { length: options.nodes },
      (_, index) => new SimulatedNode(`edge-${index + 1}`, index, parts),
    );
    this.#everybody = this.nodes.map(({ name }) => ({ node: name, standing: 'eligible', score: 0 }));
    for (let number = 0; number < options.vips; number++) this.want(vipOf(number));
  }

  node(index: number): SimulatedNode {
    const node = this.nodes[index % this.nodes.length];
    if (node === undefined) throw new Error(`simulator: node ${index}: not found`);
    return node;
  }

  /** Starts all nodes, each a little later than the one before. */
  startAll(apartMs = 2): void {
    this.publish();
    for (const [index, node] of this.nodes.entries()) this.clock.after(index * apartMs, () => node.start());
  }

  want(vip: IpAddress): void {
    this.desired.set(String(vip), { vip, candidates: this.#candidatesOf(String(vip)) });
  }

  unwant(vip: IpAddress): void {
    this.desired.delete(String(vip));
  }

  /** Whether a node may own a VIP; undefined names all VIPs. */
  allow(node: string, vip: string, may: 'own' | 'not-own'): void {
    const excluded = this.#excluded.get(vip) ?? new Set();
    if (may === 'own') excluded.delete(node);
    else excluded.add(node);
    this.#excluded.set(vip, excluded);
    const wanted = this.desired.get(vip);
    if (wanted) this.want(wanted.vip);
  }

  cutOffApi(node: string, reach: 'cut' | 'restored'): void {
    if (reach === 'cut') this.#cutOff.add(node);
    else this.#cutOff.delete(node);
  }

  /** Tells every speaker that the API server reaches what the cluster wants, at slightly different times. */
  publish(): void {
    const vips = [...this.desired.values()];
    for (const node of this.nodes)
      if (!this.#cutOff.has(node.name))
        this.clock.after(this.random() * TRANSIT_MS, () => node.give({ type: 'desired', vips }));
  }

  /** Lets time pass, with all invariants checked that hold at any time. */
  run(forMs: number): void {
    this.clock.runUntil(this.clock.now() + forMs, () => {
      if (this.#checks === 'none') return;
      this.#checkDoubles();
      this.#checkSilence();
    });
  }

  #startClient(name: string): void {
    this.lan.addClient(name);
    const ask = () => {
      for (const vip of this.desired.keys()) this.lan.demand(name, vip);
      this.clock.after(CLIENT_ASKS_MS, ask);
    };
    this.clock.after(this.random() * CLIENT_ASKS_MS, ask);
  }

  answering(vip: string): SimulatedNode[] {
    return this.nodes.filter((node) => node.answers(vip));
  }

  ownersOf(vip: string): string[] {
    return this.answering(vip).map((node) => node.name);
  }

  loads(): number[] {
    return this.nodes.map((node) => [...this.desired.keys()].filter((vip) => node.answers(vip)).length);
  }

  /** VIPs with the wrong number of answering nodes: not one although a candidate runs, or any although none does. */
  unsettled(): string[] {
    const running = new Set(this.nodes.filter((node) => node.condition === 'running').map((node) => node.name));
    return [...this.desired].flatMap(([vip, { candidates }]) => {
      const expected = candidates.some(({ node }) => running.has(node)) ? 1 : 0;
      const found = this.ownersOf(vip);
      return found.length === expected ? [] : [`${vip}: want ${expected}, found ${found.join(', ') || 'none'}`];
    });
  }

  /** VIPs that more than one node answers for. */
  doubles(): string[] {
    return [...this.desired.keys()].filter((vip) => this.answering(vip).length > 1);
  }

  #candidatesOf(vip: string): VipCandidate[] {
    const excluded = this.#excluded.get(vip);
    // Many VIPs share one array, as they do in a cluster.
    if (!excluded?.size) return this.#everybody;
    return this.nodes
      .filter(({ name }) => !excluded?.has(name))
      .map(({ name }) => ({ node: name, standing: 'eligible', score: 0 }));
  }

  // Invariant 3, whatever happens to processes: on a LAN without faults no one shares a VIP for longer than a change of
  // hands.
  #checkDoubles(): void {
    const nowMs = this.clock.now();
    const isCalm = this.lan.isWhole && nowMs - this.lan.lastFaultMs > CALM_LAN_MS;
    for (const vip of this.desired.keys()) {
      const answering = this.answering(vip);
      if (answering.length < 2 && this.#pairSinceMs.size === 0 && this.#doubleSinceMs.size === 0) continue;
      if (answering.length > 1) this.#judgePairs(vip, answering);
      else for (const key of this.#pairSinceMs.keys()) if (key.startsWith(`${vip} `)) this.#pairSinceMs.delete(key);
      const owners = isCalm ? answering : [];
      if (owners.length < 2) this.#doubleSinceMs.delete(vip);
      else this.#judgeDouble(vip, owners);
    }
  }

  #judgeDouble(vip: string, owners: readonly SimulatedNode[]): void {
    const nowMs = this.clock.now();
    const sinceMs = this.#doubleSinceMs.get(vip) ?? nowMs;
    this.#doubleSinceMs.set(vip, sinceMs);
    // Who halts in the very moment of a change of hands is stopped by its fence.
    const isHung = owners.some((node) => node.condition === 'hung');
    const isPaused = owners.some((node) => node.condition === 'paused');
    const { processFenceMs, answerFenceMs } = this.timing;
    const fenceMs = isHung ? processFenceMs + answerFenceMs : isPaused ? answerFenceMs : 0;
    if (nowMs - sinceMs <= OVERLAP_MS + fenceMs) return;
    this.#violate(`${vip} is answered by ${owners.map((node) => `${node.name} (${node.condition})`).join(' and ')}`);
    this.#doubleSinceMs.set(vip, Number.POSITIVE_INFINITY);
  }

  // Invariant 4: who fell silent by its fence answers again only for what it has taken anew.
  #checkSilence(): void {
    for (const node of this.nodes) {
      for (const [vip, sinceMs] of node.table) {
        const entries = this.#entries.get(node) ?? new Map();
        this.#entries.set(node, entries);
        const before = entries.get(vip);
        const isSame = before?.sinceMs === sinceMs;
        const answers = node.answers(vip);
        if (isSame && answers === (before.answered === 'now')) continue;
        if (answers && isSame) this.#violate(`${node.name} ${vip}: answers again after it fell silent`);
        if (answers) entries.set(vip, { sinceMs, answered: 'now' });
        else if (isSame) entries.set(vip, { sinceMs, answered: 'before' });
      }
    }
  }

  // Invariant 4: no one takes over from a process that stands still and still answers, unless the LAN failed between
  // the two.
  #judgeTakeover(taker: SimulatedNode, action: AnswerAction): void {
    const nowMs = this.clock.now();
    const vip = String(action.vip);
    const mayOwn = taker.state.desired.get(vip)?.candidates.some(({ node }) => node === taker.name);
    if (mayOwn !== true) this.#violate(`${taker.name} took ${vip} (${action.reason}), which it may not own`);
    this.#soleMs.delete(`${taker.name} ${vip}`);
    if (action.reason === 'handed-over' || !this.nodes.some((node) => node !== taker && node.answers(vip)))
      this.#soleMs.set(`${taker.name} ${vip}`, nowMs);
    const isUnreached = (node: SimulatedNode) => node.answers(vip) && this.lan.reachableMs(node.name, taker.name) === 0;
    this.#unreached.set(`${taker.name} ${vip}`, new Set(this.nodes.filter(isUnreached)));
    this.#stoodMs.delete(`${taker.name} ${vip}`);
    this.#noteStanding(taker, vip);
    if (action.reason === 'handed-over') this.#handedMs.set(vip, nowMs);
    if (action.reason === 'handed-over') return;
    this.#judgeAsking(taker, action);
    for (const node of this.nodes) {
      if (node === taker || (node.condition !== 'hung' && node.condition !== 'paused') || !node.answers(vip)) continue;
      const heldMs = node.conditionSinceMs - (node.table.get(vip) ?? nowMs);
      // On the way there too: who is not heard cannot ask for the lists that it lacks.
      const links = [`${node.name}>${taker.name}`, `${taker.name}>${node.name}`];
      const failedMs = Math.max(...links.map((link) => this.lan.failedMs.get(link) ?? Number.NEGATIVE_INFINITY));
      if (heldMs < OVERLAP_MS || nowMs - failedMs < CALM_LAN_MS) continue;
      this.#violate(`${taker.name} took ${vip} (${action.reason}) while ${node.name} (${node.condition}) answered`);
    }
  }

  // No one takes a VIP that is answered by a node that it can reach: it asks first.
  #judgeAsking(taker: SimulatedNode, { vip, reason }: AnswerAction): void {
    const key = String(vip);
    for (const node of this.nodes) {
      if (node === taker || !node.answers(key)) continue;
      const heldMs = this.clock.now() - (node.table.get(key) ?? this.clock.now());
      const calmMs = Math.min(
        heldMs,
        this.lan.reachableMs(node.name, taker.name),
        this.#atWorkMs(node),
        this.#atWorkMs(taker),
      );
      if (calmMs > CALM_LAN_MS) this.#violate(`${taker.name} took ${key} (${reason}), for which ${node.name} answered`);
    }
  }

  // A VIP whose owner took it when no one else answered for it, and is heard by most, stays where it is.
  #judgeStop(owner: SimulatedNode, { vip, reason }: Extract<MembershipAction, { type: 'stop' }>): void {
    const key = `${owner.name} ${vip}`;
    const soleMs = this.#soleMs.get(key);
    // Beside older speakers the higher term wins, as it did.
    if (this.lan.old.size > 0) return;
    if (reason !== 'better-claim' || soleMs === undefined || !owner.answers(String(vip))) return;
    // Whoever does not hear the owner can never yield: there the owner has to.
    const rivals = this.answering(String(vip)).filter((node) => node !== owner);
    if (rivals.some((node) => !this.lan.hears(node.name, owner.name))) return;
    if (this.clock.now() - (this.#handedMs.get(String(vip)) ?? Number.NEGATIVE_INFINITY) < PAIR_MS) return;
    const heldMs = Math.min(this.clock.now() - soleMs, this.#atWorkMs(owner));
    // Who has just stopped, since it leaves, was a rival all the same when the owner heard its claim.
    const left = this.nodes.filter(
      (node) => node !== owner && !rivals.includes(node) && this.#hasJustStopped(node, String(vip)),
    );
    if ([...rivals, ...left].some((rival) => this.#isEqual(owner, rival, String(vip)))) return;
    if (this.#isHeardByMost(owner) && heldMs > CALM_LAN_MS)
      this.#violate(`${owner.name} lost ${vip}, which it had all the time`);
  }

  #hasJustStopped(node: SimulatedNode, vip: string): boolean {
    return this.clock.now() - (node.stoppedMs.get(vip) ?? Number.NEGATIVE_INFINITY) <= PAIR_MS;
  }

  /**
   * Whether a rival has as good a right as the owner: no frame of any kind passed between the two when it took the VIP,
   * and most nodes reached it then, or later, for as long, with heartbeats or without. No node knows of both who was
   * first, and one of the two has to yield. A fault since then takes no right from an owner before it was cut off for
   * long.
   */
  #isEqual(owner: SimulatedNode, rival: SimulatedNode, vip: string): boolean {
    this.#noteStanding(rival, vip);
    const key = `${rival.name} ${vip}`;
    const stoodMs = this.#stoodMs.get(key) ?? Number.NEGATIVE_INFINITY;
    return this.#unreached.get(key)?.has(owner) === true && this.clock.now() - stoodMs < CUT_OFF_LONG_MS;
  }

  // Whom most nodes have reached once since it took the VIP is in company for as long as a witness answers it, too.
  #noteStanding(node: SimulatedNode, vip: string): void {
    const key = `${node.name} ${vip}`;
    const isWitnessed = this.#stoodMs.has(key) && this.lan.reachesWitness(node.name);
    if (isWitnessed || this.#isReachedByMost(node)) this.#stoodMs.set(key, this.clock.now());
  }

  #isHeardByMost(node: SimulatedNode): boolean {
    const isSound = (one: SimulatedNode) =>
      Math.min(this.lan.soundMs(node.name, one.name), this.#atWorkMs(one)) > CALM_LAN_MS;
    return this.#isMost(node, isSound);
  }

  // The kernel of a node that stands still asks and answers on.
  #isReachedByMost(node: SimulatedNode): boolean {
    return this.#isMost(node, (one) => this.lan.reachedMs(node.name, one.name) > CALM_LAN_MS);
  }

  #isMost(node: SimulatedNode, isNear: (other: SimulatedNode) => boolean): boolean {
    const near = this.nodes.filter((one) => one !== node && isNear(one));
    return (near.length + 1) * 2 > this.nodes.length;
  }

  #atWorkMs(node: SimulatedNode): number {
    return node.condition === 'running' && node.segment === 'joined' ? this.clock.now() - node.conditionSinceMs : 0;
  }

  // Never two answers among nodes that hear each other for longer than two heartbeats, whatever happens to the others.
  #judgePairs(vip: string, owners: readonly SimulatedNode[]): void {
    const names = new Set(owners.map(({ name }) => name));
    for (const key of this.#pairSinceMs.keys()) {
      if (!key.startsWith(`${vip} `)) continue;
      const [, a = '', b = ''] = key.split(' ');
      if (!(names.has(a) && names.has(b))) this.#pairSinceMs.delete(key);
    }
    for (const owner of owners) this.#noteStanding(owner, vip);
    for (const [index, a] of owners.entries())
      for (const b of owners.slice(index + 1)) {
        const key = `${vip} ${a.name} ${b.name}`;
        const sinceMs = this.#pairSinceMs.get(key) ?? this.clock.now();
        this.#pairSinceMs.set(key, sinceMs);
        const isHanding = a.state.handOvers.has(vip) || b.state.handOvers.has(vip);
        const soundMs = Math.min(this.lan.soundMs(a.name, b.name), this.#atWorkMs(a), this.#atWorkMs(b));
        if (isHanding || Math.min(soundMs, this.clock.now() - sinceMs) <= PAIR_MS) continue;
        this.#violate(`${vip} is answered by ${a.name} and ${b.name}, which hear each other`);
        this.#pairSinceMs.set(key, Number.POSITIVE_INFINITY);
      }
  }

  #violate(what: string): void {
    this.violations.push(`at ${this.clock.now().toFixed(1)} ms: ${what}`);
  }
}

/** The nth address of 203.0.113.0/24 and what follows it. */
export function vipOf(number: number): IpAddress {
  return IpAddress.of('IPv4', 0xcb007100n + BigInt(number));
}
