// SPDX-License-Identifier: Apache-2.0

// Real speakers on a LAN that eats multicast: they find each other all the same, and agree on one owner.

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { KubeClient, kubeconfigAccess, nodes, secrets, services } from '@berth/kube';
import { expect } from 'chai';
import { buildAddon } from '../../../packages/link/build.ts';
import { Lab } from '../../lab/lab.ts';
import { makeNamespace } from '../support/cluster.ts';
import { until } from '../support/until.ts';
import { SpeakerHost } from './speaker-host.ts';

const CLASS = 'unicast.test/l2';
const LAB = 'unicast';
const NAMES = ['edge-1', 'edge-2', 'edge-3'];
const PATIENCE_MS = 60_000;

describe('speakers on a LAN that eats multicast', () => {
  let lab: Lab;
  let client: KubeClient;
  let namespace: string;
  let vip: string;
  const hosts: SpeakerHost[] = [];

  before(async function () {
    this.timeout(180_000);
    buildAddon();
    lab = await Lab.up({ name: LAB, nodes: 0, family: 'ipv4' });
    client = new KubeClient({ access: await kubeconfigAccess(lab.kubeconfig), userAgent: 'berth-unicast-test' });
    namespace = await makeNamespace(client);
    const data = { current: randomBytes(32).toString('base64') };
    await client.create(secrets, { metadata: { namespace, name: 'heartbeat' }, data });
    const argv = [`--namespace=${namespace}`, `--load-balancer-class=${CLASS}`, '--kube-proxy-health=off'];
    for (const [index, name] of NAMES.entries())
      hosts.push(new SpeakerHost({ lab, client, name, number: 101 + index, argv }));
    await Promise.all(hosts.map((host) => host.up()));
    await Promise.all(hosts.map(tellAddress));
    for (const host of hosts) multicast(host, 'eat');
    for (const host of hosts) host.start();
    for (const host of hosts) await until(async () => expect(await host.isReady()).to.equal(true), PATIENCE_MS);
    vip = await makeService();
  });

  afterEach(function () {
    if (this.currentTest?.state === 'failed') for (const host of hosts) console.log(host.name, host.log);
  });

  after(async function () {
    this.timeout(60_000);
    for (const host of hosts) host.down();
    client.close();
    await Lab.down(LAB);
  });

  /** What the bridge does with multicast for a host. */
  function multicast(host: SpeakerHost, state: 'eat' | 'pass'): void {
    const argv = ['-n', `berth-${LAB}-lan`, 'link', 'set', 'dev', host.name];
    execFileSync('bridge', [...argv, 'mcast_flood', state === 'eat' ? 'off' : 'on']);
  }

  async function tellAddress({ name, address }: SpeakerHost): Promise<void> {
    const body = { status: { addresses: [{ type: 'InternalIP', address }] } };
    await client.patch(nodes, { name }, { type: 'strategic', body }, { subresource: 'status' });
  }

  async function makeService(): Promise<string> {
    const address = (lab.plan.lans[0]?.[0] ?? '').replace(/\d+\/24$/, '120');
    await client.create(services, {
      metadata: { namespace, name: 's' },
      spec: {
        type: 'LoadBalancer',
        loadBalancerClass: CLASS,
        ports: [{ port: 80 }],
        allocateLoadBalancerNodePorts: false,
      },
    });
    const body = { status: { loadBalancer: { ingress: [{ ip: address, ipMode: 'VIP' }] } } };
    await client.patch(services, { namespace, name: 's' }, { type: 'merge', body }, { subresource: 'status' });
    return address;
  }

  /** Names of the hosts that answer for the VIP within a second. */
  async function answering(): Promise<string[]> {
    const { stdout } = await lab.tryExec('client', ['arping', '-w', '1', '-I', 'eth0', vip]);
    const macs = new Set(
      [...stdout.matchAll(/\[([0-9A-Fa-f:]{17})\]/g)].map((match) => (match[1] ?? '').toLowerCase()),
    );
    return [...macs].map((mac) => hosts.find((host) => host.mac === mac)?.name ?? mac);
  }

  const hears = (host: SpeakerHost) => host.metric('berth_speaker_members', 'interface="eth0",hearing="both"');
  const transport = (host: SpeakerHost, name: string) => host.metric('berth_speaker_transport', `transport="${name}"`);

  it('all hear each other by unicast, say so, and one answers', async () => {
    for (const host of hosts) await until(async () => expect(await hears(host)).to.equal(2), PATIENCE_MS);
    for (const host of hosts)
      await until(async () => expect(await transport(host, 'unicast')).to.equal(1), PATIENCE_MS);
    await until(async () => expect(await answering()).to.have.length(1), PATIENCE_MS);
  }).timeout(180_000);

  it('a crash is noticed as fast as ever: another one takes over', async () => {
    const [owner = ''] = await answering();
    const host = hosts.find(({ name }) => name === owner);
    host?.signal('SIGKILL');
    await until(async () => {
      const heirs = await answering();
      expect(heirs).to.have.length(1);
      expect(heirs[0]).to.not.equal(owner);
    }, PATIENCE_MS);
    host?.start();
    await until(async () => expect(await host?.isReady()).to.equal(true), PATIENCE_MS);
    for (const one of hosts) await until(async () => expect(await hears(one)).to.equal(2), PATIENCE_MS);
    await until(async () => expect(await answering()).to.have.length(1), PATIENCE_MS);
  }).timeout(180_000);

  it('nodes for which multicast passes again go back to it', async () => {
    for (const host of hosts) multicast(host, 'pass');
    for (const host of hosts)
      await until(async () => expect(await transport(host, 'multicast')).to.equal(1), PATIENCE_MS);
    for (const host of hosts) expect(await hears(host)).to.equal(2);
    expect(await answering()).to.have.length(1);
  }).timeout(180_000);
});
