// SPDX-License-Identifier: Apache-2.0

// What membership costs a node: processor time and bytes on the wire of one real speaker among 3, 50 and 200 members of a segment with
// 1,000 VIPs. The other members are simulated by one process that sends all their heartbeats with valid keys.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { KubeClient, kubeconfigAccess, namespaces, nodes, secrets, services } from '@berth/kube';
import { buildAddon } from '../packages/link/build.ts';
import { SpeakerHost } from '../test/contract/speaker/speaker-host.ts';
import { Lab } from '../test/lab/lab.ts';
import { run as runProgram } from '../test/lab/run.ts';
import { waitUntil } from '../test/lab/wait.ts';
import { startCrowd } from '../test/support/heartbeat-crowd.ts';
import { LanHost } from '../test/support/lan-host.ts';
import { type BenchOptions, type BenchReport, type Figure, figure, scenarioNamed, thisMachine } from './report.ts';

const LAB = process.env.BERTH_BENCH_LAB ?? 'bench';
const NAMESPACE = 'berth-system';
const NODE = 'measured';
const SCENARIOS: Readonly<Record<string, Crowd>> = {
  '3': { size: 3, intervalMs: 25 },
  '3-tuned': { size: 3, intervalMs: 10 },
  '50': { size: 50, intervalMs: 25 },
  // Beyond 64 members the interval is doubled (section 5 of the protocol).
  '200': { size: 200, intervalMs: 50 },
};
const TUNED = ['--heartbeat-ms=10', '--dead-after-ms=70'];
const VIPS = 1000;
const VIPS_PER_SERVICE = 100;
/** Samples of each crowd unless asked otherwise, and the seconds of each. */
const ROUNDS = 5;
const SAMPLE_SECONDS = 4;
/** The announcements of the VIPs that it took are over by then. */
const SETTLE_MS = 6000;
/** Of /proc/PID/stat, in clock ticks of 10 ms; counted from the end of the name in parentheses. */
const UTIME = 11;
const STIME = 12;

interface Crowd {
  /** Members, the real one among them. */
  readonly size: number;
  readonly intervalMs: number;
}

interface Setting {
  readonly lab: Lab;
  readonly client: KubeClient;
  readonly crowdHost: LanHost;
  readonly secret: string;
}

/** Without scenario all crowds, else one of them by its number of members. */
export async function run(options: BenchOptions): Promise<BenchReport> {
  const chosen = crowdsNamed(options.scenario);
  const rounds = options.rounds ?? ROUNDS;
  buildAddon();
  const lab = await Lab.up({ name: LAB, nodes: 0, family: 'ipv4' });
  const crowdHost = new LanHost({ labName: LAB, name: 'crowd' });
  const client = new KubeClient({ access: await kubeconfigAccess(lab.kubeconfig), userAgent: 'berth-bench' });
  try {
    await crowdHost.up();
    const setting = { lab, client, crowdHost, secret: randomBytes(32).toString('hex') };
    await prepare(setting);
    const figures: Figure[] = [];
    for (const crowd of chosen) {
      options.progress(titleOf(crowd));
      figures.push(...(await measure(setting, crowd, rounds)));
    }
    const scenario = options.scenario ?? 'all';
    return { bench: 'heartbeat-cost', scenario, machine: thisMachine(), rounds, figures };
  } finally {
    client.close();
    await crowdHost.down();
    await Lab.down(LAB);
  }
}

function crowdsNamed(name: string | undefined): readonly Crowd[] {
  return name === undefined ? Object.values(SCENARIOS) : [scenarioNamed(SCENARIOS, name)];
}

function titleOf({ size, intervalMs }: Crowd): string {
  return `${size} members, ${VIPS} VIPs, a heartbeat every ${intervalMs} ms`;
}

async function prepare({ client, secret }: Setting): Promise<void> {
  await client.create(namespaces, { metadata: { name: NAMESPACE } });
  const data = { current: Buffer.from(secret).toString('base64') };
  await client.create(secrets, { metadata: { namespace: NAMESPACE, name: 'heartbeat' }, data });
  for (let first = 0; first < VIPS; first += VIPS_PER_SERVICE) {
    const at = { namespace: 'default', name: `vips-${first}` };
    const ports = [{ port: 80, protocol: 'TCP' }];
    const spec = { type: 'LoadBalancer', ports, allocateLoadBalancerNodePorts: false };
    await client.create(services, { metadata: at, spec });
    const ingress = Array.from({ length: VIPS_PER_SERVICE }, (_, index) => ({
      ip: vipOf(first + index),
      ipMode: 'VIP',
    }));
    const body = { status: { loadBalancer: { ingress } } };
    await client.patch(services, at, { type: 'merge', body }, { subresource: 'status' });
  }
}

async function measure(setting: Setting, crowdPlan: Crowd, rounds: number): Promise<Figure[]> {
  const { lab, client, crowdHost, secret } = setting;
  const { size, intervalMs } = crowdPlan;
  const { metadata } = await client.get(namespaces, { name: 'kube-system' });
  const names = Array.from({ length: size - 1 }, (_, index) => `crowd-${index + 1}`);
  const others = names.map((node, index) => ({ node, vips: shareOf(index + 1, size) }));
  const { namespace } = crowdHost;
  const crowd = await startCrowd({ namespace, secret, clusterUid: metadata.uid ?? '', intervalMs, members: others });
  const argv = ['--kube-proxy-health=off', ...(crowdPlan === SCENARIOS['3-tuned'] ? TUNED : [])];
  const host = new SpeakerHost({ lab, client, name: NODE, number: 50, argv });
  try {
    await Promise.all(names.map((name) => client.create(nodes, { metadata: { name } })));
    await host.up();
    host.start();
    await settled(host, size);
    await delay(SETTLE_MS);
    return await sample(host, titleOf(crowdPlan), rounds);
  } finally {
    host.down();
    await crowd.stop();
    await Promise.all([NODE, ...names].map((name) => client.delete(nodes, { name })));
  }
}

/** Waits until the speaker hears everybody, is heard by everybody and owns its share. */
async function settled(host: SpeakerHost, size: number): Promise<void> {
  const own = shareOf(0, size).length;
  await waitUntil({
    what: `a speaker among ${size} members with ${own} VIPs`,
    timeoutMs: 120_000,
    intervalMs: 500,
    probe: async () => {
      const members = await host.metric('berth_speaker_members', 'interface="eth0",hearing="both"').catch(() => 0);
      const claims = await host.metric('berth_speaker_claims', 'interface="eth0"').catch(() => 0);
      return members === size - 1 && claims === own;
    },
    explain: async () => host.log.slice(-2000),
  });
}

async function sample(host: SpeakerHost, title: string, rounds: number): Promise<Figure[]> {
  const samples: { cpu: number; heard: number; sent: number }[] = [];
  const pid = Number(await runProgram(['ip', 'netns', 'pids', `berth-${LAB}-${NODE}`]));
  for (let round = 0; round < rounds; round += 1) {
    const before = read(host, pid);
    await delay(SAMPLE_SECONDS * 1000);
    const after = read(host, pid);
    const seconds = (after.atMs - before.atMs) / 1000;
    samples.push({
      cpu: (after.cpuMs - before.cpuMs) / 10 / seconds,
      heard: (after.heard - before.heard) / 1000 / seconds,
      sent: (after.sent - before.sent) / 1000 / seconds,
    });
  }
  const of = (name: 'cpu' | 'heard' | 'sent') => samples.map((one) => one[name]);
  return [
    figure({ name: `${title}: CPU`, unit: '% of a core', samples: of('cpu') }),
    figure({ name: '  heard on the wire', unit: 'kB/s', samples: of('heard') }),
    figure({ name: '  sent', unit: 'kB/s', samples: of('sent') }),
  ];
}

interface Reading {
  readonly atMs: number;
  readonly cpuMs: number;
  readonly heard: number;
  readonly sent: number;
}

function read(host: SpeakerHost, pid: number): Reading {
  const [link]: { stats64: Record<'rx' | 'tx', { bytes: number }> }[] = JSON.parse(
    host.run('ip', '-statistics', '-json', 'link', 'show', 'eth0'),
  );
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const cpuMs = ((fields[UTIME] ?? 0) + (fields[STIME] ?? 0)) * 10;
  return { atMs: performance.now(), cpuMs, heard: link?.stats64.rx.bytes ?? 0, sent: link?.stats64.tx.bytes ?? 0 };
}

/** The VIPs of one of so many members; number 0 is the speaker that is measured. */
function shareOf(member: number, size: number): string[] {
  return Array.from({ length: VIPS }, (_, index) => index)
    .filter((index) => index % size === member)
    .map(vipOf);
}

const vipOf = (index: number): string => `10.200.${index >> 8}.${index & 255}`;
