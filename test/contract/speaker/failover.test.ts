// SPDX-License-Identifier: Apache-2.0

// Owners that end, die and come back, as a client sees it: real speakers on a real LAN. Each host answers connects to
// the VIPs from a program of its own, in the place of kube-proxy and pods.

import type { ChildProcess } from 'node:child_process';
import { expect } from 'chai';
import { startConnectProbe } from '../../support/connect-probe.ts';
import { useSpeakers } from '../support/speaker-lab.ts';
import { remains, until } from '../support/until.ts';
import type { SpeakerHost } from './speaker-host.ts';

const PORT = 8000;
const SERVER = `require('node:net').createServer((s) => s.end()).listen(${PORT}, '0.0.0.0')`;
const WHILE_MS = 3_000;

describe('failover', () => {
  const use = useSpeakers();
  const servers: ChildProcess[] = [];

  before(() => {
    for (const host of use.speakers.hosts) {
      // The kernel must not answer for an address of the loopback interface.
      host.run('sysctl', '-q', '-w', 'net.ipv4.conf.all.arp_ignore=1');
      servers.push(host.spawn(process.execPath, '-e', SERVER));
    }
  });

  after(() => {
    for (const server of servers) server.kill('SIGKILL');
  });

  /** Makes a VIP that every host serves when packets for it come. */
  async function servedVip(): Promise<string> {
    const { speakers } = use;
    const vip = speakers.vip();
    for (const host of speakers.hosts) {
      // As kube-proxy does in IPVS mode; an address on any other interface is the node's own.
      host.run('sh', '-c', 'ip link add kube-ipvs0 up type bridge 2>/dev/null || true');
      host.run('ip', 'address', 'replace', `${vip}/32`, 'dev', 'kube-ipvs0');
    }
    await speakers.service([vip]);
    return vip;
  }

  function probe(address: string) {
    const namespace = use.speakers.lab.namespaceOf('client');
    return startConnectProbe({ namespace, address, port: PORT, intervalMs: 10, timeoutMs: 900 });
  }

  async function ends(host: SpeakerHost, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    host.signal(signal);
    await until(() => expect(host.isRunning).to.equal(false), 20_000);
  }

  /** What is on a host that a speaker may have brought there. */
  function tracesOn(host: SpeakerHost): string {
    const looks = [
      ['ip', '-o', 'address', 'show', 'dev', 'eth0'],
      ['ip', 'maddress', 'show', 'dev', 'eth0'],
      ['tc', 'qdisc', 'show', 'dev', 'eth0'],
      ['tc', 'filter', 'show', 'dev', 'eth0', 'ingress'],
      ['ip', 'rule'],
      ['ip', 'neighbor', 'show', 'proxy'],
      ['cat', '/proc/net/packet', '/proc/net/igmp6'],
    ];
    return looks.map(([command = '', ...argv]) => host.run(command, ...argv)).join('\n');
  }

  it('FO-01: a speaker that is asked to end hands over first; a client sees no failure', async () => {
    const { speakers } = use;
    const vip = await servedVip();
    const owner = await speakers.owner(vip);
    const client = await probe(vip);
    await ends(owner, 'SIGTERM');
    expect(owner.exitCode).to.equal(0);
    expect(owner.log).not.to.contain('a part did not stop');
    const next = await speakers.owner(vip);
    expect(next.name).not.to.equal(owner.name);
    const { failed, succeeded } = await client.stop();
    expect({ failed, isBusy: succeeded > 100 }).to.deep.equal({ failed: 0, isBusy: true });
    for (const other of speakers.others(owner))
      expect(other.log).to.match(new RegExp(`"member-lost","node":"${owner.name}".*"why":"gone"`));
  });

  it('FO-02: an owner that is killed is taken over, and when it is back exactly one answers', async () => {
    const { speakers } = use;
    const vip = await servedVip();
    const owner = await speakers.owner(vip);
    await ends(owner, 'SIGKILL');
    await until(async () => expect(await speakers.answerers(vip)).to.have.length(1), 20_000);
    const next = await speakers.owner(vip);
    expect(next.name).not.to.equal(owner.name);
    await speakers.whole();
    await remains(async () => expect(await speakers.answerers(vip)).to.deep.equal([next.name]), WHILE_MS);
  });

  it('FO-03: with --rebalance=off a node that returns takes nothing back, also where it is preferred', async () => {
    const { speakers } = use;
    for (const host of speakers.hosts) await host.label({ name: host.name });
    const preferred = { weight: 50, preference: { matchLabels: { name: 'edge-1' } } };
    const kind = { apiVersion: 'berth.dev/v1', kind: 'L2Advertisement', metadata: { name: 'lan' } };
    await speakers.pools({ ...kind, spec: { preferredNodeSelectors: [preferred] } });
    const vip = await servedVip();
    await speakers.isAnsweredBy(vip, 'edge-1');
    const owner = speakers.host('edge-1');
    owner.cable('down');
    await until(async () => expect(await speakers.answerers(vip)).not.to.include('edge-1'), 20_000);
    const next = await speakers.owner(vip);
    owner.cable('up');
    await until(
      () =>
        expect(next.log.lastIndexOf('"member-heard","node":"edge-1"')).to.be.greaterThan(
          next.log.lastIndexOf('"member-lost","node":"edge-1"'),
        ),
      20_000,
    );
    await remains(async () => expect(await speakers.answerers(vip)).to.deep.equal([next.name]), WHILE_MS);
  });

  for (const policy of ['unbroken', 'gradual'])
    it(`FO-03: with --rebalance=${policy} VIPs return one by one, and a client sees no failure`, () =>
      comeBack(policy));

  async function comeBack(policy: string): Promise<void> {
    const { speakers } = use;
    const option = `--rebalance=${policy}`;
    for (const host of speakers.hosts) {
      await ends(host, 'SIGTERM');
      host.start(option);
    }
    await speakers.whole();
    const vips = [await servedVip(), ...speakers.vips(5)];
    for (const vip of vips.slice(1)) await speakers.service([vip]);
    await speakers.owners(vips);
    const lost = await speakers.owner(vips[0] ?? '');
    await ends(lost, 'SIGKILL');
    const before = await speakers.owners(vips);
    expect([...before.values()]).not.to.include(lost.name);
    const client = await probe(vips[0] ?? '');
    lost.start(option);
    await speakers.whole();
    const counts = new Set<number>();
    await until(async () => {
      const owned = [...(await speakers.owners(vips)).values()].filter((name) => name === lost.name).length;
      counts.add(owned);
      expect(owned).to.equal(2);
    }, 60_000);
    expect([...counts]).to.deep.equal([0, 1, 2]);
    expect((await client.stop()).failed).to.equal(0);
    for (const host of speakers.hosts) await ends(host, 'SIGTERM');
  }

  it('FO-08: a speaker that ends leaves nothing on its node', async () => {
    const { speakers } = use;
    const host = speakers.host('edge-2');
    await ends(host, 'SIGTERM');
    const before = tracesOn(host);
    const all: string[] = [];
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      host.start();
      await speakers.whole();
      const vips = [...speakers.vips(3), `2001:db8:7::${signal === 'SIGTERM' ? 'a1' : 'b1'}`];
      for (const vip of vips) await speakers.service([vip]);
      all.push(...vips);
      await speakers.owners(all);
      expect(tracesOn(host)).not.to.equal(before);
      await ends(host, signal);
      await until(() => expect(tracesOn(host)).to.equal(before));
      await speakers.owners(all);
    }
  });
});
