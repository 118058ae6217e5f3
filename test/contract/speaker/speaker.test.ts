// SPDX-License-Identifier: Apache-2.0

// The real speaker process against a real API server, on a real LAN.

import { IpAddress, placeOwner } from '@berth/core';
import { configMaps, events, KubeClient, kubeconfigAccess, services } from '@berth/kube';
import { expect } from 'chai';
import { buildAddon } from '../../../packages/link/build.ts';
import { Lab } from '../../lab/lab.ts';
import { makeNamespace } from '../support/cluster.ts';
import { remains, until } from '../support/until.ts';
import { SpeakerHost } from './speaker-host.ts';

const CLASS = 'speaker.test/l2';
/** Nodes of these tests; their names take part in placement. */
const NAMES = ['edge-1', 'edge-2', 'edge-3'];

describe('speaker', () => {
  let lab: Lab;
  let client: KubeClient;
  let namespace: string;
  const hosts: SpeakerHost[] = [];
  let serial = 0;

  before(async function () {
    this.timeout(120_000);
    buildAddon();
    // A lab of its own: other suites restart the shared one, and these Nodes live on heartbeats.
    lab = await Lab.up({ name: 'speaker', nodes: 0, family: 'ipv4' });
    client = new KubeClient({ access: await kubeconfigAccess(lab.kubeconfig), userAgent: 'berth-speaker-test' });
    namespace = await makeNamespace(client);
    const argv = [`--namespace=${namespace}`, `--load-balancer-class=${CLASS}`, '--fence-ms=900'];
    for (const [index, name] of NAMES.entries())
      hosts.push(new SpeakerHost({ lab, client, name, number: 101 + index, argv }));
    await Promise.all(hosts.map((host) => host.up()));
    for (const host of hosts) host.start();
    await Promise.all(hosts.map((host) => until(async () => expect(await host.isReady()).to.equal(true), 30_000)));
  });

  afterEach(function () {
    if (this.currentTest?.state === 'failed') for (const host of hosts) console.log(host.name, host.log);
  });

  after(async function () {
    this.timeout(60_000);
    for (const host of hosts) host.down();
    client.close();
    await Lab.down('speaker');
  });

  /** A free address of the LAN whose owner is this node while all three are eligible. */
  function vipOwnedBy(name: string): string {
    for (;;) {
      const vip = (lab.plan.lans[0]?.[0] ?? '').replace(/\d+\/24$/, String(110 + (serial++ % 140)));
      const parsed = IpAddress.parse(vip);
      if (parsed.ok && placeOwner({ vip: parsed.value, eligible: NAMES }) === name) return vip;
    }
  }

  function ipv6OwnedBy(name: string): string {
    for (let low = 0x10; ; low++) {
      const vip = IpAddress.of('IPv6', 0x20010db8_00070000_00000000_00000000n + BigInt(low));
      if (placeOwner({ vip, eligible: NAMES }) === name) return String(vip);
    }
  }

  function hostOf(name: string): SpeakerHost {
    const host = hosts.find((one) => one.name === name);
    if (!host) throw new Error(`no host ${name}`);
    return host;
  }

  async function makeService(vip: string): Promise<string> {
    const name = `s-${vip.replaceAll(/[.:]+/g, '-')}`;
    await client.create(services, {
      metadata: { namespace, name },
      spec: {
        type: 'LoadBalancer',
        loadBalancerClass: CLASS,
        ports: [{ port: 80 }],
        allocateLoadBalancerNodePorts: false,
      },
    });
    await hold(name, vip);
    return name;
  }

  async function hold(name: string, vip: string | undefined): Promise<void> {
    const ingress = vip === undefined ? null : [{ ip: vip, ipMode: 'VIP' }];
    const body = { status: { loadBalancer: { ingress } } };
    await client.patch(services, { namespace, name }, { type: 'merge', body }, { subresource: 'status' });
  }

  /** The Events on a Service, as `reason: message`. */
  async function eventsOf(name: string): Promise<string[]> {
    const { items } = await client.list(events, { namespace, fieldSelector: `involvedObject.name=${name}` });
    return items.map(({ reason, message }) => `${reason}: ${message}`);
  }

  /** MAC addresses that answer for the VIP within a second. */
  async function answers(vip: string): Promise<string[]> {
    const { stdout } = await lab.tryExec('client', ['arping', '-w', '1', '-I', 'eth0', vip]);
    return [...new Set([...stdout.matchAll(/\[([0-9A-Fa-f:]{17})\]/g)].map((match) => (match[1] ?? '').toLowerCase()))];
  }

  async function isAnsweredBy(vip: string, ...names: string[]): Promise<void> {
    const wanted = names.map((name) => hostOf(name).mac);
    await until(async () => expect(await answers(vip)).to.deep.equal(wanted), 20_000);
  }

  it('AR-06: exactly the node that placement names answers', async () => {
    for (const name of NAMES) {
      const vip = vipOwnedBy(name);
      await makeService(vip);
      await isAnsweredBy(vip, name);
    }
  });

  it('ND-04, ND-13: an IPv6 VIP is announced, answered and joined by the node that placement names', async () => {
    const wanted = 'edge-2';
    const vip = ipv6OwnedBy(wanted);
    await makeService(vip);
    await until(async () => {
      const { stdout } = await lab.tryExec('client', ['ndisc6', '-q', '-1', vip, 'eth0']);
      expect(stdout.trim().toLowerCase()).to.equal(hostOf(wanted).mac);
    }, 20_000);
    await until(async () =>
      expect(
        await hostOf(wanted).metric('berth_speaker_gratuitous_sent_total', `ip="${vip}",interface="eth0"`),
      ).to.be.greaterThan(0),
    );
    expect(hostOf(wanted).run('cat', '/proc/net/igmp6')).to.contain(`ff0200000000000000000001ff0000${vip.slice(-2)}`);
  });

  it('ST-02: an Event tells node and interface', async () => {
    const vip = vipOwnedBy('edge-1');
    const name = await makeService(vip);
    await until(async () =>
      expect(await eventsOf(name)).to.deep.equal([
        `nodeAssigned: announcing ${vip} from node "edge-1" on interface "eth0"`,
      ]),
    );
  });

  it('ST-12: counts requests, replies and announcements per VIP; announced is 1 on the owner only', async () => {
    const vip = vipOwnedBy('edge-2');
    const name = await makeService(vip);
    await isAnsweredBy(vip, 'edge-2');
    const owner = hostOf('edge-2');
    expect(await owner.metric('berth_speaker_requests_received_total', `ip="${vip}"`)).to.be.greaterThan(0);
    expect(await owner.metric('berth_speaker_replies_sent_total', `ip="${vip}"`)).to.be.greaterThan(0);
    expect(await owner.metric('berth_speaker_gratuitous_sent_total', `ip="${vip}",interface="eth0"`)).to.be.greaterThan(
      0,
    );
    const announced = (host: SpeakerHost) =>
      host.metric('berth_speaker_announced', `service="${namespace}/${name}",node="${host.name}",ip="${vip}"`);
    expect(await announced(owner)).to.equal(1);
    expect(await announced(hostOf('edge-1'))).to.equal(undefined);
  });

  it('is silent at once when the Service is deleted or loses its address', async () => {
    const [first, second] = [vipOwnedBy('edge-1'), vipOwnedBy('edge-1')];
    const [deleted, emptied] = [await makeService(first), await makeService(second)];
    for (const vip of [first, second]) await isAnsweredBy(vip, 'edge-1');
    await client.delete(services, { namespace, name: deleted });
    await hold(emptied, undefined);
    for (const vip of [first, second]) await isAnsweredBy(vip);
  });

  it('EL-08: a node with the exclude label owns nothing; without it it owns again', async () => {
    const vip = vipOwnedBy('edge-3');
    await makeService(vip);
    await isAnsweredBy(vip, 'edge-3');
    await hostOf('edge-3').label({ 'node.kubernetes.io/exclude-from-external-load-balancers': '' });
    const parsed = IpAddress.parse(vip);
    const heir = parsed.ok && placeOwner({ vip: parsed.value, eligible: ['edge-1', 'edge-2'] });
    await isAnsweredBy(vip, String(heir));
    await hostOf('edge-3').label({ 'node.kubernetes.io/exclude-from-external-load-balancers': null });
    await isAnsweredBy(vip, 'edge-3');
  });

  it('HO-10: a probe for an owned VIP gets exactly one reply, from the owner', async () => {
    const vip = vipOwnedBy('edge-2');
    await makeService(vip);
    await isAnsweredBy(vip, 'edge-2');
    // Duplicate address detection: sender address 0.0.0.0. Exit code 1 says that somebody has it.
    const { exitCode: code, stdout } = await lab.tryExec('client', ['arping', '-D', '-w', '1', '-I', 'eth0', vip]);
    expect(code).to.equal(1);
    const replies = [...stdout.matchAll(/reply from .* \[([0-9A-Fa-f:]{17})\]/g)].map((match) =>
      match[1]?.toLowerCase(),
    );
    expect(replies).to.deep.equal([hostOf('edge-2').mac]);
  });

  it('IF-02: an interface that appears is used, one that goes is left, the others go on', async () => {
    const host = hostOf('edge-1');
    const isUsed = (ifname: string) => host.metric('berth_speaker_interface', `interface="${ifname}"`);
    host.run('ip', 'link', 'add', 'lan1', 'type', 'veth', 'peer', 'name', 'far1');
    for (const ifname of ['lan1', 'far1']) host.run('ip', 'link', 'set', ifname, 'up');
    await until(async () => expect(await isUsed('lan1')).to.equal(1), 10_000);
    host.run('ip', 'link', 'delete', 'lan1');
    await until(async () => expect(await isUsed('lan1')).to.equal(undefined));
    expect(await isUsed('eth0')).to.equal(1);
  });

  it('IF-03, ST-03: answers only on the interfaces of the policy, and warns when there is none', async () => {
    const vip = vipOwnedBy('edge-1');
    const name = await makeService(vip);
    await isAnsweredBy(vip, 'edge-1');
    const policy = (ifname: string) => ({ 'pools.yaml': policyDocument(ifname) });
    await client.create(configMaps, { metadata: { namespace, name: 'ip-address-pools' }, data: policy('nosuch0') });
    await isAnsweredBy(vip);
    const warning = `announceFailed: ${vip} is not announced: node "edge-1" has no usable interface that the policy allows`;
    await until(async () => expect(await eventsOf(name)).to.include(warning));
    await client.patch(
      configMaps,
      { namespace, name: 'ip-address-pools' },
      { type: 'merge', body: { data: policy('eth0') } },
    );
    await isAnsweredBy(vip, 'edge-1');
    const broken = { data: { 'pools.yaml': 'kind: Nonsense' } };
    await client.patch(configMaps, { namespace, name: 'ip-address-pools' }, { type: 'merge', body: broken });
    await until(async () => expect(await hostOf('edge-1').metric('berth_speaker_config_stale')).to.equal(1));
    await isAnsweredBy(vip, 'edge-1');
    await client.delete(configMaps, { namespace, name: 'ip-address-pools' });
  });

  it('PE-09: answers on for a VIP in no pool, as long as its Service holds it', async () => {
    const vip = vipOwnedBy('edge-2');
    const name = await makeService(vip);
    await isAnsweredBy(vip, 'edge-2');
    const pool = { apiVersion: 'berth.dev/v1', kind: 'IPAddressPool', metadata: { name: 'elsewhere' } };
    const document = JSON.stringify({ ...pool, spec: { addresses: ['203.0.113.0/28'] } });
    await client.create(configMaps, {
      metadata: { namespace, name: 'ip-address-pools' },
      data: { 'pools.yaml': document },
    });
    await remains(async () => expect(await answers(vip)).to.deep.equal([hostOf('edge-2').mac]), 4000);
    await hold(name, undefined);
    await isAnsweredBy(vip);
    await client.delete(configMaps, { namespace, name: 'ip-address-pools' });
  });

  it('answers on without the API server', async () => {
    const vip = vipOwnedBy('edge-2');
    await makeService(vip);
    await isAnsweredBy(vip, 'edge-2');
    const api = new URL((await lab.kubectl(['config', 'view', '-o', 'jsonpath={.clusters[0].cluster.server}'])).trim())
      .hostname;
    hostOf('edge-2').run('ip', 'route', 'add', 'blackhole', `${api}/32`);
    await isAnsweredBy(vip, 'edge-2');
    hostOf('edge-2').run('ip', 'route', 'delete', 'blackhole', `${api}/32`);
  });

  it('leaves a segment whose cable is pulled, and announces again when it is plugged', async () => {
    const vip = vipOwnedBy('edge-3');
    await makeService(vip);
    await isAnsweredBy(vip, 'edge-3');
    const host = hostOf('edge-3');
    host.cable('down');
    await until(() => expect(host.log).to.match(new RegExp(`"message":"withdrawn".*"vip":"${vip}"`)));
    const before = host.log.length;
    host.cable('up');
    await isAnsweredBy(vip, 'edge-3');
    expect(host.log.slice(before)).to.match(new RegExp(`"message":"announcing".*"vip":"${vip}"`));
  });

  it('goes silent when it is stopped, and reads the cluster before it answers again', async () => {
    const vip = vipOwnedBy('edge-1');
    await makeService(vip);
    await isAnsweredBy(vip, 'edge-1');
    const host = hostOf('edge-1');
    host.signal('SIGSTOP');
    await isAnsweredBy(vip);
    host.signal('SIGCONT');
    await isAnsweredBy(vip, 'edge-1');
    expect(await host.metric('berth_speaker_fence_expiries_total')).to.equal(1);
  });

  it('withdraws and ends with code 0 on SIGTERM', async () => {
    const vip = vipOwnedBy('edge-1');
    await makeService(vip);
    await isAnsweredBy(vip, 'edge-1');
    hostOf('edge-1').signal('SIGTERM');
    await until(() => expect(hostOf('edge-1').exitCode).to.equal(0));
    await isAnsweredBy(vip);
  });
});

function policyDocument(ifname: string): string {
  return [
    'apiVersion: berth.dev/v1',
    'kind: L2Advertisement',
    'metadata: { name: lan }',
    `spec: { interfaces: [${ifname}] }`,
  ].join('\n');
}
