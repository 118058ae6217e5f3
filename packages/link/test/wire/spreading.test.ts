// SPDX-License-Identifier: Apache-2.0
/** Connections to a VIP whose owner passes them on, between hosts on a cable. */
import { fingerprintOf } from '@berth/core';
import { expect } from 'chai';
import { addressOf, TCP } from '../support/packet-frames.ts';
import { spreadEngines } from '../support/spread-engines.ts';
import { SEED } from '../support/spread-frames.ts';
import { until, type WireHost, WireLan } from '../support/wire-lan.ts';

const CLIENT = '203.0.113.99';
const CLIENT6 = '2001:db8:5::99';
const VIP = '203.0.113.20';
const VIP6 = '2001:db8:5::20';
const NODES = ['owner', 'second', 'third'] as const;
type Node = (typeof NODES)[number];
const FORWARDED_MS = 2500;

spreadEngines('spreading on the wire', (engine) => {
  let lan: WireLan;
  let client: WireHost;
  const macs = new Map<Node, string>();
  let dialled = 0;

  before(async () => {
    lan = await WireLan.up({
      client: { addresses: [`${CLIENT}/24`, `${CLIENT6}/64`] },
      owner: { addresses: ['203.0.113.1/24', '2001:db8:5::1/64'] },
      second: { addresses: ['203.0.113.2/24', '2001:db8:5::2/64'] },
      third: { addresses: ['203.0.113.3/24', '2001:db8:5::3/64'] },
    });
    client = lan.host('client');
    for (const name of NODES) {
      const node = lan.host(name);
      node.run('sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=1', 'net.ipv4.conf.lan0.arp_ignore=1');
      node.run('ip', 'address', 'add', `${VIP}/32`, 'dev', 'lo');
      node.run('ip', 'address', 'add', `${VIP6}/128`, 'dev', 'lo', 'nodad');
      macs.set(name, await node.call('macOf', 'lan0'));
      await node.call('serveAs', name);
    }
    await ownedBy('owner');
    await until('addresses may be used', () => !/tentative/.test(client.run('ip', '-6', 'address', 'show')));
  });

  after(() => lan.down());

  beforeEach(async () => {
    for (const name of NODES) {
      await lan.host(name).call('spreadOn', engine, 'lan0');
      await tell(name, 'second');
    }
  });

  afterEach(async () => {
    for (const name of NODES) await lan.host(name).call('closeSpreading');
  });

  const numberOf = (name: Node) => NODES.indexOf(name) + 1;

  /** The client's neighbour entries: whoever has the VIPs in its eyes. */
  async function ownedBy(name: Node): Promise<void> {
    for (const vip of [VIP, VIP6])
      client.run('ip', 'neighbor', 'replace', vip, 'lladdr', macs.get(name) ?? '', 'nud', 'permanent', 'dev', 'lan0');
  }

  async function tell(name: Node, target: Node, more: { fallback?: Node; next?: Node } = {}): Promise<void> {
    const others = NODES.filter((one) => one !== name);
    const numbers = Object.entries(more).map(([key, one]) => [key, numberOf(one)]);
    await lan.host(name).call(
      'spread',
      {
        ...{ self: numberOf(name), target: numberOf(target), vips: [VIP, VIP6] },
        members: others.map((one) => [numberOf(one), macs.get(one) ?? ''] as const),
        ...Object.fromEntries(numbers),
      },
      'lan0',
    );
  }

  const tellAll = async (target: Node, more: { fallback?: Node; next?: Node } = {}) => {
    for (const name of NODES) await tell(name, target, more);
  };

  async function dial(vip: string): Promise<{ name: string; said: string }> {
    const name = `connection ${dialled++}`;
    return { name, said: await client.call('dial', name, vip) };
  }

  const forwardedBy = async (name: Node) => (await lan.host(name).call('spreadCounters'))?.forwarded ?? -1;

  for (const [vip, from] of [
    [VIP, `::ffff:${CLIENT}`],
    [VIP6, CLIENT6],
  ] as const) {
    const family = addressOf(vip).family;

    it(`SP-10: a connection is served by the node that the tables say, which sees the client's address, ${family}`, async () => {
      const { name, said } = await dial(vip);
      expect(said).to.equal(`second ${from}`);
      expect(await client.call('ask', name)).to.equal('second');
      expect(await forwardedBy('owner')).to.be.greaterThan(2);
      expect(await forwardedBy('second')).to.equal(0);
      await tellAll('third');
      expect((await dial(vip)).said).to.equal(`third ${from}`);
      await tellAll('owner');
      expect((await dial(vip)).said).to.equal(`owner ${from}`);
    });

    it(`SP-10: 30 MB arrive whole, ${family}`, async () => {
      const { name } = await dial(vip);
      expect(await client.call('upload', name, 30_000_000)).to.equal('30000000');
    });

    it(`SP-10: UDP arrives, in one piece and in fragments, ${family}`, async () => {
      for (const bytes of [10, 1400, 8000])
        expect(await client.call('askByDatagram', vip, bytes)).to.equal(`second ${bytes}`);
    });

    it(`SP-10: a ping is answered by the owner, ${family}`, async () => {
      const mark = 'be47be47be47be47';
      for (const name of NODES) await lan.host(name).call('countFrames', 'lan0', mark);
      const { code, output } = await client.attempt('ping', '-p', mark, '-c', '2', '-i', '0.2', '-W', '2', vip);
      expect(code, output).to.equal(0);
      const counts = await Promise.all(NODES.map((name) => lan.host(name).call('countedFrames')));
      expect(counts).to.deep.equal([2, 0, 0]);
    });

    it(`SP-11: a change of the tables breaks a connection, unless it is told as a stray or was seen, ${family}`, async () => {
      const [told, seen, lost] = [await dial(vip), await dial(vip), await dial(vip)];
      const sourcePort = (await client.call('localPortOf', told.name)) ?? 0;
      const source = addressOf(vip === VIP ? CLIENT : CLIENT6);
      const flow = { source, destination: addressOf(vip), sourcePort, destinationPort: 80, protocol: TCP };
      const strays = [[String(fingerprintOf(flow, SEED)), numberOf('second')]] as const;
      await tellAll('second', { next: 'third' });
      for (const name of NODES) await lan.host(name).call('setStrays', strays);
      expect(await client.call('ask', seen.name)).to.equal('second');
      await tellAll('third');
      expect(await client.call('ask', told.name)).to.equal('second');
      expect(await client.call('ask', seen.name)).to.equal('second');
      expect(await client.call('ask', lost.name)).to.equal('ECONNRESET');
      expect((await dial(vip)).said).to.match(/^third /);
    });

    it(`SP-11: a connection outlives a move of the VIP to another owner, ${family}`, async () => {
      const { name } = await dial(vip);
      for (const owner of ['third', 'second', 'owner'] as const) {
        await ownedBy(owner);
        expect(await client.call('ask', name), owner).to.equal('second');
      }
    });

    it(`SP-12: what a silent node serves comes back to it, and what begins goes to the target, ${family}`, async () => {
      const old = await dial(vip);
      expect(old.said).to.match(/^second /);
      await lan.host('second').call('closeSpreading');
      for (const name of ['owner', 'third'] as const) await tell(name, 'third', { fallback: 'second' });
      expect(await client.call('ask', old.name)).to.equal('second');
      const fresh = await dial(vip);
      expect(fresh.said).to.match(/^third /);
      expect(await client.call('ask', fresh.name)).to.equal('third');
      expect((await lan.host('third').call('spreadCounters'))?.secondChance).to.be.greaterThan(0);
    });
  }

  it('SP-13: a process that hangs forwards until its tables have run out, then not', async () => {
    const owner = lan.host('owner');
    await owner.call('stopRenewing');
    expect((await dial(VIP)).said).to.match(/^second /);
    await until('the owner serves', async () => /^owner /.test((await dial(VIP)).said), FORWARDED_MS * 2);
  });

  it('SP-13: what closes leaves nothing behind', async () => {
    const owner = lan.host('owner');
    await owner.call('closeSpreading');
    expect((await dial(VIP)).said).to.match(/^owner /);
    expect(owner.run('tc', 'filter', 'show', 'dev', 'lan0', 'ingress')).to.not.contain('berth_spread');
  });
});
