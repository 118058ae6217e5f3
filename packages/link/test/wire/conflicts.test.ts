// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { NO_IP, question, readArp } from '../support/arp-text.ts';
import { eachEngine } from '../support/each-engine.ts';
import { solicitation } from '../support/ndp-text.ts';
import { until, type WireHost, WireLan } from '../support/wire-lan.ts';

const TAKEN = '203.0.113.30';
const TAKEN_V6 = '2001:db8:5::30';
const FREE = '203.0.113.31';
const FREE_V6 = '2001:db8:5::31';
const VIP = '203.0.113.20';
const CLAIMS = 12;
const CLAIM_EVERY_MS = 1000;

describe('probing on the wire', () => {
  let lan: WireLan;
  let prober: WireHost;
  let stranger: WireHost;
  let strangerMac: string;

  before(async () => {
    lan = await WireLan.up({ prober: {}, stranger: { addresses: [`${TAKEN}/24`, `${TAKEN_V6}/64`] } });
    prober = lan.host('prober');
    stranger = lan.host('stranger');
    strangerMac = await stranger.call('macOf', 'lan0');
    await stranger.call('watch', 'lan0');
    await until(
      'the addresses are the stranger’s own',
      () => !stranger.run('ip', '-6', 'address', 'show', 'dev', 'lan0').includes('tentative'),
    );
  });

  after(() => lan.down());

  for (const times of ['quick', 'rfc'] as const) {
    for (const [taken, free] of [
      [TAKEN, FREE],
      [TAKEN_V6, FREE_V6],
    ] as const) {
      it(`finds the Linux host that has ${taken}, and nobody for ${free}, with the ${times} times`, async () => {
        const found = [prober.call('probe', 'lan0', taken, times), prober.call('probe', 'lan0', free, times)];
        expect(await Promise.all(found)).to.deep.equal([`conflict with ${strangerMac}`, 'free']);
      });
    }
  }

  it('is not hindered by a member', async () => {
    expect(await prober.call('probe', 'lan0', TAKEN, 'quick', strangerMac)).to.equal('free');
  });

  it('notices a rival that probes for the same address', async () => {
    const before = stranger.seen.length;
    const result = prober.call('probe', 'lan0', FREE, 'rfc');
    await until('it has asked', () => stranger.seen.slice(before).some(({ hex }) => readArp(hex).targetIp === FREE));
    await stranger.call('send', 'lan0', question(strangerMac, NO_IP, FREE));
    expect(await result).to.equal(`conflict with ${strangerMac}`);
  });

  it('notices a rival for the same IPv6 address, in whose group it is', async () => {
    await stranger.call('watch', 'lan0', 'ipv6');
    const before = stranger.seen.length;
    const result = prober.call('probe', 'lan0', FREE_V6, 'rfc');
    const isQuestion = (hex: string) => hex.includes('3a') && hex.includes('8700');
    await until('it has asked', () => stranger.seen.slice(before).some(({ hex }) => isQuestion(hex)));
    await stranger.call(
      'send',
      'lan0',
      solicitation({ mac: strangerMac, from: '::', target: FREE_V6, option: 'none' }),
    );
    expect(await result).to.equal(`conflict with ${strangerMac}`);
  });

  it('asks nothing that a neighbour would learn from', () => {
    const asked = stranger.seen.filter(({ hex }) => hex.slice(24, 28) === '0806').map(({ hex }) => readArp(hex));
    expect(asked.length).to.be.greaterThan(0);
    for (const arp of asked) expect(arp.senderIp).to.equal(NO_IP);
  });
});

eachEngine('defending on the wire', (engine) => {
  let lan: WireLan;
  let owner: WireHost;
  let stranger: WireHost;
  let ownerMac: string;

  before(async () => {
    lan = await WireLan.up({ owner: {}, stranger: {} }, engine);
    owner = lan.host('owner');
    stranger = lan.host('stranger');
    ownerMac = await owner.call('macOf', 'lan0');
    await stranger.call('watch', 'lan0');
    await owner.call('answerOn', 'lan0');
    await owner.call('keepFence', 1000);
    await owner.call('replace', [VIP, 'lan0']);
    await owner.call('guard', 'lan0');
  });

  after(() => lan.down());

  it('defends at most once in 10 s, raises one alarm and answers throughout', async () => {
    const mac = await stranger.call('macOf', 'lan0');
    for (let claim = 0; claim < CLAIMS; claim++) {
      await stranger.call('send', 'lan0', question(mac, VIP, VIP));
      await stranger.call('send', 'lan0', question(mac, `203.0.113.${100 + claim}`, VIP));
      // The rate of the claims is what this test is about.
      await delay(CLAIM_EVERY_MS);
    }
    const heard = stranger.seen.map(({ hex, atMs }) => ({ ...readArp(hex), atMs }));
    const answers = heard.filter((arp) => arp.operation === 2 && arp.source === ownerMac);
    expect(new Set(answers.map((arp) => arp.targetIp)).size).to.equal(CLAIMS);
    const defences = heard.filter((arp) => arp.operation === 1 && arp.source === ownerMac && arp.senderIp === VIP);
    expect(defences).to.have.length(2);
    expect((defences[1]?.atMs ?? 0) - (defences[0]?.atMs ?? 0)).to.be.greaterThan(9900);
    expect(await owner.call('alarms')).to.deep.equal([`${VIP} ${mac}`]);
  });
});
