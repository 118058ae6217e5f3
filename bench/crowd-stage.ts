// SPDX-License-Identifier: Apache-2.0

// One real speaker among members of a segment with 1,000 VIPs. The other members are simulated by one process that
// sends all their heartbeats with valid keys.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { DEFAULT_LOAD_BALANCER_CLASS, IpAddress, LAST_GOOD_MAP, usageCondition } from '@berth/core';
import { configMaps, KubeClient, kubeconfigAccess, namespaces, nodes, secrets, services } from '@berth/kube';
import { systemClock } from '@berth/runtime';
import { buildAddon } from '../packages/link/build.ts';
import { SpeakerHost } from '../test/contract/speaker/speaker-host.ts';
import { Lab } from '../test/lab/lab.ts';
import { run as runProgram } from '../test/lab/run.ts';
import { waitUntil } from '../test/lab/wait.ts';
import { startCrowd } from '../test/support/heartbeat-crowd.ts';
import { LanHost } from '../test/support/lan-host.ts';

export const CROWD_LAB = process.env.BERTH_BENCH_LAB ?? 'bench';
const NAMESPACE = 'berth-system';
const NODE = 'measured';
/** VIPs of the segment. */
export const VIPS = 1000;
const VIPS_PER_SERVICE = 100;
/** What the controller would have accepted: every address may be announced everywhere. */
const ACCEPTED = {
  'pools.yaml':
    '{ apiVersion: berth.dev/v1, kind: IPAddressPool, metadata: { name: lan }, spec: { addresses: [198.51.100.0/28] } }',
};
/** The announcements of the VIPs that it took are over by then. */
const SETTLE_MS = 6000;
/** Of /proc/PID/stat, in clock ticks of 10 ms; counted from the end of the name in parentheses. */
const UTIME = 11;
const STIME = 12;

export interface Crowd {
  /** Members, the real one among them. */
  readonly size: number;
  readonly intervalMs: number;
  /** Options of the real one. */
  readonly argv?: readonly string[];
}

export interface CrowdStage {
  readonly lab: Lab;
  readonly client: KubeClient;
  readonly crowdHost: LanHost;
  readonly secret: string;
}

/** Brings up the lab with 1,000 VIPs and takes it down in any case. */
export async function onStage<T>(use: (stage: CrowdStage) => Promise<T>): Promise<T> {
  buildAddon();
  const lab = await Lab.up({ name: CROWD_LAB, nodes: 0, family: 'ipv4' });
  const crowdHost = new LanHost({ labName: CROWD_LAB, name: 'crowd' });
  const client = new KubeClient({
    clock: systemClock,
    access: await kubeconfigAccess(systemClock, lab.kubeconfig),
    userAgent: 'berth-bench',
  });
  try {
    await crowdHost.up();
    const stage = { lab, client, crowdHost, secret: randomBytes(32).toString('hex') };
    await prepare(stage);
    return await use(stage);
  } finally {
    client.close();
    await crowdHost.down();
    await Lab.down(CROWD_LAB);
  }
}

async function prepare({ client, secret }: CrowdStage): Promise<void> {
  await client.create(namespaces, { metadata: { name: NAMESPACE } });
  const data = { current: Buffer.from(secret).toString('base64') };
  await client.create(secrets, { metadata: { namespace: NAMESPACE, name: 'heartbeat' }, data });
  await client.create(configMaps, { metadata: { namespace: NAMESPACE, name: LAST_GOOD_MAP }, data: ACCEPTED });
  for (let first = 0; first < VIPS; first += VIPS_PER_SERVICE) {
    const at = { namespace: 'default', name: `vips-${first}` };
    const ports = [{ port: 80, protocol: 'TCP' }];
    const spec = { type: 'LoadBalancer', ports, allocateLoadBalancerNodePorts: false };
    await client.create(services, { metadata: at, spec });
    const ingress = Array.from({ length: VIPS_PER_SERVICE }, (_, index) => ({
      ip: vipOf(first + index),
      ipMode: 'VIP',
    }));
    const body = { status: { loadBalancer: { ingress }, conditions: [factOf(ingress)] } };
    await client.patch(services, at, { type: 'merge', body }, { subresource: 'status' });
  }
}

/** What the controller says of addresses that it gave. */
function factOf(ingress: readonly { readonly ip: string }[]) {
  const given = ingress.flatMap(({ ip }) => {
    const address = IpAddress.parse(ip);
    return address.ok ? [address.value] : [];
  });
  const fact = usageCondition({ loadBalancerClass: DEFAULT_LOAD_BALANCER_CLASS, given, used: [] });
  return { ...fact, lastTransitionTime: new Date().toISOString() };
}

/**
 * Starts crowd and speaker, and stops both in any case; `use` begins when all hear each other and announcements are
 * over.
 */
export async function amongCrowd<T>(
  { lab, client, crowdHost, secret }: CrowdStage,
  crowdPlan: Crowd,
  use: (host: SpeakerHost) => Promise<T>,
): Promise<T> {
  const { size, intervalMs } = crowdPlan;
  const { metadata } = await client.get(namespaces, { name: 'kube-system' });
  const names = Array.from({ length: size - 1 }, (_, index) => `crowd-${index + 1}`);
  const others = names.map((node, index) => ({ node, vips: shareOf(index + 1, size) }));
  const { namespace } = crowdHost;
  const crowd = await startCrowd({ namespace, secret, clusterUid: metadata.uid ?? '', intervalMs, members: others });
  const argv = ['--kube-proxy-health=off', ...(crowdPlan.argv ?? [])];
  const host = new SpeakerHost({ lab, client, name: NODE, number: 50, argv });
  try {
    await Promise.all(names.map((name) => client.create(nodes, { metadata: { name } })));
    await host.up();
    host.start();
    await settled(host, size);
    await delay(SETTLE_MS);
    return await use(host);
  } finally {
    host.down();
    await crowd.stop();
    await Promise.all([NODE, ...names].map((name) => client.delete(nodes, { name })));
  }
}

/** Waits until the speaker hears everybody, is heard by everybody and owns its share. */
export async function settled(host: SpeakerHost, size: number): Promise<void> {
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

/** Processor time that the speaker has taken, in milliseconds. */
export async function speakerCpuMs(): Promise<number> {
  const pid = Number(await runProgram(['ip', 'netns', 'pids', `berth-${CROWD_LAB}-${NODE}`]));
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  return ((fields[UTIME] ?? 0) + (fields[STIME] ?? 0)) * 10;
}

/** The VIPs of one of so many members; number 0 is the speaker that is measured. */
function shareOf(member: number, size: number): string[] {
  return Array.from({ length: VIPS }, (_, index) => index)
    .filter((index) => index % size === member)
    .map(vipOf);
}

const vipOf = (index: number): string => `10.200.${index >> 8}.${index & 255}`;
