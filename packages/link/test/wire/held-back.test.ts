// SPDX-License-Identifier: Apache-2.0
/**
 * kube-proxy in IPVS mode puts every VIP on an interface kube-ipvs0 of every node, where the kernel answers for all of
 * them unless strictARP tells it not to. The program sees each question first.
 */
import { expect } from 'chai';
import { eachEngine } from '../support/each-engine.ts';
import { until, type WireHost, WireLan } from '../support/wire-lan.ts';

const VIP = '203.0.113.20';
const OTHER = '203.0.113.21';
const VIP6 = '2001:db8:5::20';
const FENCE_MS = 60_000;

eachEngine('held back from the kernel', (engine) => {
  let lan: WireLan;
  let node: WireHost;
  let client: WireHost;

  beforeEach(async () => {
    lan = await WireLan.up(
      { client: { addresses: ['203.0.113.99/24', '2001:db8:5::99/64'] }, node: { addresses: ['203.0.113.1/24'] } },
      engine,
    );
    [node, client] = [lan.host('node'), lan.host('client')];
    node.run('ip', 'link', 'add', 'kube-ipvs0', 'type', 'bridge');
    for (const vip of [VIP, OTHER]) node.run('ip', 'address', 'add', `${vip}/32`, 'dev', 'kube-ipvs0');
    // The kernel answers a solicitation only on the interface that has the address: so the worst case is there.
    for (const dev of ['kube-ipvs0', 'lan0']) node.run('ip', 'address', 'add', `${VIP6}/128`, 'dev', dev, 'nodad');
    for (const host of [node, client]) host.run('sysctl', '-qw', 'net.ipv6.conf.lan0.accept_dad=0');
    await node.call('answerOn', 'lan0');
    await node.call('openFence', FENCE_MS);
  });

  afterEach(() => lan.down());

  async function answers(vip: string): Promise<number> {
    const { output } = await client.attempt('arping', '-f', '-w', '1', '-I', 'lan0', vip);
    return output.split('reply from').length - 1;
  }

  /** Questions that arping sent, and answers to them. */
  async function questionsAndAnswers(vip: string): Promise<readonly [asked: number, answered: number]> {
    const { output } = await client.attempt('arping', '-c', '3', '-w', '3', '-I', 'lan0', vip);
    return [Number(/Sent (\d+)/.exec(output)?.[1]), output.split('reply from').length - 1];
  }

  /**
   * To the node's MAC address alone, as a host asks that wants to know whether its entry still holds (RFC 1122,
   * 2.3.2.1).
   */
  async function answersUnicast(vip: string): Promise<boolean> {
    client.run('ip', 'neigh', 'flush', 'dev', 'lan0');
    client.run(
      'ip',
      'neigh',
      'replace',
      vip,
      'lladdr',
      await node.call('macOf', 'lan0'),
      'nud',
      'stale',
      'dev',
      'lan0',
    );
    const asked = ['arping', '-c', '2', '-w', '2', '-I', 'lan0', vip];
    const { output } = await client.attempt(...asked);
    return output.includes('Unicast reply');
  }

  async function answersSolicitation(): Promise<boolean> {
    return (await client.attempt('ndisc6', '-q', '-1', '-r', '3', '-w', '500', VIP6, 'lan0')).code === 0;
  }

  it('AT-06: the kernel answers as long as nobody holds it back, so these tests can fail', async () => {
    await node.call('replace', [VIP], [VIP6]);
    expect(await answers(VIP)).to.be.greaterThan(0);
    // The client's own addresses are tentative for a moment, and a host asks nothing from such a one (RFC 4862, 5.4).
    await until('the kernel answers a solicitation', answersSolicitation);
  });

  if (engine === 'packet-socket') {
    it('AT-07: a thread cannot hold anything back', async () => {
      await node.call('replace', [VIP]);
      await node.call('keepQuiet', FENCE_MS);
      expect(await answers(VIP)).to.be.greaterThan(0);
    });
    return;
  }

  it('AT-06: is silent for VIPs of Berth that others own, IPv4 and IPv6', async () => {
    await node.call('replace', [VIP], [VIP6]);
    await node.call('keepQuiet', FENCE_MS);
    expect(await answers(VIP)).to.equal(0);
    expect(await answersUnicast(VIP)).to.equal(false);
    expect(await answersSolicitation()).to.equal(false);
  });

  it("AT-06: leaves the kernel every other address: the node's own, and one that Berth did not give", async () => {
    await node.call('replace', [VIP]);
    await node.call('keepQuiet', FENCE_MS);
    for (const address of ['203.0.113.1', OTHER]) expect(await answers(address), address).to.be.greaterThan(0);
  });

  it('WT-03: hears itself who asks for VIPs, those that others own and its own', async () => {
    await node.call('replace', [VIP], [OTHER, 'lan0']);
    await node.call('keepQuiet', FENCE_MS);
    const asker = `${await client.call('macOf', 'lan0')} 203.0.113.99`;
    for (const vip of [VIP, OTHER]) {
      await node.call('listenFor', 'lan0', vip);
      expect(await node.call('askers', 'lan0'), vip).to.deep.equal([]);
      await answers(vip);
      expect(await node.call('askers', 'lan0'), vip).to.deep.equal([asker]);
    }
  });

  it('AT-06: answers what it owns, once a question', async () => {
    await node.call('replace', [VIP, 'lan0'], [VIP6, 'lan0']);
    await node.call('keepQuiet', FENCE_MS);
    const [asked, answered] = await questionsAndAnswers(VIP);
    expect(asked).to.be.greaterThan(1);
    expect(answered).to.equal(asked);
    expect(await answersSolicitation()).to.equal(true);
  });

  it('AT-06: is silent for what it owns once the answer fence has run out', async () => {
    await node.call('replace', [VIP, 'lan0'], [VIP6, 'lan0']);
    await node.call('keepQuiet', FENCE_MS);
    await node.call('expire');
    expect(await answers(VIP)).to.equal(0);
    expect(await answersSolicitation()).to.equal(false);
  });

  it('AT-07: lets the kernel answer again when the process is gone, or stood still for long', async () => {
    await node.call('replace', [VIP]);
    await node.call('keepQuiet', 1);
    expect(await answers(VIP)).to.be.greaterThan(0);
    await node.call('keepQuiet', FENCE_MS);
    expect(await answers(VIP)).to.equal(0);
    await node.call('closeResponder');
    expect(await answers(VIP)).to.be.greaterThan(0);
  });
});
