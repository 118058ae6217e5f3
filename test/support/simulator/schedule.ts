// SPDX-License-Identifier: Apache-2.0

// Random schedules of faults, and what must hold while they happen and after all has healed.

import type { Rebalancing } from '@berth/core';
import fc from 'fast-check';
import type { Frames } from './fake-lan.ts';
import type { SimulatedNode } from './simulated-node.ts';
import { Simulation, vipOf } from './simulation.ts';

/** One thing that goes wrong, or right again. Numbers of nodes and VIPs wrap round. */
export type Fault =
  | { readonly kind: 'halt'; readonly how: 'hung' | 'paused'; readonly node: number; readonly forMs: number }
  | { readonly kind: 'kill' | 'leave'; readonly node: number; readonly forMs: number }
  | { readonly kind: 'jump'; readonly node: number; readonly aheadMs: number }
  | { readonly kind: 'link'; readonly node: number; readonly forMs: number }
  | { readonly kind: 'partition'; readonly sides: number }
  /** A node is cut off, or its heartbeats alone are withheld, for a while and with its cable in. */
  | { readonly kind: 'blip'; readonly node: number; readonly forMs: number; readonly frames: Frames }
  | { readonly kind: 'filter'; readonly from: number; readonly to: number; readonly way: 'one' | 'both' | 'all' }
  /** Everybody stands still at about the same time. */
  | { readonly kind: 'stand-still'; readonly forMs: number }
  | { readonly kind: 'one-way' | 'cut'; readonly from: number; readonly to: number }
  | { readonly kind: 'loss' | 'duplicates'; readonly share: number }
  | { readonly kind: 'delay'; readonly mostMs: number }
  | { readonly kind: 'heal' }
  | { readonly kind: 'want' | 'unwant'; readonly vip: number }
  | { readonly kind: 'allow'; readonly node: number; readonly vip: number; readonly may: 'own' | 'not-own' }
  | { readonly kind: 'move'; readonly node: number; readonly vip: number }
  | { readonly kind: 'api'; readonly node: number; readonly reach: 'cut' | 'restored' }
  | { readonly kind: 'fitness'; readonly node: number; readonly fitness: 'fit' | 'unfit' }
  | { readonly kind: 'rebalance' }
  | { readonly kind: 'moves'; readonly node: number; readonly keepConnections: boolean };

export interface Schedule {
  readonly seed: number;
  readonly nodes: number;
  readonly vips: number;
  readonly rebalance: Rebalancing;
  /** Hosts that answer when they are asked. Default: 1. */
  readonly witnesses?: number;
  /** Hosts that ask for VIPs and do not answer. Default: none. */
  readonly clients?: number;
  /** Nodes, by the bits of this number, that speak minor version 1. Default: none. */
  readonly old?: number;
  /** How long the segment is calm before the first fault. Default: 500 ms. */
  readonly calmMs?: number;
  readonly steps: readonly { readonly afterMs: number; readonly fault: Fault }[];
}

/** Two heartbeats of 25 ms, and what a frame and a step take. */
const TWO_HEARTBEATS_MS = 50 + 10;

/** Enough for every hand that is still out: listening, patience of all in order, hand-overs. */
const SETTLE_MS = 4000;

const node = fc.nat(7);
const vip = fc.nat(11);
const forMs = fc.integer({ min: 1, max: 1200 });

const fault: fc.Arbitrary<Fault> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('halt'), how: fc.constantFrom('hung', 'paused'), node, forMs }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('kill', 'leave'), node, forMs }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('jump'), node, aheadMs: fc.integer({ min: 1, max: 90_000 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('link'), node, forMs }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('partition'), sides: fc.nat(1023) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      ...{ kind: fc.constant('blip'), node, forMs: fc.integer({ min: 50, max: 4000 }) },
      frames: fc.constantFrom('all', 'all', 'heartbeats'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      ...{ kind: fc.constant('filter'), from: node, to: node },
      way: fc.constantFrom('one', 'both', 'all'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stand-still'), forMs }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('one-way', 'cut'), from: node, to: node }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('loss', 'duplicates'),
      share: fc.double({ min: 0, max: 0.4, noNaN: true }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delay'), mostMs: fc.integer({ min: 2, max: 300 }) }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'heal' }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('want', 'unwant'), vip }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('allow'), node, vip, may: fc.constantFrom('own', 'not-own') }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('move'), node, vip }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('api'), node, reach: fc.constantFrom('cut', 'restored') }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('fitness'), node, fitness: fc.constantFrom('fit', 'unfit') }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'rebalance' }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('moves'), node, keepConnections: fc.boolean() }) },
) as fc.Arbitrary<Fault>;

export const schedules: fc.Arbitrary<Schedule> = fc.record({
  seed: fc.nat(),
  nodes: fc.integer({ min: 1, max: 6 }),
  vips: fc.integer({ min: 1, max: 8 }),
  rebalance: fc.constantFrom('off', 'unbroken', 'gradual'),
  witnesses: fc.nat(2),
  clients: fc.nat(2),
  old: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(63) }),
  calmMs: fc.constantFrom(500, 500, 4000),
  steps: fc.array(
    fc.record({
      afterMs: fc.oneof(
        { weight: 4, arbitrary: fc.nat(500) },
        { weight: 1, arbitrary: fc.integer({ min: 500, max: 4000 }) },
      ),
      fault,
    }),
    { maxLength: 12 },
  ),
});

/**
 * Plays a schedule, heals everything and lets it settle. The violations that were found; none is the hoped-for answer.
 */
export function play(schedule: Schedule): string[] {
  const { witnesses = 1, clients = 0, old = 0, calmMs = 500 } = schedule;
  const named = (letter: string, count: number) => Array.from({ length: count }, (_, index) => `${letter}-${index}`);
  const hosts = { witnesses: named('w', witnesses), clients: named('c', clients) };
  const simulation = new Simulation({ ...schedule, ...hosts });
  for (const [index, one] of simulation.nodes.entries()) if ((old >> index) & 1) simulation.lan.old.add(one.name);
  simulation.startAll();
  simulation.run(calmMs);
  for (const { afterMs, fault: what } of schedule.steps) {
    simulation.run(afterMs);
    apply(simulation, what);
  }
  repair(simulation);
  settle(simulation, schedule);
  const late = simulation.unsettled().map((what) => `not settled: ${what}`);
  const before = [...simulation.desired.keys()].map((one) => simulation.ownersOf(one));
  simulation.run(500);
  const after = [...simulation.desired.keys()].map((one) => simulation.ownersOf(one));
  const mayMove = schedule.rebalance !== 'off' || schedule.steps.some(({ fault: what }) => what.kind === 'rebalance');
  const restless = !mayMove && String(before) !== String(after) ? ['owners change for no reason'] : [];
  return [...simulation.violations, ...late, ...restless];
}

/**
 * Where no one starts later, a segment that has settled need not be watched for the whole time. Older speakers cannot
 * say that they are unsteady, so nodes disagree whose turn it is, and a new VIP may wait for each of them in turn: five
 * times patience.
 */
function settle(simulation: Simulation, { steps, old = 0, nodes }: Schedule): void {
  const atMostMs = SETTLE_MS + (old > 0 ? nodes * 5 * simulation.timing.patienceMs : 0);
  const isRestarting = steps.some(
    ({ fault: { kind } }) => kind === 'kill' || kind === 'leave' || kind === 'stand-still',
  );
  for (let passedMs = 0; passedMs < atMostMs; passedMs += 500) {
    if ((!isRestarting || passedMs >= SETTLE_MS) && passedMs >= 1000 && simulation.unsettled().length === 0) return;
    simulation.run(500);
  }
}

/** Heals the LAN and checks what must hold two heartbeats later: of those that work, one at most answers. */
function healAndCheck(simulation: Simulation): void {
  const healedMs = simulation.clock.now();
  simulation.lan.heal();
  simulation.run(TWO_HEARTBEATS_MS);
  for (const one of simulation.doubles()) {
    // Who decides nothing meanwhile cannot yield; its process fence ends that.
    const isAtWork = (node: SimulatedNode) => node.condition === 'running' && node.conditionSinceMs <= healedMs;
    const owners = simulation.answering(one).filter(isAtWork);
    // Who hands a VIP over goes on answering until it hears the taker, as it should.
    if (owners.some(({ state }) => state.handOvers.has(one))) continue;
    if (owners.length > 1)
      simulation.violations.push(
        `two heartbeats after healing ${owners.map(({ name }) => name).join(' and ')} answer ${one}`,
      );
  }
}

function repair(simulation: Simulation): void {
  healAndCheck(simulation);
  for (const one of simulation.nodes) {
    one.resume();
    one.rejoinSegment();
    simulation.cutOffApi(one.name, 'restored');
  }
  simulation.publish();
}

function apply(simulation: Simulation, what: Fault): void {
  const names = simulation.nodes.map(({ name }) => name);
  switch (what.kind) {
    case 'halt': {
      const halted = simulation.node(what.node);
      halted.halt(what.how);
      simulation.clock.after(what.forMs, () => halted.resume());
      break;
    }
    case 'kill':
    case 'leave':
      stop(simulation, what);
      break;
    case 'jump':
      simulation.node(what.node).jump(what.aheadMs);
      break;
    case 'link':
      pullCable(simulation, what);
      break;
    case 'partition':
      // The bits above those of the nodes are those of the witnesses and clients.
      simulation.lan.partition(
        [0, 1].map((side) => [
          ...names.filter((_, index) => ((what.sides >> index) & 1) === side),
          ...['w-0', 'w-1', 'c-0', 'c-1'].filter((_, index) => ((what.sides >> (6 + index)) & 1) === side),
        ]),
      );
      break;
    case 'blip':
      simulation.lan.isolate(simulation.node(what.node).name, what.frames);
      simulation.clock.after(what.forMs, () => simulation.lan.rejoin(simulation.node(what.node).name));
      break;
    case 'filter':
      filter(simulation, what);
      break;
    case 'stand-still':
      for (const one of simulation.nodes) {
        simulation.clock.after(simulation.random() * 100, () => one.halt('paused'));
        simulation.clock.after(100 + what.forMs, () => one.resume());
      }
      break;
    case 'one-way':
    case 'cut':
      cut(simulation, what);
      break;
    case 'loss':
      simulation.lan.quality = { ...simulation.lan.quality, loss: what.share };
      break;
    case 'duplicates':
      simulation.lan.quality = { ...simulation.lan.quality, duplicates: what.share };
      break;
    case 'delay':
      simulation.lan.quality = { ...simulation.lan.quality, delayMs: [0, what.mostMs] };
      break;
    case 'heal':
      healAndCheck(simulation);
      break;
    default:
      applyWish(simulation, what);
  }
}

type Wish = Extract<Fault, { kind: 'want' | 'unwant' | 'allow' | 'move' | 'api' | 'fitness' | 'moves' | 'rebalance' }>;

function applyWish(simulation: Simulation, what: Wish): void {
  switch (what.kind) {
    case 'want':
      simulation.want(vipOf(what.vip));
      break;
    case 'unwant':
      simulation.unwant(vipOf(what.vip));
      break;
    case 'allow':
      simulation.allow(simulation.node(what.node).name, String(vipOf(what.vip)), what.may);
      break;
    case 'api':
      simulation.cutOffApi(simulation.node(what.node).name, what.reach);
      break;
    case 'move':
      for (const one of simulation.nodes)
        one.give({ type: 'move', vip: vipOf(what.vip), node: simulation.node(what.node).name });
      return;
    case 'fitness':
      simulation.node(what.node).give({ type: 'fitness', fitness: what.fitness });
      return;
    case 'moves':
      simulation.node(what.node).keepConnections(what.keepConnections);
      return;
    case 'rebalance':
      for (const one of simulation.nodes) one.give({ type: 'rebalance' });
      return;
  }
  simulation.publish();
}

function stop(simulation: Simulation, what: Extract<Fault, { kind: 'kill' | 'leave' }>): void {
  const stopped = simulation.node(what.node);
  if (stopped.condition === 'off') return;
  if (what.kind === 'kill') stopped.kill();
  else stopped.give({ type: 'leave' });
  // A process that was asked to end and did not in time is killed, as a kubelet does.
  simulation.clock.after(what.forMs + 2500, () => {
    if (stopped.condition === 'running' && stopped.state.phase !== 'leaving' && stopped.state.phase !== 'gone') return;
    stopped.kill();
    stopped.start();
  });
}

function pullCable(simulation: Simulation, what: Extract<Fault, { kind: 'link' }>): void {
  const pulled = simulation.node(what.node);
  simulation.lan.isolate(pulled.name);
  pulled.leaveSegment();
  simulation.clock.after(what.forMs, () => {
    simulation.lan.rejoin(pulled.name);
    pulled.rejoinSegment();
  });
}

function filter(simulation: Simulation, what: Extract<Fault, { kind: 'filter' }>): void {
  const { lan, nodes } = simulation;
  const [from, to] = [simulation.node(what.from).name, simulation.node(what.to).name];
  if (what.way === 'all') for (const one of nodes) lan.isolate(one.name, 'heartbeats');
  else if (from !== to) {
    lan.cut(from, to, 'heartbeats');
    if (what.way === 'both') lan.cut(to, from, 'heartbeats');
  }
}

function cut(simulation: Simulation, what: Extract<Fault, { kind: 'one-way' | 'cut' }>): void {
  const [from, to] = [simulation.node(what.from).name, simulation.node(what.to).name];
  if (from === to) return;
  simulation.lan.cut(from, to);
  if (what.kind === 'cut') simulation.lan.cut(to, from);
}
