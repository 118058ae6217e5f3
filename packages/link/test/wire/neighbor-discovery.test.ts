// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { eachEngine } from '../support/each-engine.ts';
import {
  ALL_NODES,
  ALL_NODES_MAC,
  ipHex,
  isNeighborDiscovery,
  macHex,
  type NdpFields,
  readNdp,
  solicitation,
} from '../support/ndp-text.ts';
import { until, type WireHost, WireLan } from '../support/wire-lan.ts';

const CLIENT_IP = '2001:db8:5::99';
const VIP = '2001:db8:5::7';
const OTHER_VIP = '2001:db8:5::8';
const ADVERTISEMENT = 136;
const SOLICITED = 0x40;
const OVERRIDE = 0x20;
const REFRESH_MS = 1200;

eachEngine('neighbor discovery on the wire', (engine) => {
  let lan: WireLan;
  let client: WireHost;
  let owner: WireHost;
  let mac: string;
  let ownerMac: string;

  before(async () => {
    lan = await WireLan.up({ client: { addresses: [`${CLIENT_IP}/64`] }, owner: {}, second: {} }, engine);
    client = lan.host('client');
    owner = lan.host('owner');
    await client.call('watch', 'lan0', 'ipv6');
    mac = await client.call('macOf', 'lan0');
    ownerMac = await owner.call('macOf', 'lan0');
    for (const name of ['owner', 'second']) {
      await lan.host(name).call('answerOn', 'lan0');
      await lan.host(name).call('keepFence', 1000);
    }
    await owner.call('replace', [VIP, 'lan0']);
  });

  after(() => lan.down());

  beforeEach(async () => {
    await owner.call('replace', [VIP, 'lan0']);
    client.seen.length = 0;
  });

  function advertisements(vip: string): NdpFields[] {
    const messages = client.seen.filter(({ hex }) => isNeighborDiscovery(hex)).map(({ hex }) => readNdp(hex));
    return messages.filter((message) => message.type === ADVERTISEMENT && message.target === ipHex(vip));
  }

  async function answerTo(hex: string): Promise<NdpFields | undefined> {
    await client.call('send', 'lan0', hex);
    await until('an advertisement comes', () => advertisements(VIP).length > 0);
    return advertisements(VIP)[0];
  }

  /**
   * Sends the frames, then a good question for another VIP; frames keep their order, so silence to the ones before is
   * proved.
   */
  async function askThenKnown(...hexes: string[]): Promise<void> {
    await owner.call('replace', [VIP, 'lan0'], [OTHER_VIP, 'lan0']);
    for (const hex of hexes) await client.call('send', 'lan0', hex);
    await client.call('send', 'lan0', solicitation({ mac, from: CLIENT_IP, target: OTHER_VIP }));
    await until('the known question is answered', () => advertisements(OTHER_VIP).length > 0);
  }

  it('ND-04: answers a question with a unicast advertisement', async () => {
    expect(await answerTo(solicitation({ mac, from: CLIENT_IP, target: VIP }))).to.deep.equal({
      destination: mac,
      source: ownerMac,
      hopLimit: 255,
      ipSource: ipHex(VIP),
      ipDestination: ipHex(CLIENT_IP),
      type: ADVERTISEMENT,
      flags: SOLICITED | OVERRIDE,
      target: ipHex(VIP),
      option: `0201${macHex(ownerMac)}`,
    });
  });

  it('ND-05: sets Override in every advertisement', async () => {
    const toOwner = { mac: ownerMac, ip: VIP };
    for (const question of [
      solicitation({ mac, from: CLIENT_IP, target: VIP }),
      solicitation({ mac, from: '::', target: VIP, option: 'none' }),
      solicitation({ mac, from: CLIENT_IP, target: VIP, to: toOwner, option: 'none' }),
    ]) {
      client.seen.length = 0;
      expect((await answerTo(question))?.flags).to.satisfy((flags: number) => (flags & OVERRIDE) !== 0);
    }
  });

  it('ND-06: answers duplicate detection to all nodes, not solicited', async () => {
    const answer = await answerTo(solicitation({ mac, from: '::', target: VIP, option: 'none' }));
    expect(answer).to.include({ destination: ALL_NODES_MAC, ipDestination: ipHex(ALL_NODES), flags: OVERRIDE });
  });

  it('ND-07: answers a unicast question without an option', async () => {
    const to = { mac: ownerMac, ip: VIP };
    const answer = await answerTo(solicitation({ mac, from: CLIENT_IP, target: VIP, to, option: 'none' }));
    expect(answer).to.include({ destination: mac, ipDestination: ipHex(CLIENT_IP), flags: SOLICITED | OVERRIDE });
  });

  it('ND-08, HO-14: drops hop limits 1, 64 and 254, counts them, and answers 255 with 255', async () => {
    const before = (await owner.call('outcomes'))['ndp-hop-limit'] ?? 0;
    const questions = [1, 64, 254].map((hopLimit) => solicitation({ mac, from: CLIENT_IP, target: VIP, hopLimit }));
    await askThenKnown(...questions);
    expect(advertisements(VIP)).to.deep.equal([]);
    expect((await owner.call('outcomes'))['ndp-hop-limit']).to.equal(before + 3);
    expect((await answerTo(solicitation({ mac, from: CLIENT_IP, target: VIP })))?.hopLimit).to.equal(255);
  });

  it('is silent for a VIP of another node, and for one that was withdrawn', async () => {
    await askThenKnown(solicitation({ mac, from: CLIENT_IP, target: '2001:db8:5::9' }));
    expect(advertisements('2001:db8:5::9')).to.deep.equal([]);
    await owner.call('replace', [OTHER_VIP, 'lan0']);
    client.seen.length = 0;
    await client.call('send', 'lan0', solicitation({ mac, from: CLIENT_IP, target: VIP }));
    await client.call('send', 'lan0', solicitation({ mac, from: CLIENT_IP, target: OTHER_VIP }));
    await until('the known question is answered', () => advertisements(OTHER_VIP).length > 0);
    expect(advertisements(VIP)).to.deep.equal([]);
  });

  it('answers a padded question, and a tagged one only on its own segment', async () => {
    const good = solicitation({ mac, from: CLIENT_IP, target: VIP });
    await askThenKnown(`${good.slice(0, 24)}8100000a${good.slice(24)}`);
    expect(advertisements(VIP)).to.deep.equal([]);
    await answerTo(`${good}${'00'.repeat(20)}`);
  });

  it('counts requests, replies and claims of the VIP', async () => {
    await owner.call('replace');
    await owner.call('replace', [VIP, 'lan0']);
    await answerTo(solicitation({ mac, from: CLIENT_IP, target: VIP }));
    await askThenKnown(solicitation({ mac, from: VIP, target: '2001:db8:5::9' }));
    const row = (await owner.call('vipCounters')).find((one) => one.vip === VIP);
    expect(row).to.deep.include({ requests: 1, replies: 1, claims: 1, claimant: mac });
  });

  it('is understood by a kernel, which learns the owner’s MAC', async () => {
    client.run('ip', '-6', 'neighbor', 'flush', 'dev', 'lan0');
    const hasAddress = () => !client.run('ip', '-6', 'address', 'show', 'dev', 'lan0').includes('tentative');
    await until('the client’s addresses are its own', hasAddress);
    await client.attempt('bash', '-c', `echo > /dev/udp/${VIP}/9`);
    const lladdr = () => JSON.parse(client.run('ip', '-json', '-6', 'neighbor', 'show', 'to', VIP))[0]?.lladdr;
    await until('the kernel has learned a MAC', () => lladdr() !== undefined);
    expect(lladdr()).to.equal(ownerMac);
  });

  it('HO-13: a Linux host that takes the VIP marks it dadfailed', async () => {
    client.run('ip', '-6', 'address', 'add', `${VIP}/64`, 'dev', 'lan0');
    const shown = () => client.run('ip', '-6', 'address', 'show', 'dev', 'lan0', 'to', VIP);
    await until('duplicate detection has failed', () => shown().includes('dadfailed'));
    await until('the answer to it is seen', () => advertisements(VIP).length > 0);
    expect(advertisements(VIP)[0]).to.include({ ipDestination: ipHex(ALL_NODES), flags: OVERRIDE });
    client.run('ip', '-6', 'address', 'delete', `${VIP}/64`, 'dev', 'lan0');
  });

  it('ND-13: announces itself three times, a second apart, before the slow refresh', async () => {
    await owner.call('own', REFRESH_MS, [VIP, 'lan0']);
    const unasked = () =>
      client.seen.filter(({ hex }) => isNeighborDiscovery(hex) && readNdp(hex).target === ipHex(VIP));
    await until('four are seen', () => unasked().length >= 4, 8000);
    for (const { hex } of unasked()) {
      expect(readNdp(hex)).to.include({
        destination: ALL_NODES_MAC,
        source: ownerMac,
        hopLimit: 255,
        ipDestination: ipHex(ALL_NODES),
        flags: OVERRIDE,
        option: `0201${macHex(ownerMac)}`,
      });
    }
    const gapsMs = unasked()
      .slice(1)
      .map(({ atMs }, index) => atMs - (unasked()[index]?.atMs ?? 0));
    // The client's clock reads late by as much as its process waits for the CPU.
    for (const gapMs of gapsMs) expect(gapMs).to.be.greaterThan(900);
  });
});

eachEngine('solicited-node groups on the wire', (engine) => {
  let lan: WireLan;
  let client: WireHost;
  let owner: WireHost;

  beforeEach(async () => {
    lan = await WireLan.up({ client: {}, owner: {} }, engine);
    client = lan.host('client');
    owner = lan.host('owner');
    await owner.call('answerOn', 'lan0');
  });

  afterEach(() => lan.down());

  /** The solicited-node groups of VIPs, as the kernel of the owner has them: low 24 bits below 0x100. */
  function joinedOn(ifname: string): string[] {
    const rows = owner.run('cat', '/proc/net/igmp6').trim().split('\n');
    const groups = rows.map((row) => row.trim().split(/\s+/)).filter(([, name]) => name === ifname);
    return groups.map(([, , group = '']) => group).filter((group) => /^ff02.*01ff0000..$/.test(group));
  }

  function groupOf(low: string): string {
    return ipHex(`ff02::1:ff00:${low}`);
  }

  it('ND-02: joins, which is reported on the wire; once for two VIPs, left after the second goes', async () => {
    await client.call('watch', 'lan0', 'ipv6');
    await owner.call('replace', [VIP, 'lan0'], ['2001:db8:6::7', 'lan0']);
    expect(joinedOn('lan0')).to.deep.equal([groupOf('7')]);
    await until('a report with the group is seen', () => client.seen.some(({ hex }) => hex.includes(groupOf('7'))));
    await owner.call('replace', ['2001:db8:6::7', 'lan0']);
    expect(joinedOn('lan0')).to.deep.equal([groupOf('7')]);
    await owner.call('replace');
    expect(joinedOn('lan0')).to.deep.equal([]);
  });

  it('ND-03, HO-15: an interface that comes later, or goes down and up, is in the groups of all VIPs', async () => {
    const vips = ['7', '8', '9'].map((low) => `2001:db8:5::${low}`);
    const rowsOf = (...ifnames: string[]) => vips.map((vip): [string, ...string[]] => [vip, ...ifnames]);
    await owner.call('replace', ...rowsOf('lan0'));
    owner.run('ip', 'link', 'add', 'lan1', 'type', 'veth', 'peer', 'name', 'far1');
    for (const name of ['lan1', 'far1']) owner.run('ip', 'link', 'set', name, 'up');
    await until('the new interface is known', async () => (await owner.call('linkNames')).includes('lan1'));
    await owner.call('replace', ...rowsOf('lan0', 'lan1'));
    expect(joinedOn('lan1')).to.deep.equal([]);
    await owner.call('answerOn', 'lan1');
    expect(joinedOn('lan1').sort()).to.deep.equal(['7', '8', '9'].map(groupOf));
    owner.run('ip', 'link', 'set', 'lan1', 'down');
    owner.run('ip', 'link', 'set', 'lan1', 'up');
    expect(joinedOn('lan1').sort()).to.deep.equal(['7', '8', '9'].map(groupOf));
    await owner.call('replace', ...rowsOf('lan0', 'lan1').slice(1));
    expect(joinedOn('lan1').sort()).to.deep.equal(['8', '9'].map(groupOf));
    await owner.call('replace');
    expect([...joinedOn('lan0'), ...joinedOn('lan1')]).to.deep.equal([]);
  });

  it('leaves all groups when the process is killed', async () => {
    await owner.call('replace', [VIP, 'lan0']);
    expect(joinedOn('lan0')).to.have.length(1);
    owner.signal('SIGKILL');
    await owner.ended();
    await until('the groups are left', () => joinedOn('lan0').length === 0);
  });
});
