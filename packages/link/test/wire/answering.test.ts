// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { type ArpFields, BROADCAST, NO_IP, question, readArp } from '../support/arp-text.ts';
import { eachEngine } from '../support/each-engine.ts';
import { until, type WireHost, WireLan } from '../support/wire-lan.ts';

const CLIENT_IP = '203.0.113.99';
const VIP = '203.0.113.20';
const OTHER_VIP = '203.0.113.21';

eachEngine('answering on the wire', (engine) => {
  let lan: WireLan;
  let client: WireHost;
  let owner: WireHost;
  let clientMac: string;
  let ownerMac: string;

  before(async () => {
    lan = await WireLan.up({ client: { addresses: [`${CLIENT_IP}/24`] }, owner: {}, second: {}, third: {} }, engine);
    client = lan.host('client');
    owner = lan.host('owner');
    await client.call('watch', 'lan0');
    clientMac = await client.call('macOf', 'lan0');
    ownerMac = await owner.call('macOf', 'lan0');
    for (const name of ['owner', 'second', 'third']) {
      await lan.host(name).call('answerOn', 'lan0');
      await lan.host(name).call('keepFence', 1000);
    }
  });

  after(() => lan.down());

  beforeEach(async () => {
    await owner.call('replace', [VIP, 'lan0']);
    client.seen.length = 0;
  });

  function repliesFor(ip: string): ArpFields[] {
    return client.seen.map(({ hex }) => readArp(hex)).filter((arp) => arp.operation === 2 && arp.senderIp === ip);
  }

  async function ask(...hexes: string[]): Promise<void> {
    for (const hex of hexes) await client.call('send', 'lan0', hex);
  }

  // Frames keep their order, and one thread answers: once the last question is answered, silence to the ones before is
  // proved.
  async function askThenKnown(...hexes: string[]): Promise<void> {
    await owner.call('replace', [VIP, 'lan0'], [OTHER_VIP, 'lan0']);
    await ask(...hexes, question(clientMac, CLIENT_IP, OTHER_VIP));
    await until('the known question is answered', () => repliesFor(OTHER_VIP).length > 0);
  }

  it('AR-02: answers a broadcast request with a unicast reply', async () => {
    await ask(question(clientMac, CLIENT_IP, VIP));
    await until('a reply comes', () => repliesFor(VIP).length > 0);
    expect(repliesFor(VIP)).to.deep.equal([
      {
        destination: clientMac,
        source: ownerMac,
        operation: 2,
        senderMac: ownerMac,
        senderIp: VIP,
        targetMac: clientMac,
        targetIp: CLIENT_IP,
      },
    ]);
  });

  it('AR-03: answers a unicast request to its MAC, not one to another host’s', async () => {
    await owner.run('ip', 'link', 'set', 'lan0', 'promisc', 'on');
    const stranger = '02:00:5e:00:53:77';
    await askThenKnown(
      question(clientMac, CLIENT_IP, VIP, { destination: stranger, senderIp: '203.0.113.98' }),
      question(clientMac, CLIENT_IP, VIP, { destination: ownerMac }),
    );
    expect(repliesFor(VIP).map((arp) => arp.targetIp)).to.deep.equal([CLIENT_IP]);
    await owner.run('ip', 'link', 'set', 'lan0', 'promisc', 'off');
  });

  it('AR-04: never answers a reply', async () => {
    await askThenKnown(question(clientMac, CLIENT_IP, VIP, { operation: 2 }));
    expect(repliesFor(VIP)).to.deep.equal([]);
  });

  it('AR-05: stays silent for an IP that the node does not own', async () => {
    await askThenKnown(question(clientMac, CLIENT_IP, '203.0.113.22'));
    expect(repliesFor('203.0.113.22')).to.deep.equal([]);
  });

  it('AR-06: exactly one of many speakers answers', async () => {
    await ask(question(clientMac, CLIENT_IP, VIP));
    await until('a reply comes', () => repliesFor(VIP).length > 0);
    // The others have looked at the question and said why they are silent.
    for (const name of ['second', 'third']) {
      await until(
        `${name} has seen it`,
        async () => ((await lan.host(name).call('outcomes'))['unknown-target'] ?? 0) > 0,
      );
    }
    expect(repliesFor(VIP).map((arp) => arp.source)).to.deep.equal([ownerMac]);
  });

  it('AR-07: answers a probe, so that the prober sees the conflict', async () => {
    await ask(question(clientMac, NO_IP, VIP));
    await until('a reply comes', () => repliesFor(VIP).length > 0);
    expect(repliesFor(VIP)[0]).to.include({ destination: clientMac, targetMac: clientMac, targetIp: NO_IP });
  });

  it('HO-10: a probe for the VIP has exactly one reply among three speakers, from the owner to the prober', async () => {
    const seenBefore = await lan.host('third').call('outcomes');
    await ask(question(clientMac, NO_IP, VIP));
    await until('a reply comes', () => repliesFor(VIP).length > 0);
    const seen = async () => (await lan.host('third').call('outcomes'))['unknown-target'] ?? 0;
    await until('the last speaker has looked at it', async () => (await seen()) > (seenBefore['unknown-target'] ?? 0));
    expect(repliesFor(VIP)).to.deep.equal([
      {
        destination: clientMac,
        source: ownerMac,
        operation: 2,
        senderMac: ownerMac,
        senderIp: VIP,
        targetMac: clientMac,
        targetIp: NO_IP,
      },
    ]);
  });

  it('AR-08: does not answer a foreign announcement but counts the claim and its MAC', async () => {
    await askThenKnown(
      question(clientMac, VIP, VIP),
      question(clientMac, VIP, VIP, { operation: 2, destination: BROADCAST }),
    );
    expect(repliesFor(VIP).filter((arp) => arp.source === ownerMac)).to.deep.equal([]);
    const row = (await owner.call('vipCounters')).find((one) => one.vip === VIP);
    expect(row).to.include({ claims: 2, claimant: clientMac });
  });

  it('AR-11: a withdrawn VIP is not answered any more when the call returns', async () => {
    for (let round = 0; round < 20; round++) {
      client.seen.length = 0;
      await owner.call('replace', [VIP, 'lan0'], [OTHER_VIP, 'lan0']);
      await owner.call('replace', [OTHER_VIP, 'lan0']);
      await ask(question(clientMac, CLIENT_IP, VIP), question(clientMac, CLIENT_IP, OTHER_VIP));
      await until('the known question is answered', () => repliesFor(OTHER_VIP).length > 0);
      expect(repliesFor(VIP)).to.deep.equal([]);
    }
  });

  it('counts requests and replies of each VIP, and keeps the counters while the VIP stays', async () => {
    await owner.call('replace');
    await owner.call('replace', [VIP, 'lan0']);
    await ask(question(clientMac, CLIENT_IP, VIP), question(clientMac, CLIENT_IP, VIP));
    await until('two replies come', () => repliesFor(VIP).length === 2);
    await owner.call('replace', [OTHER_VIP, 'lan0'], [VIP, 'lan0']);
    const rows = await owner.call('vipCounters');
    expect(rows.find((row) => row.vip === VIP)).to.include({ requests: 2, replies: 2, claims: 0 });
    expect(rows.find((row) => row.vip === OTHER_VIP)).to.include({ requests: 0, replies: 0 });
  });

  it('is understood by a kernel: ip neigh learns the owner’s MAC', async () => {
    client.run('ip', 'neighbor', 'flush', 'dev', 'lan0');
    await client.attempt('bash', '-c', `echo > /dev/udp/${VIP}/9`);
    const lladdr = () => JSON.parse(client.run('ip', '-json', 'neighbor', 'show', 'to', VIP))[0]?.lladdr;
    await until('the kernel has learned a MAC', () => lladdr() !== undefined);
    expect(lladdr()).to.equal(ownerMac);
  });

  it('is understood by arping, which hears one answer', async () => {
    const { code, output } = await client.attempt('arping', '-c', '1', '-w', '2', '-I', 'lan0', VIP);
    expect(code).to.equal(0);
    expect(output.toLowerCase()).to.contain(`from ${VIP} [${ownerMac}]`);
  });
});

eachEngine('answering on several interfaces', (engine) => {
  let lan: WireLan;

  before(async () => {
    lan = await WireLan.up({ client: {}, owner: {} }, engine);
    const owner = lan.host('owner');
    // A second interface on the same segment would be a second answer; so it gets a segment of its own.
    owner.run('ip', 'link', 'add', 'lan1', 'type', 'veth', 'peer', 'name', 'far1');
    for (const name of ['lan1', 'far1']) owner.run('ip', 'link', 'set', name, 'up');
    await until('the new interface is known', async () => (await owner.call('linkNames')).includes('lan1'));
    await owner.call('answerOn', 'lan0', 'lan1');
    await owner.call('keepFence', 1000);
  });

  after(() => lan.down());

  it('AR-05: owned, but the interface is not allowed: silence there only', async () => {
    const client = lan.host('client');
    const owner = lan.host('owner');
    await owner.call('replace', [VIP, 'lan1'], [OTHER_VIP, 'lan0']);
    await client.call('watch', 'lan0');
    await owner.call('watch', 'far1');
    const clientMac = await client.call('macOf', 'lan0');
    const farMac = await owner.call('macOf', 'far1');
    await client.call('send', 'lan0', question(clientMac, CLIENT_IP, VIP));
    await client.call('send', 'lan0', question(clientMac, CLIENT_IP, OTHER_VIP));
    await owner.call('send', 'far1', question(farMac, CLIENT_IP, VIP));
    const answered = (host: WireHost) => host.seen.map(({ hex }) => readArp(hex)).filter((arp) => arp.operation === 2);
    await until('both are answered', () => answered(client).length > 0 && answered(owner).length > 0);
    expect(answered(client).map((arp) => arp.senderIp)).to.deep.equal([OTHER_VIP]);
    expect(answered(owner).map((arp) => arp.senderIp)).to.deep.equal([VIP]);
    expect((await owner.call('outcomes'))['other-interface']).to.equal(1);
  });

  it('forgets the interface when it is detached', async () => {
    const owner = lan.host('owner');
    owner.seen.length = 0;
    await owner.call('replace', [VIP, 'lan1']);
    await owner.call('detach', 'lan1');
    const farMac = await owner.call('macOf', 'far1');
    await owner.call('send', 'far1', question(farMac, CLIENT_IP, VIP));
    await owner.call('answerOn', 'lan1');
    await owner.call('send', 'far1', question(farMac, '203.0.113.97', VIP));
    await until('the second question is answered', () => owner.seen.some(({ hex }) => readArp(hex).operation === 2));
    const replies = owner.seen.map(({ hex }) => readArp(hex)).filter((arp) => arp.operation === 2);
    expect(replies.map((arp) => arp.targetIp)).to.deep.equal(['203.0.113.97']);
  });
});

eachEngine('answering on an interface above another', (engine) => {
  let lan: WireLan;
  let client: WireHost;
  let owner: WireHost;

  beforeEach(async () => {
    lan = await WireLan.up({ client: { addresses: [`${CLIENT_IP}/24`] }, owner: {} }, engine);
    client = lan.host('client');
    owner = lan.host('owner');
  });

  afterEach(() => lan.down());

  async function answersOn(ifname: string): Promise<void> {
    owner.run('ip', 'link', 'set', ifname, 'up');
    await until('the interface is known', async () => (await owner.call('linkNames')).includes(ifname));
    await owner.call('answerOn', ifname);
    await owner.call('keepFence', 1000);
    await owner.call('replace', [VIP, ifname]);
    const mac = await owner.call('macOf', ifname);
    const { code, output } = await client.attempt('arping', '-c', '1', '-w', '3', '-I', 'lan0', VIP);
    expect(code).to.equal(0);
    expect(output.toLowerCase()).to.contain(`[${mac}]`);
  }

  it('answers on a bridge whose member the cable is', async () => {
    owner.run('ip', 'link', 'add', 'br1', 'type', 'bridge');
    owner.run('ip', 'link', 'set', 'lan0', 'master', 'br1');
    await answersOn('br1');
  });

  it('answers on a macvlan with a MAC of its own', async () => {
    owner.run('ip', 'link', 'add', 'mac0', 'link', 'lan0', 'type', 'macvlan', 'mode', 'bridge');
    await answersOn('mac0');
  });
});
