// SPDX-License-Identifier: Apache-2.0

// Many Services that wait for an address at once, until all of them have it, against a bare loop of as many status
// patches.
//
// All Services exist before the clock starts: ours, which wait because there is no pool yet, and as many of a foreign
// class. The clock of ours starts when the ConfigMap with the pool is sent; in that time the controller reads the pool,
// decides, writes the ledger and patches each Service. The yardstick patches the foreign ones on as many connections as
// the controller has, with patches that change as much (finalizer, annotation, address, condition): one half before and
// one half after, so that neither side gains when the machine grows slower or faster. Events are written while ours is
// measured, and are still being written in the second half of the yardstick, for many minutes; no one waits for them.
// Both clocks stop when the same kind of watch has shown the last address; the same kube-proxies and speakers hear of
// both. The API server's audit log records the controller's calls and not the loop's, which is a small handicap for
// ours. A larger one are the three speakers, which begin to serve what is given while the rest still waits, on the two
// cores that controller, API server and etcd have; the scenarios `-alone` are without them.
//
// `5000-one-by-one` is no burst: see one-by-one.ts.

import { type ConfigMap, configMaps, type KubeClient, type NewObject, type Service, services } from '@berth/kube';
import { poolsConfigMap } from '../test/support/workload.ts';
import { onBenchLab } from './berth-lab.ts';
import { timeAddresses } from './burst/address-times.ts';
import { FOREIGN_CLASS, POOL } from './burst/cluster.ts';
import { figuresOfStreams, measureStream } from './burst/one-by-one.ts';
import { createMany, forEach, NAMESPACE, namesOf, persistently, quietEvents } from './many-services.ts';
import { type BenchOptions, type BenchReport, type Figure, figure, scenarioNamed, thisMachine } from './report.ts';

interface Scenario {
  readonly count: number;
  readonly speakers: 'running' | 'absent';
  /** Share of the yardstick that is wanted. */
  readonly wanted: number;
}

const ONE_BY_ONE = '5000-one-by-one';

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  '1000': { count: 1000, speakers: 'running', wanted: 0.7 },
  '5000': { count: 5000, speakers: 'running', wanted: 0.6 },
  '1000-alone': { count: 1000, speakers: 'absent', wanted: 0.8 },
  '5000-alone': { count: 5000, speakers: 'absent', wanted: 0.8 },
  [ONE_BY_ONE]: { count: 5000, speakers: 'absent', wanted: 0.9 },
};
const DEFAULT_SCENARIO = '1000';
/** Connections of the bare loop; the controller patches on as many. */
const CONNECTIONS = 8;

/** Milliseconds from the start until each Service was done. */
interface Round {
  readonly assigned: readonly number[];
  readonly firstHalf: readonly number[];
  readonly secondHalf: readonly number[];
}

/**
 * Scenarios: `1000` (default) and `5000` Services; `1000-alone` and `5000-alone` without speakers; `5000-one-by-one`.
 * Each round has a lab of its own.
 */
export async function run(options: BenchOptions): Promise<BenchReport> {
  const name = options.scenario ?? DEFAULT_SCENARIO;
  const { count, speakers, wanted } = scenarioNamed(SCENARIOS, name);
  const lab = { kubeProxy: 'stopped', speakers, progress: options.progress } as const;
  const scenario = `${count} Services${speakers === 'absent' ? ', controller alone' : ''}`;
  const head = { bench: 'burst', machine: thisMachine() };
  if (name === ONE_BY_ONE) {
    const streams = await inRounds(options, () =>
      onBenchLab(lab, ({ client }) => measureStream(client, count, options)),
    );
    const figures = figuresOfStreams(streams, wanted);
    return { ...head, scenario: `${scenario}, one by one`, rounds: streams.length, figures };
  }
  const rounds = await inRounds(options, () => onBenchLab(lab, ({ client }) => measureBurst(client, count, options)));
  return { ...head, scenario, rounds: rounds.length, figures: figuresOf(rounds, wanted) };
}

async function inRounds<T>({ rounds = 1 }: BenchOptions, measure: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  while (results.length < rounds) results.push(await measure());
  return results;
}

export function figuresOf(rounds: readonly Round[], wanted: number): Figure[] {
  return [
    figure({
      name: 'Services given an address',
      unit: '1/s',
      samples: rounds.map(({ assigned }) => rate(assigned)),
      worstIs: 'small',
      yardstick: {
        name: 'bare status patches',
        samples: rounds.map(({ firstHalf, secondHalf }) => rate(inARow(firstHalf, secondHalf))),
      },
      target: { on: 'ratio', atLeast: wanted },
    }),
    figure({
      name: 'pool sent, to address in the status',
      unit: 'ms',
      samples: rounds.flatMap(({ assigned }) => assigned),
      yardstick: {
        name: 'loop begun, to address in the status',
        samples: rounds.flatMap(({ firstHalf, secondHalf }) => inARow(firstHalf, secondHalf)),
      },
    }),
  ];
}

/** One round on a cluster that has no pools yet. */
export async function measureBurst(client: KubeClient, count: number, { progress }: Pick<BenchOptions, 'progress'>) {
  const foreign = namesOf('foreign', count);
  progress(`creating ${count} Services of ours and ${count} of a foreign class`);
  await createMany(client, namesOf('ours', count));
  await createMany(client, foreign, { loadBalancerClass: FOREIGN_CLASS });
  await quietEvents(client);
  progress('bare loop, first half');
  const firstHalf = await patchAll(client, foreign.slice(0, count / 2));
  progress('pool sent');
  const assigned = await assignAll(client, count);
  progress(`all have an address after ${Math.max(...assigned).toFixed(0)} ms; bare loop, second half`);
  const secondHalf = await patchAll(client, foreign.slice(count / 2));
  return { firstHalf, assigned, secondHalf };
}

/** Sends the pool; returns when a watch showed each Service's address. */
function assignAll(client: KubeClient, count: number): Promise<number[]> {
  const pool = poolsConfigMap([POOL]) as NewObject<ConfigMap>;
  return timeAddresses(client, count, () => client.create(configMaps, pool));
}

/** Patches Services as the controller would, and nothing else; returns when a watch showed each patch. */
function patchAll(client: KubeClient, names: readonly string[]): Promise<number[]> {
  return timeAddresses(client, names.length, () =>
    forEach([...names.entries()], CONNECTIONS, ([index, name]) => {
      const patch = { type: 'merge', body: barePatch(index) } as const;
      const at = { namespace: NAMESPACE, name };
      return persistently(() => client.patch(services, at, patch, { subresource: 'status' }));
    }),
  );
}

// Berth's own names would make the controller clean up behind us.
function barePatch(index: number): Pick<Service, 'status'> & { metadata: object } {
  const ip = `198.18.${index >> 8}.${index & 255}`;
  const condition = {
    type: 'example.com/AddressAssigned',
    status: 'True',
    reason: 'Assigned',
    message: `${ip} from pool lan`,
    lastTransitionTime: new Date().toISOString(),
  } as const;
  return {
    metadata: { finalizers: ['example.com/cleanup'], annotations: { 'example.com/ip-allocated-from-pool': 'lan' } },
    status: { loadBalancer: { ingress: [{ ip, ipMode: 'VIP' }] }, conditions: [condition] },
  };
}

/** As if the second had begun when the first was over. */
function inARow(first: readonly number[], second: readonly number[]): number[] {
  const shiftMs = Math.max(...first);
  return [...first, ...second.map((ms) => ms + shiftMs)];
}

function rate(doneMs: readonly number[]): number {
  return doneMs.length / (Math.max(...doneMs) / 1000);
}
