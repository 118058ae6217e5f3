// SPDX-License-Identifier: Apache-2.0

// Resident memory of controller and speaker at rest and with many Services, and the size of the image.
// Yardstick of the same run: an idle Node process of the same version.

import { spawn } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type KubeApi, type Service, services } from '@berth/kube';
import { waitUntil } from '../test/lab/wait.ts';
import { BERTH_NAMESPACE } from '../test/support/workload.ts';
import { buildImage } from '../tools/image.ts';
import { type BenchLab, onBenchLab } from './berth-lab.ts';
import { type BenchOptions, type BenchReport, type Figure, figure, thisMachine } from './report.ts';

const MEGABYTE = 1e6;
const AT_REST_MB = 90;
const SERVICES = { default: 1000, '5000': 5000 } as const;
const CREATES_AT_ONCE = 16;
/** Samples of one process's memory, a second apart: the collector's saw-tooth is part of the footprint. */
const SAMPLES = 10;

const PORTS = { controller: 7480, speaker: 7481 } as const;
type Component = keyof typeof PORTS;

/** Scenarios: `default` (1,000 Services) and `5000`. */
export async function run(options: BenchOptions): Promise<BenchReport> {
  const scenario = options.scenario === '5000' ? '5000' : 'default';
  const count = SERVICES[scenario];
  const figures = await onBenchLab({ pools: () => ['10.200.0.0/16'], progress: options.progress }, (bench) =>
    measure(bench, count, options),
  );
  return { bench: 'footprint', scenario: `${count} Services`, machine: thisMachine(), rounds: SAMPLES, figures };
}

async function measure({ lab, client }: BenchLab, count: number, { progress }: BenchOptions): Promise<Figure[]> {
  const yardstick = { name: 'idle Node', samples: [await idleNodeMegabytes()] };
  const figures: Figure[] = [];
  const sample = async (when: string) => {
    for (const component of ['controller', 'speaker'] as const) {
      progress(`memory of the ${component}, ${when}`);
      const samples = await residentMegabytes(lab, component);
      const target = when === 'at rest' ? { target: { on: 'worst', atMost: AT_REST_MB } as const } : {};
      figures.push(figure({ name: `${component}, ${when}`, unit: 'MB', samples, yardstick, ...target }));
    }
  };
  await sample('at rest');
  progress(`creating ${count} Services`);
  await createServices(client, count);
  await waitUntil({
    what: `${count} Services to have an address`,
    timeoutMs: 600_000,
    intervalMs: 2000,
    probe: async () => (await countAssigned(client)) === count,
  });
  await sample(`with ${count} Services`);
  const { size } = statSync(await buildImage('gzip'));
  return [...figures, figure({ name: 'image, compressed', unit: 'MB', samples: [size / MEGABYTE] })];
}

async function createServices(client: KubeApi, count: number): Promise<void> {
  let next = 0;
  const createSome = async () => {
    while (next < count) {
      const name = `s-${next}`;
      next += 1;
      const ports = [{ port: 80, protocol: 'TCP' }];
      const spec = { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, selector: { app: 'none' }, ports };
      await client.create(services, { metadata: { namespace: 'default', name }, spec } as unknown as Service);
    }
  };
  await Promise.all(Array.from({ length: CREATES_AT_ONCE }, createSome));
}

async function countAssigned(client: KubeApi): Promise<number> {
  const { items } = await client.list(services, { namespace: 'default' });
  return items.filter((service) => service.status?.loadBalancer?.ingress?.[0]?.ip !== undefined).length;
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
