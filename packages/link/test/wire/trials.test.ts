// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { until, type WireHost, WireLan } from '../support/wire-lan.ts';

describe('trial frames on the wire', () => {
  let lan: WireLan;
  let [sender, owner]: WireHost[] = [];

  before(async () => {
    lan = await WireLan.up({ sender: { addresses: ['203.0.113.1/24'] }, owner: { addresses: ['203.0.113.2/24'] } });
    [sender, owner] = [lan.host('sender'), lan.host('owner')];
  });

  after(() => lan.down());

  it('MV-28: reach a host that listens, and one that does not hears none', async () => {
    if (!sender || !owner) throw new Error('no hosts');
    const [from, to] = [await sender.call('macOf', 'lan0'), await owner.call('macOf', 'lan0')];
    const heard = () => owner?.call('trialsHeard') ?? Promise.resolve([]);
    await sender.call('sendTrial', 'lan0', to);
    await owner.call('listenForTrials', 'lan0');
    await sender.call('sendTrial', 'lan0', to);
    await until('one is heard', async () => (await heard()).length > 0);
    expect(await heard()).to.deep.equal([from]);
    await owner.call('listenForTrials');
    await sender.call('sendTrial', 'lan0', to);
    await owner.call('listenForTrials', 'lan0');
    await sender.call('sendTrial', 'lan0', to);
    await until('the next one is heard', async () => (await heard()).length > 1);
    expect(await heard()).to.deep.equal([from, from]);
  });

  it('MV-28: a host that is asked for nothing answers nothing', async () => {
    if (!sender || !owner) throw new Error('no hosts');
    const before = owner.run('cat', '/proc/net/snmp');
    await owner.call('listenForTrials', 'lan0');
    const count = (await owner.call('trialsHeard')).length;
    await sender.call('sendTrial', 'lan0', await owner.call('macOf', 'lan0'));
    await until('it is heard', async () => ((await owner?.call('trialsHeard')) ?? []).length > count);
    const sent = (text: string) => icmpOf(text).OutMsgs;
    expect(sent(owner.run('cat', '/proc/net/snmp'))).to.equal(sent(before));
  });
});

/** The counters of ICMP of a host. */
function icmpOf(text: string): Readonly<Record<string, number>> {
  const [names = [], values = []] = text
    .split('\n')
    .filter((line) => line.startsWith('Icmp: '))
    .map((line) => line.split(' ').slice(1));
  return Object.fromEntries(names.map((name, index) => [name, Number(values[index])]));
}
