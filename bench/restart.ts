// SPDX-License-Identifier: Apache-2.0

// Both controller pods deleted at once on a cluster with thousands of assigned Services, until the new leader has
// looked at all of them, and what it wrote to get there.
//
// A pod is ready once it knows the cluster; the work is done when it leads, has read the ledger and found every Service
// in order: its log says so. That is measured twice: from the deletion, which includes the end of the old pods, the
// scheduler and the kubelet, and from the start of the new leader's process. The yardstick is a bare read of the same:
// all Services in pages of 500 and the ConfigMaps of Berth's namespace, by a process that is warm. Writes are counted
// in the API server's audit log, from the deletion until nothing was written for a while; renewals of the Lease and the
// two that hand it over are no part of it.

import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { configMaps, type KubeClient, services } from '@berth/kube';
import type { Lab } from '../test/lab/lab.ts';
import { waitUntil } from '../test/lab/wait.ts';
import { applyObjects, BERTH_NAMESPACE, poolsConfigMap } from '../test/support/workload.ts';
import { type BenchLab, onBenchLab } from './berth-lab.ts';
import { allAssigned, createMany, namesOf, quietEvents } from './many-services.ts';
import { type BenchOptions, type BenchReport, type Figure, figure, scenarioNamed, thisMachine } from './report.ts';

interface Scenario {
  readonly count: number;
  /**
   * Three speakers with 10,000 VIPs each, on the two cores that all else has here too, would take longer than anybody
   * waits.
   */
  readonly speakers: 'running' | 'absent';
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  '1000': { count: 1000, speakers: 'running' },
  '5000': { count: 5000, speakers: 'running' },
  '10000': { count: 10_000, speakers: 'absent' },
};
const DEFAULT_SCENARIO = '5000';
/** What the leader may have in memory with any of these counts, in megabytes. */
const MEMORY_MB = 150;
const DEFAULT_ROUNDS = 3;
const POOL = '10.200.0.0/16';
const PODS = ['--namespace', BERTH_NAMESPACE, '--selector', 'app.kubernetes.io/component=controller'];
/** Writes of a round that the notes name. */
const MAX_NAMED = 10;
/** The pool status is written half a second after a change, so this much later nothing is to come. */
const SETTLE_MS = 5_000;

interface Restart {
  readonly fromDeletionMs: number;
  readonly fromProcessMs: number;
  readonly bareReadMs: number;
  readonly writes: readonly Write[];
  /** Resident memory of the new leader when it had looked at every Service, in megabytes. */
  readonly residentMb: number;
}

interface Write {
  readonly kind: 'services' | 'ledger' | 'others';
  /** Verb, resource and name. */
  readonly text: string;
}

/** Scenarios: `1000`, `5000` (default) and, with the controller alone, `10000` Services. */
export async function run(options: BenchOptions): Promise<BenchReport> {
  const { count, speakers } = scenarioNamed(SCENARIOS, options.scenario ?? DEFAULT_SCENARIO);
  const rounds = options.rounds ?? DEFAULT_ROUNDS;
  const restarts = await onBenchLab({ kubeProxy: 'stopped', speakers, progress: options.progress }, async (bench) => {
    await prepare(bench, count, options);
    const done: Restart[] = [];
    while (done.length < rounds) {
      options.progress(`restart ${done.length + 1} of ${rounds}`);
      done.push(await restart(bench));
    }
    return done;
  });
  const head = {
    bench: 'restart',
    scenario: `${count} Services${speakers === 'absent' ? ', controller alone' : ''}`,
    machine: thisMachine(),
    rounds,
  };
  return { ...head, figures: figuresOf(restarts), notes: notesOf(restarts) };
}

/** Names what was written. */
function notesOf(restarts: readonly Restart[]): string[] {
  return restarts.flatMap(({ writes }, index) => {
    const shown = writes.slice(0, MAX_NAMED).map(({ text }) => text);
    const rest = writes.length > MAX_NAMED ? [`and ${writes.length - MAX_NAMED} more`] : [];
    return writes.length === 0 ? [] : [`written in round ${index + 1}: ${[...shown, ...rest].join(', ')}`];
  });
}

function figuresOf(restarts: readonly Restart[]): Figure[] {
  const of = (field: (restart: Restart) => number) => restarts.map(field);
  const yardstick = { name: 'bare read of the same', samples: of(({ bareReadMs }) => bareReadMs) };
  const none = { on: 'worst', atMost: 0 } as const;
  const writes = (name: string, kind: Write['kind']) => {
    const samples = of((one) => one.writes.filter((write) => write.kind === kind).length);
    return figure({ name, unit: 'writes', samples, target: none });
  };
  return [
    figure({ name: 'pods deleted, to all looked at', unit: 'ms', samples: of((one) => one.fromDeletionMs), yardstick }),
    figure({ name: 'process begun, to all looked at', unit: 'ms', samples: of((one) => one.fromProcessMs), yardstick }),
    figure({
      name: 'memory of the new leader',
      unit: 'MB',
      samples: of(({ residentMb }) => residentMb),
      target: { on: 'worst', atMost: MEMORY_MB },
    }),
    writes('of Services', 'services'),
    writes('of the ledger', 'ledger'),
    writes('of anything else but the Lease', 'others'),
  ];
}

async function prepare({ lab, client }: BenchLab, count: number, { progress }: BenchOptions): Promise<void> {
  await applyObjects(lab, poolsConfigMap([POOL]));
  progress(`creating ${count} Services`);
  await createMany(client, namesOf('s', count));
  await allAssigned(client, count);
  await quietEvents(client);
}

async function restart({ lab, client }: BenchLab): Promise<Restart> {
  const bareReadMs = await timeBareRead(client);
  const before = (await writesOf(lab)).length;
  const deletedAtMs = Date.now();
  await lab.kubectl(['delete', 'pods', ...PODS, '--wait=false']);
  const leader = await newLeader(lab, deletedAtMs);
  await lab.kubectl(['rollout', 'status', 'deployment/controller', '--namespace', BERTH_NAMESPACE, '--timeout=60s']);
  await sleep(SETTLE_MS);
  return {
    fromDeletionMs: leader.doneAtMs - deletedAtMs,
    fromProcessMs: leader.doneAtMs - leader.begunAtMs,
    bareReadMs,
    residentMb: leader.residentMb,
    writes: (await writesOf(lab)).slice(before),
  };
}

interface Leader {
  /** Milliseconds since the epoch; pods and benchmark share the machine's clock. */
  readonly begunAtMs: number;
  readonly doneAtMs: number;
  readonly residentMb: number;
}

/** Waits until a pod has made its first pass since the deletion. */
async function newLeader(lab: Lab, deletedAtMs: number): Promise<Leader> {
  let leader: Leader | undefined;
  await waitUntil({
    what: 'a new leader that has looked at every Service',
    timeoutMs: 120_000,
    intervalMs: 250,
    probe: async () => {
      for (const pod of await podNames(lab)) leader ??= await leaderIn(lab, pod, deletedAtMs);
      return leader !== undefined;
    },
  });
  if (leader === undefined) throw new Error('bench: no leader');
  return leader;
}

async function podNames(lab: Lab): Promise<string[]> {
  const names = await lab.kubectl(['get', 'pods', ...PODS, '--output', 'jsonpath={.items[*].metadata.name}']);
  return names.split(' ').filter((name) => name !== '');
}

async function leaderIn(lab: Lab, pod: string, deletedAtMs: number): Promise<Leader | undefined> {
  // A pod that is just ending or starting has no log; the next look has it.
  const log = await lab.kubectl(['logs', '--namespace', BERTH_NAMESPACE, pod]).catch(() => '');
  const done = log.split('\n').find((line) => line.includes('"first pass done"'));
  const doneAtMs = done === undefined ? 0 : Date.parse((JSON.parse(done) as { timestamp: string }).timestamp);
  if (doneAtMs < deletedAtMs) return undefined;
  const [startSeconds, bytes] = await metricsOf(
    lab,
    pod,
    'process_start_time_seconds',
    'process_resident_memory_bytes',
  );
  return { begunAtMs: (startSeconds ?? 0) * 1000, doneAtMs, residentMb: (bytes ?? 0) / 1e6 };
}

async function metricsOf(lab: Lab, pod: string, ...names: readonly string[]): Promise<number[]> {
  const path = `/api/v1/namespaces/${BERTH_NAMESPACE}/pods/${pod}:7480/proxy/metrics`;
  const metrics = await lab.kubectl(['get', '--raw', path]);
  return names.map((name) => {
    const value = new RegExp(`^${name} (\\S+)`, 'm').exec(metrics)?.[1];
    if (value === undefined) throw new Error(`bench: pod ${pod}: no ${name} in its metrics`);
    return Number(value);
  });
}

async function timeBareRead(client: KubeClient): Promise<number> {
  const startMs = performance.now();
  let page = await client.list(services, { limit: 500 });
  while (page.continueToken !== undefined) {
    page = await client.list(services, { limit: 500, continueToken: page.continueToken });
  }
  await client.list(configMaps, { namespace: BERTH_NAMESPACE });
  return performance.now() - startMs;
}

interface AuditLine {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly resource?: string; readonly name?: string };
}

const WRITING_VERBS: readonly string[] = ['create', 'update', 'patch', 'delete', 'deletecollection'];
const CONTROLLER = `system:serviceaccount:${BERTH_NAMESPACE}:controller`;

/** What the controller wrote since the lab was brought up, in order. */
async function writesOf(lab: Lab): Promise<Write[]> {
  const writes: Write[] = [];
  for (const text of (await readFile(lab.auditLog, 'utf8')).split('\n')) {
    if (!text.includes(CONTROLLER)) continue;
    const { verb, user, objectRef } = JSON.parse(text) as AuditLine;
    if (user.username !== CONTROLLER || !WRITING_VERBS.includes(verb) || objectRef?.resource === 'leases') continue;
    writes.push({ kind: kindOf(objectRef), text: [verb, objectRef?.resource, objectRef?.name].join(' ').trim() });
  }
  return writes;
}

function kindOf({ resource, name = '' }: NonNullable<AuditLine['objectRef']> = {}): Write['kind'] {
  if (resource === 'services') return 'services';
  return resource === 'configmaps' && /^ledger(-\d+)?$/.test(name) ? 'ledger' : 'others';
}
