// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { BROADCAST, NO_MAC, question, readArp } from '../support/arp-text.ts';
import { eachEngine } from '../support/each-engine.ts';
import { until, type WireHost, WireLan } from '../support/wire-lan.ts';

const CLIENT_IP = '203.0.113.99';
const VIP = '203.0.113.20';
/** Shortest frame that this LAN delivers, in bytes; shorter ones are tried on the decision alone (decision.test.ts). */
const SHORTEST_BYTES = 22;

eachEngine('bad frames on the wire', (engine) => {
  let lan: WireLan;
  let client: WireHost;
  let owner: WireHost;
  let mac: string;
  let good: string;

  before(async () => {
    lan = await WireLan.up({ client: {}, owner: {} }, engine);
    client = lan.host('client');
    owner = lan.host('owner');
    await client.call('watch', 'lan0');
    await owner.call('answerOn', 'lan0');
    await owner.call('keepFence', 1000);
    mac = await client.call('macOf', 'lan0');
    good = question(mac, CLIENT_IP, VIP);
  });

  after(() => lan.down());

  beforeEach(async () => {
    await owner.call('closeResponder');
    await owner.call('answerOn', 'lan0');
    await owner.call('openFence', 5000);
    await owner.call('replace', [VIP, 'lan0']);
    client.seen.length = 0;
  });

  function replies(): string[] {
    return client.seen
      .map(({ hex }) => readArp(hex))
      .filter((arp) => arp.operation === 2)
      .map((arp) => arp.targetIp);
  }

  /** What became of ARP frames; the kernels of the hosts speak IPv6 among themselves. */
  async function arpOutcomes(): Promise<Record<string, number>> {
    const outcomes = Object.entries(await owner.call('outcomes'));
    return Object.fromEntries(outcomes.filter(([name]) => !name.startsWith('ndp-')));
  }

  /**
   * Sends the frames, then a good question; returns what was counted when that is answered and so many frames are
   * counted as the responder sees (default: all). A frame is counted after its answer was sent.
   */
  async function outcomesAfter(hexes: readonly string[], seen = hexes.length + 1): Promise<Record<string, number>> {
    for (const hex of hexes) await client.call('send', 'lan0', hex);
    await client.call('send', 'lan0', good);
    await until('the good question is answered', () => replies().includes(CLIENT_IP));
    await until('all frames are counted', async () => (await countedFrames()) >= seen);
    const counted = Object.entries(await arpOutcomes()).filter(([, count]) => count > 0);
    return Object.fromEntries(counted);
  }

  async function countedFrames(): Promise<number> {
    return Object.values(await arpOutcomes()).reduce((sum, count) => sum + count, 0);
  }

  /** The good frame with some bytes changed, at offsets from the beginning of the frame. */
  function changed(offset: number, hex: string): string {
    return good.slice(0, offset * 2) + hex + good.slice(offset * 2 + hex.length);
  }

  const table = [
    { name: 'AR-09: hardware type 6', offset: 14, hex: '0006', reason: 'hardware-type' },
    { name: 'AR-09: protocol IPv6', offset: 16, hex: '86dd', reason: 'protocol-type' },
    { name: 'AR-09: hardware length 255', offset: 18, hex: 'ff', reason: 'address-length' },
    { name: 'AR-09: protocol length 16', offset: 19, hex: '10', reason: 'address-length' },
    { name: 'AR-10: protocol length 3', offset: 19, hex: '03', reason: 'address-length' },
    { name: 'operation 0', offset: 20, hex: '0000', reason: 'operation' },
    { name: 'operation 3', offset: 20, hex: '0003', reason: 'operation' },
    { name: 'operation 2, a reply', offset: 20, hex: '0002', reason: 'not-a-request' },
    { name: 'a sender without a MAC', offset: 22, hex: '000000000000', reason: 'sender-hardware-addr' },
    { name: 'a sender with a group MAC', offset: 22, hex: '01005e000001', reason: 'sender-hardware-addr' },
    { name: 'a multicast destination', offset: 0, hex: '01005e000001', reason: 'other-destination' },
    { name: 'a question for another host', offset: 38, hex: 'cb007116', reason: 'unknown-target' },
  ];
  for (const { name, offset, hex, reason } of table) {
    it(`${name}: silence, counted as ${reason}`, async () => {
      expect(await outcomesAfter([changed(offset, hex)])).to.deep.equal({ [reason]: 1, reply: 1 });
      expect(replies()).to.deep.equal([CLIENT_IP]);
    });
  }

  it('AR-10: truncated at every length: silence, each counted', async () => {
    const cut = Array.from({ length: 42 - SHORTEST_BYTES }, (_, index) => good.slice(0, (SHORTEST_BYTES + index) * 2));
    expect(await outcomesAfter(cut)).to.deep.equal({ truncated: cut.length, reply: 1 });
    expect(replies()).to.deep.equal([CLIENT_IP]);
  });

  it('AR-10: padding to 60 bytes, and a frame longer than a slot of the ring, are answered', async () => {
    await outcomesAfter([`${good}${'55'.repeat(18)}`, `${good}${'55'.repeat(1400)}`]);
    await until('all three are answered', () => replies().length === 3);
  });

  it('AR-10: another EtherType never reaches the responder', async () => {
    expect(await outcomesAfter([changed(12, '0800')], 1)).to.deep.equal({ reply: 1 });
  });

  it('a frame of a VLAN is not answered on the untagged interface', async () => {
    const tagged = `${good.slice(0, 24)}8100000a${good.slice(24)}`;
    expect(await outcomesAfter([tagged])).to.deep.equal({ 'other-segment': 1, reply: 1 });
    expect(replies()).to.deep.equal([CLIENT_IP]);
  });

  it('a question with a priority tag (VLAN 0) is answered', async () => {
    const tagged = `${good.slice(0, 24)}8100a000${good.slice(24)}`;
    expect(await outcomesAfter([tagged])).to.deep.equal({ reply: 2 });
    await until('both are answered', () => replies().length === 2);
  });

  it('a flood of 10,000 questions, good and bad: none is answered wrongly, each is accounted for', async () => {
    const bad = [changed(14, '0006'), changed(38, 'cb007116'), good.slice(0, 60), changed(20, '0002')];
    const sent = await client.call('flood', 'lan0', [good, ...bad], 2000);
    expect(sent).to.equal(10_000);
    await until('all frames are accounted for', async () => (await countedFrames()) === sent);
    const outcomes = await arpOutcomes();
    expect(Object.keys(outcomes).filter((name) => (outcomes[name] ?? 0) > 0)).to.have.members(
      ['reply', 'hardware-type', 'unknown-target', 'truncated', 'not-a-request'].concat(
        outcomes['kernel-drop'] ? ['kernel-drop'] : [],
      ),
    );
    await until('the replies are here', () => replies().length >= (outcomes.reply ?? 0));
    expect(new Set(client.seen.map(({ hex }) => readArp(hex)).map((arp) => arp.senderIp))).to.deep.equal(
      new Set([VIP]),
    );
    client.seen.length = 0;
    await client.call(
      'send',
      'lan0',
      question(mac, '203.0.113.98', VIP, { destination: BROADCAST, targetMac: NO_MAC }),
    );
    await until('it still answers', () => replies().includes('203.0.113.98'));
  });
});
