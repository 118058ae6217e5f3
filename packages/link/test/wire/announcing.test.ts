// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { BROADCAST, NO_MAC, readArp } from '../support/arp-text.ts';
import { eachEngine } from '../support/each-engine.ts';
import { until, type WireHost, WireLan } from '../support/wire-lan.ts';

const VIP = '203.0.113.20';
const REFRESH_MS = 1200;

eachEngine('announcing on the wire', (engine) => {
  let lan: WireLan;
  let client: WireHost;
  let owner: WireHost;
  let ownerMac: string;

  beforeEach(async () => {
    lan = await WireLan.up({ client: { addresses: ['203.0.113.99/24'] }, owner: {} }, engine);
    client = lan.host('client');
    owner = lan.host('owner');
    ownerMac = await owner.call('macOf', 'lan0');
    await client.call('watch', 'lan0');
    await owner.call('answerOn', 'lan0');
    await owner.call('keepFence', 1000);
  });

  afterEach(() => lan.down());

  function announcements(form: 'request' | 'reply') {
    const operation = form === 'request' ? 1 : 2;
    return client.seen.filter(({ hex }) => {
      const arp = readArp(hex);
      return arp.senderIp === VIP && arp.targetIp === VIP && arp.operation === operation;
    });
  }

  it('GR-01: broadcasts both forms on taking ownership', async () => {
    await owner.call('own', REFRESH_MS, [VIP, 'lan0']);
    await until('both forms are seen', () => announcements('request').length > 0 && announcements('reply').length > 0);
    const common = { destination: BROADCAST, source: ownerMac, senderMac: ownerMac, senderIp: VIP, targetIp: VIP };
    expect(readArp(announcements('request')[0]?.hex ?? '')).to.deep.equal({
      ...common,
      operation: 1,
      targetMac: NO_MAC,
    });
    expect(readArp(announcements('reply')[0]?.hex ?? '')).to.deep.equal({
      ...common,
      operation: 2,
      targetMac: ownerMac,
    });
  });

  it('GR-01: corrects the neighbour table of a host that knew another MAC', async () => {
    client.run('ip', 'neighbor', 'replace', VIP, 'lladdr', '02:00:5e:00:53:77', 'nud', 'stale', 'dev', 'lan0');
    await owner.call('own', REFRESH_MS, [VIP, 'lan0']);
    const lladdr = () => JSON.parse(client.run('ip', '-json', 'neighbor', 'show', 'to', VIP))[0]?.lladdr;
    await until('the table is corrected', () => lladdr() === ownerMac);
  });

  const stale = () =>
    client.run('ip', 'neighbor', 'replace', VIP, 'lladdr', '02:00:5e:00:53:77', 'nud', 'stale', 'dev', 'lan0');
  const lladdr = () => JSON.parse(client.run('ip', '-json', 'neighbor', 'show', 'to', VIP))[0]?.lladdr;

  it('corrects who asked for the VIP before, also where broadcasts are lost', async () => {
    await owner.call('listenFor', 'lan0', VIP);
    client.run('ip', 'route', 'replace', VIP, 'dev', 'lan0');
    await client.attempt('arping', '-c', '1', '-w', '1', '-I', 'lan0', VIP);
    stale();
    lan.broadcasts('client', 'lose');
    await owner.call('own', REFRESH_MS, [VIP, 'lan0']);
    await until('the table is corrected', () => lladdr() === ownerMac);
    expect(announcements('request')).to.deep.equal([]);
  });

  it('corrects its gateway, also where broadcasts are lost', async () => {
    owner.run('ip', 'address', 'add', '203.0.113.10/24', 'dev', 'lan0');
    owner.run('ip', 'route', 'add', 'default', 'via', '203.0.113.99');
    owner.run('ping', '-c', '1', '-W', '2', '203.0.113.99');
    stale();
    lan.broadcasts('client', 'lose');
    await owner.call('own', REFRESH_MS, [VIP, 'lan0']);
    await until('the table is corrected', () => lladdr() === ownerMac);
  });

  it('GR-02: one at once, two more within 5 s, then a slow refresh until it is lost', async () => {
    await owner.call('own', REFRESH_MS, [VIP, 'lan0']);
    await until('three are seen', () => announcements('request').length >= 3, 5000);
    const [first, , third] = announcements('request');
    expect((third?.atMs ?? 0) - (first?.atMs ?? 0)).to.be.lessThan(5000);
    await until('the refresh goes on', () => announcements('request').length >= 5, 3 * REFRESH_MS);
    await owner.call('own', REFRESH_MS);
    const seen = announcements('request').length;
    // Another VIP's burst and refresh show that time went by on the same interface.
    await owner.call('own', REFRESH_MS, ['203.0.113.21', 'lan0']);
    await until(
      'the other VIP is announced three times',
      () => client.seen.filter(({ hex }) => readArp(hex).senderIp === '203.0.113.21').length >= 6,
    );
    expect(announcements('request').length).to.equal(seen);
  });

  it('GR-05: an interface that fails is counted, the other one still announces', async () => {
    owner.run('ip', 'link', 'add', 'lan1', 'type', 'veth', 'peer', 'name', 'far1');
    for (const name of ['lan1', 'far1']) owner.run('ip', 'link', 'set', name, 'up');
    await until('the new interface is known', async () => (await owner.call('linkNames')).includes('lan1'));
    await owner.call('answerOn', 'lan1');
    owner.run('ip', 'link', 'set', 'lan1', 'down');
    await owner.call('own', REFRESH_MS, [VIP, 'lan0', 'lan1']);
    await until('lan0 is announced', () => announcements('request').length > 0 && announcements('reply').length > 0);
    expect(await owner.call('announceFailures')).to.deep.equal({ lan1: 1 });
  });

  it('answers again when its cable was pulled and plugged', async () => {
    await owner.call('own', REFRESH_MS, [VIP, 'lan0']);
    lan.cable('owner', 'down');
    await until('the loss is noticed', async () => (await owner.call('linkNames')).includes('lan0 (down)'));
    lan.cable('owner', 'up');
    await until('the link is back', async () => (await owner.call('linkNames')).includes('lan0'));
    expect((await client.attempt('arping', '-c', '1', '-w', '2', '-I', 'lan0', VIP)).code).to.equal(0);
  });
});
