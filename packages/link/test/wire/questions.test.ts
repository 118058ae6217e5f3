// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { eachEngine } from '../support/each-engine.ts';
import { until, type WireHost, WireLan } from '../support/wire-lan.ts';

const [VIP, VIP6] = ['203.0.113.20', '2001:db8:5::20'];
const [HOST_IP, HOST_IP6] = ['203.0.113.50', '2001:db8:5::50'];
const UNUSED = '203.0.113.77';

eachEngine('questions about addresses', (engine) => {
  let lan: WireLan;
  let asker: WireHost;
  let owner: WireHost;
  let host: WireHost;
  let ownerMac: string;
  let hostMac: string;

  before(async function () {
    this.timeout(30_000);
    const addresses = (last: number) => [`203.0.113.${last}/24`, `2001:db8:5::${last}/64`];
    lan = await WireLan.up(
      { asker: { addresses: addresses(9) }, owner: { addresses: addresses(10) }, host: { addresses: addresses(50) } },
      engine,
    );
    [asker, owner, host] = [lan.host('asker'), lan.host('owner'), lan.host('host')];
    [ownerMac, hostMac] = [await owner.call('macOf', 'lan0'), await host.call('macOf', 'lan0')];
    await owner.call('answerOn', 'lan0');
    await owner.call('keepFence', 1000);
    await owner.call('replace', [VIP, 'lan0'], [VIP6, 'lan0']);
    // Duplicate detection takes a second or two.
    for (const one of [asker, owner, host])
      await until(
        'no address is tentative',
        () => !one.run('ip', 'address', 'show', 'dev', 'lan0').includes('tentative'),
      );
  });

  after(() => lan.down());

  async function answerers(target: string, to: { station?: string; everybody?: boolean }): Promise<string[]> {
    return (await asker.call('inquire', 'lan0', target, to)).map(({ mac }) => mac);
  }

  for (const vip of [VIP, VIP6]) {
    it(`WT-01: the owner of ${vip} answers a question to it alone, one to everybody, and both`, async () => {
      expect(await answerers(vip, { station: ownerMac })).to.deep.equal([ownerMac]);
      expect(await answerers(vip, { everybody: true })).to.deep.equal([ownerMac]);
      expect(await answerers(vip, { station: ownerMac, everybody: true })).to.deep.equal([ownerMac, ownerMac]);
    });
  }

  for (const address of [HOST_IP, HOST_IP6]) {
    it(`WT-01: the kernel that has ${address} answers a question to it alone, and one to everybody`, async () => {
      expect(await answerers(address, { station: hostMac })).to.deep.equal([hostMac]);
      expect(await answerers(address, { everybody: true })).to.deep.equal([hostMac]);
    });
  }

  it('WT-01: nobody answers for an address that is not used, or asked of another station', async () => {
    expect(await answerers(UNUSED, { everybody: true })).to.deep.equal([]);
    expect(await answerers(VIP, { station: hostMac })).to.deep.equal([]);
  });

  it('WT-01: an owner whose fence ran out does not answer', async () => {
    await owner.call('expire');
    expect(await answerers(VIP, { station: ownerMac, everybody: true })).to.deep.equal([]);
    expect(await answerers(VIP6, { station: ownerMac, everybody: true })).to.deep.equal([]);
    await owner.call('keepFence', 1000);
  });

  it('WT-04: no neighbour cache learns anything but the truth about the asker', async () => {
    const truth = new Set(
      [...asker.run('ip', '-json', 'address', 'show', 'lan0').matchAll(/"local":"([^"]+)"/g)].map(([, ip]) => ip),
    );
    const mac = await asker.call('macOf', 'lan0');
    // Somebody who has talked with the VIP.
    host.run('ip', 'neighbor', 'replace', VIP, 'lladdr', ownerMac, 'dev', 'lan0', 'nud', 'reachable');
    for (const target of [VIP, VIP6, HOST_IP, HOST_IP6])
      await answerers(target, { station: ownerMac, everybody: true });
    for (const one of [owner, host]) {
      const entries: { dst: string; lladdr?: string }[] = JSON.parse(one.run('ip', '-json', 'neighbor'));
      for (const { dst, lladdr } of entries) {
        if (truth.has(dst)) expect([dst, lladdr ?? mac]).to.deep.equal([dst, mac]);
        else expect([dst, lladdr]).not.to.deep.equal([dst, mac]);
      }
      expect(entries.find(({ dst }) => dst === VIP)?.lladdr ?? ownerMac).to.equal(ownerMac);
    }
  });

  it('WT-03: a host that asked for a VIP is known, and answers when it is asked where it was seen', async () => {
    await asker.call('listenFor', 'lan0', VIP);
    expect(await asker.call('askers', 'lan0')).to.deep.equal([]);
    await host.attempt('arping', '-c', '1', '-w', '2', '-I', 'lan0', VIP);
    await until('it is known', async () => (await asker.call('askers', 'lan0')).length > 0);
    expect(await asker.call('askers', 'lan0')).to.deep.equal([`${hostMac} ${HOST_IP}`]);
    expect(await answerers(HOST_IP, { station: hostMac })).to.deep.equal([hostMac]);
  });

  it('WT-02: the next hops of default routes are known as soon as they change', async () => {
    const known = (...wanted: string[]) =>
      until(`the next hops are ${wanted}`, async () => String(await asker.call('gateways', 'lan0')) === String(wanted));
    await known();
    asker.run('ip', 'route', 'add', 'default', 'via', HOST_IP);
    await known(HOST_IP);
    asker.run('ip', '-6', 'route', 'add', 'default', 'via', HOST_IP6, 'dev', 'lan0');
    await known(HOST_IP, HOST_IP6);
    asker.run('ip', 'route', 'add', '198.51.100.0/24', 'via', '203.0.113.10');
    asker.run('ip', 'route', 'replace', 'default', 'via', '203.0.113.10');
    await known('203.0.113.10', HOST_IP6);
    asker.run('ip', 'route', 'delete', 'default');
    asker.run('ip', '-6', 'route', 'delete', 'default');
    await known();
  });
});
