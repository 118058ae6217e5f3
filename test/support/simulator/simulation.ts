// SPDX-License-Identifier: Apache-2.0

// A segment with speakers, the wishes of a cluster, faults, and the invariants of docs/design/0010-membership-protocol.md that are checked after each event.

import {
  type DesiredVip,
  IpAddress,
  type MembershipAction,
  type Timing,
  type TimingOptions,
  timingOf,
  type VipCandidate,
} from '@berth/core';
import { FakeClock } from './fake-clock.ts';
import { FakeLan } from './fake-lan.ts';
import { type Random, seededRandom } from './random.ts';
import { SimulatedNode } from './simulated-node.ts';

export interface SimulationOptions {
  readonly nodes: number;
  readonly vips: number;
  readonly seed: number;
  readonly timing?: TimingOptions;
  readonly rebalance?: 'off' | 'gradual';
  /** Whether the invariants are checked after each event, which a crowd makes expensive. Default: 'each-event'. */
  readonly checks?: 'each-event' | 'none';
  /** Whether frames pass through the codec. Default: 'objects', which is several times faster. */
  readonly transport?: 'bytes' | 'objects';
}

/** A delivery on a good LAN takes at most 1 ms, a step at most as long again. */
const TRANSIT_MS = 4;

/** Both may answer for this long when a VIP changes hands between nodes that work and hear each other. */
const OVERLAP_MS = 3 * TRANSIT_MS;

/** After this long without a fault of the LAN, faults of processes alone must not make two nodes answer. */
const CALM_LAN_MS = 3000;

export class Simulation {
  readonly clock = new FakeClock();
  readonly lan: FakeLan;
  readonly timing: Timing;
  readonly random: Random;
  readonly nodes: SimulatedNode[];
  readonly violations: string[] = [];
  /** VIPs that the cluster wants, by their text. */
  readonly desired = new Map<string, DesiredVip>();
  /** By VIP: when two nodes began to answer at the same time. */
  readonly #doubleSinceMs = new Map<string, number>();
  /** By node and VIP: the entry in the table that was answered for, and whether it still is. */
  readonly #entries = new Map<string, { readonly sinceMs: number; readonly answered: 'now' | 'before' }>();
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
    const parts = {
      clock: this.clock,
      lan: this.lan,
      random: this.random,
      timing: this.timing,
      rebalance: options.rebalance ?? 'off',
      onAnswer: this.#judgeTakeover.bind(this),
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
    this.clock.runUntil(this.clock.nowMs + forMs, () => {
      if (this.#checks === 'none') return;
      this.#checkDoubles();
      this.#checkSilence();
    });
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

  // Invariant 3, whatever happens to processes: on a LAN without faults nobody shares a VIP for longer than a change of hands.
  #checkDoubles(): void {
    const { nowMs } = this.clock;
    const isCalm = this.lan.isWhole && nowMs - this.lan.lastFaultMs > CALM_LAN_MS;
    for (const vip of this.desired.keys()) {
      const owners = isCalm ? this.answering(vip) : [];
      if (owners.length < 2) this.#doubleSinceMs.delete(vip);
      else this.#judgeDouble(vip, owners);
    }
  }

  #judgeDouble(vip: string, owners: readonly SimulatedNode[]): void {
    const { nowMs } = this.clock;
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
        const key = `${node.name} ${vip}`;
        const before = this.#entries.get(key);
        const isSame = before?.sinceMs === sinceMs;
        const answers = node.answers(vip);
        if (answers && isSame && before.answered === 'before')
          this.#violate(`${key}: answers again after it fell silent`);
        if (answers) this.#entries.set(key, { sinceMs, answered: 'now' });
        else if (isSame) this.#entries.set(key, { sinceMs, answered: 'before' });
      }
    }
  }

  // Invariant 4: nobody takes over from a process that stands still and still answers, unless the LAN failed between the two.
  #judgeTakeover(taker: SimulatedNode, action: Extract<MembershipAction, { type: 'answer' }>): void {
    const { nowMs } = this.clock;
    const vip = String(action.vip);
    const mayOwn = taker.state.desired.get(vip)?.candidates.some(({ node }) => node === taker.name);
    if (mayOwn !== true) this.#violate(`${taker.name} took ${vip} (${action.reason}), which it may not own`);
    if (action.reason === 'handed-over') return;
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

  #violate(what: string): void {
    this.violations.push(`at ${this.clock.nowMs.toFixed(1)} ms: ${what}`);
  }
}

/** The nth address of 203.0.113.0/24 and what follows it. */
export function vipOf(number: number): IpAddress {
  return IpAddress.of('IPv4', 0xcb007100n + BigInt(number));
}
