// SPDX-License-Identifier: Apache-2.0

// One client makes a Service, waits for the answer and makes the next, with the controller alone. What counts is
// whether the last tenth of them gets its addresses as fast as the first. Between them it makes some of a foreign
// class, which Berth leaves alone: they show whether the API server itself grows slower, or the machine.

import { type ConfigMap, configMaps, type KubeClient, type NewObject } from '@berth/kube';
import { poolsConfigMap } from '../../test/support/workload.ts';
import { createService, namesOf } from '../many-services.ts';
import { type BenchOptions, type Figure, figure } from '../report.ts';
import { timeAddresses } from './address-times.ts';
import { FOREIGN_CLASS, POOL } from './cluster.ts';

/** One Service of a foreign class for so many of ours. */
const FOREIGN_EVERY = 5;

export interface Stream {
  /** Milliseconds from the start until each Service had its address, the earliest first. */
  readonly assigned: readonly number[];
  /** Milliseconds that it took to make each Service of a foreign class, in the order in which they were made. */
  readonly foreign: readonly number[];
}

export function figuresOfStreams(streams: readonly Stream[], wanted: number): Figure[] {
  const ours = streams.map(({ assigned }) => tenths(assigned));
  const foreign = streams.map((stream) => tenths(ends(stream.foreign)));
  const steady = (name: string, rates: readonly Tenths[]) => ({
    ...{ name: `${name}, last tenth`, unit: '1/s', samples: rates.map(({ last }) => last), worstIs: 'small' as const },
    yardstick: { name: 'first tenth', samples: rates.map(({ first }) => first) },
  });
  return [
    figure({ ...steady('Services given an address', ours), target: { on: 'ratio', atLeast: wanted } }),
    figure(steady('foreign Services made meanwhile', foreign)),
  ];
}

/** How many were done in a second, of the first and the last tenth. */
interface Tenths {
  readonly first: number;
  readonly last: number;
}

function tenths(doneMs: readonly number[]): Tenths {
  const count = Math.floor(doneMs.length / 10);
  const between = (from: number, to: number) =>
    (to - from) / (((doneMs[to - 1] ?? 0) - (from > 0 ? (doneMs[from - 1] ?? 0) : 0)) / 1000);
  return { first: between(0, count), last: between(doneMs.length - count, doneMs.length) };
}

/** When each would have ended if one had begun as soon as the one before ended. */
function ends(tookMs: readonly number[]): number[] {
  let passedMs = 0;
  return tookMs.map((ms) => (passedMs += ms));
}

/** One round of Services that are made one after the other. */
export async function measureStream(client: KubeClient, count: number, { progress }: Pick<BenchOptions, 'progress'>) {
  await client.create(configMaps, poolsConfigMap([POOL]) as NewObject<ConfigMap>);
  progress(`creating ${count} Services one by one`);
  const foreign: number[] = [];
  const doneMs = await timeAddresses(client, count, async () => {
    for (const [index, name] of namesOf('ours', count).entries()) {
      await createService(client, name);
      if (index % FOREIGN_EVERY > 0) continue;
      const beganMs = performance.now();
      await createService(client, `foreign-${index}`, { loadBalancerClass: FOREIGN_CLASS });
      foreign.push(performance.now() - beganMs);
    }
  });
  return { assigned: doneMs.sort((a, b) => a - b), foreign };
}
