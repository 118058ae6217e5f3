// SPDX-License-Identifier: Apache-2.0

// Resident memory of controller and speaker at rest and with many Services, and the size of the image.
// Yardstick of the same run: an idle Node process of the same version.

import { spawn } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { BERTH_NAMESPACE } from '../test/support/workload.ts';
import { buildImage } from '../tools/image.ts';
import { type BenchLab, onBenchLab } from './berth-lab.ts';
import { allAssigned, createMany, namesOf, quietEvents } from './many-services.ts';
import { type BenchOptions, type BenchReport, type Figure, figure, thisMachine } from './report.ts';

const MEGABYTE = 1e6;
/**
 * The bounds that we hold ourselves to, as the median of all pods. The Go peer takes 62 at rest and 76 with 1,000
 * Services, each.
 */
const AT_MOST_MB = { controller: { rest: 70, with1000: 80 }, speaker: { rest: 80, with1000: 95 } } as const;
const SERVICES = { default: 1000, '5000': 5000 } as const;
/** A process that has just started still has its garbage; this much later, in milliseconds, it is at rest. */
const SETTLE_MS = 20_000;
/** Samples of one process's memory, a second apart: the collector's saw-tooth is part of the footprint. */
const SAMPLES = 10;

const PORTS = { controller: 7480, speaker: 7481 } as const;
type Component = keyof typeof PORTS;

/** Scenarios: `default` (1,000 Services) and `5000`. */
export async function run(options: BenchOptions): Promise<BenchReport> {
  const scenario = options.scenario === '5000' ? '5000' : 'default';
  const count = SERVICES[scenario];
  const figures = await onBenchLab(
    { pools: () => ['10.200.0.0/16'], kubeProxy: 'stopped', progress: options.progress },
    (bench) => measure(bench, count, options),
  );
  return { bench: 'footprint', scenario: `${count} Services`, machine: thisMachine(), rounds: SAMPLES, figures };
}

async function measure({ lab, client }: BenchLab, count: number, { progress }: BenchOptions): Promise<Figure[]> {
  const yardstick = { name: 'idle Node', samples: [await idleNodeMegabytes()] };
  const figures: Figure[] = [];
  const sample = async (when: string, bound: keyof (typeof AT_MOST_MB)[Component] | undefined) => {
    for (const component of ['controller', 'speaker'] as const) {
      progress(`memory of the ${component}, ${when}`);
      const samples = await residentMegabytes(lab, component);
      const atMost = bound && AT_MOST_MB[component][bound];
      const target = atMost === undefined ? {} : { target: { on: 'median', atMost } as const };
      figures.push(figure({ name: `${component}, ${when}`, unit: 'MB', samples, yardstick, ...target }));
    }
  };
  await sleep(SETTLE_MS);
  await sample('at rest', 'rest');
  progress(`creating ${count} Services`);
  await createMany(client, namesOf('s', count));
  await allAssigned(client, count);
  await quietEvents(client);
  await sample(`with ${count} Services`, count === SERVICES.default ? 'with1000' : undefined);
  const { size } = statSync(await buildImage('gzip'));
  return [...figures, figure({ name: 'image, compressed', unit: 'MB', samples: [size / MEGABYTE] })];
}

/** Returns samples of every pod of a component. */
async function residentMegabytes(lab: BenchLab['lab'], component: Component): Promise<number[]> {
  const listing = await lab.kubectl([
    'get',
    'pods',
    '-n',
    BERTH_NAMESPACE,
    '-l',
    `app.kubernetes.io/component=${component}`,
    '-o',
    'name',
  ]);
  const pods = listing
    .trim()
    .split('\n')
    .map((name) => name.replace('pod/', ''));
  const samples: number[] = [];
  for (let round = 0; round < SAMPLES; round += 1) {
    for (const pod of pods) samples.push(await residentMegabytesOf(lab, pod, PORTS[component]));
    await sleep(1000);
  }
  return samples;
}

async function residentMegabytesOf(lab: BenchLab['lab'], pod: string, port: number): Promise<number> {
  const path = `/api/v1/namespaces/${BERTH_NAMESPACE}/pods/${pod}:${port}/proxy/metrics`;
  const metrics = await lab.kubectl(['get', '--raw', path]);
  const bytes = /^process_resident_memory_bytes (\S+)/m.exec(metrics)?.[1];
  if (bytes === undefined) throw new Error(`bench: pod ${pod}: no process_resident_memory_bytes in its metrics`);
  return Number(bytes) / MEGABYTE;
}

async function idleNodeMegabytes(): Promise<number> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await sleep(2000);
  const resident = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
  child.kill();
  return (Number(resident) * 1024) / MEGABYTE;
}
