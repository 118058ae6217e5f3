// SPDX-License-Identifier: Apache-2.0
import type { MacAddress } from '@berth/core';
import type { ResolveResult } from '@berth/link';
import { FakeClock, settle } from '@berth/runtime/testing';
import { expect } from 'chai';
import type { Segment } from '../layer2/segments.ts';
import { ip, mac } from '../testing.ts';
import type { WiredSegment } from './first-use.ts';
import { SelfTest } from './self-test.ts';

const LAN: Segment = { ifindex: 2, ifname: 'eth0', mac: mac(1), families: ['IPv4'] };
const VIP = ip('192.0.2.20');
const OWN = ip('192.0.2.30');
const [OWNER, STRANGER] = [mac(2), mac(0x99)];

describe('SelfTest', () => {
  let clock: FakeClock;
  let answers: MacAddress[];
  let asked: string[];
  let owner: string;
  let members: string[];
  let told: string[];
  let selfTest: SelfTest;

  beforeEach(() => {
    clock = new FakeClock(new Date(0));
    answers = [OWNER];
    asked = [];
    owner = 'node-2';
    members = ['node-2'];
    told = [];
    selfTest = new SelfTest({
      clock,
      nodeName: 'node-1',
      prober: {
        resolve: ({ candidate }) => {
          asked.push(String(candidate));
          const result: ResolveResult = { end: 'heard', macs: answers };
          return Promise.resolve(result);
        },
      },
      joined: () => [wired()],
    });
    selfTest.changes.subscribe(({ vip, why, macs }, change, of) => told.push(`${change} ${vip} ${why} ${macs} ${of}`));
    selfTest.start();
  });

  // Identity, claims, wishes and members are all that is looked at.
  function wired(): WiredSegment {
    const claim = (node: string) => new Map(node === owner ? [[String(VIP), { vip: VIP, term: 1 }]] : []);
    const state = {
      phase: 'active',
      company: { steadiness: 'steady' },
      self: { node: 'node-1', bootId: 'node-1', mac: mac(1) },
      desired: new Map([VIP, OWN].map((vip) => [String(vip), { vip }])),
      claims: new Map([[String(OWN), { vip: OWN, term: 1 }]]),
      members: members.map((node) => ({ node, bootId: node, mac: OWNER, claims: claim(node) })),
    };
    return { segment: LAN, loop: { state } } as unknown as WiredSegment;
  }

  it('asks once a round for a VIP of another, not for its own, and says what is covered', async () => {
    await clock.advance(29_000);
    expect(asked).to.deep.equal([String(VIP)]);
    expect(selfTest.coveredSeconds).to.equal(undefined);
    await clock.advance(32_000);
    expect(asked).to.deep.equal([String(VIP), String(VIP)]);
    expect(selfTest.coveredSeconds).to.equal(31);
    expect([selfTest.counts.right, ...told]).to.deep.equal([2]);
  });

  for (const { name, macs, why } of [
    { name: 'no one answers', macs: [], why: 'no-answer' },
    { name: 'a stranger answers', macs: [STRANGER], why: 'wrong-answer' },
    { name: 'the owner and a stranger answer', macs: [OWNER, STRANGER], why: 'several-answers' },
  ])
    it(`tells after three questions that ${name}, and when that is over`, async () => {
      answers = macs;
      await clock.advance(18_000);
      expect(told).to.deep.equal([]);
      await clock.advance(3000);
      expect(told).to.deep.equal([`failed ${VIP} ${why} ${macs} node-2`]);
      expect(selfTest.unreachable().map((one) => `${one.vip} ${one.interface} ${one.why}`)).to.deep.equal([
        `${VIP} eth0 ${why}`,
      ]);
      await clock.advance(60_000);
      expect(told).to.have.length(1);
      answers = [OWNER];
      await clock.advance(16_000);
      expect(told.slice(1)).to.deep.equal([`recovered ${VIP} ${why} ${macs} node-2`]);
      expect(selfTest.unreachable()).to.deep.equal([]);
    });

  it('is not misled by an answer that was wrong for a moment', async () => {
    await clock.advance(14_500);
    answers = [];
    await clock.advance(1000);
    answers = [OWNER];
    await clock.advance(60_000);
    expect(told).to.deep.equal([]);
  });

  it('ends what it told when the VIP has another owner', async () => {
    answers = [];
    await clock.advance(30_000);
    owner = 'nobody';
    await clock.advance(1000);
    expect(told.map((line) => line.split(' ')[0])).to.deep.equal(['failed', 'recovered']);
  });

  it('has nobody to ask while it is alone, and nothing is covered then', async () => {
    await clock.advance(40_000);
    members = [];
    await clock.advance(40_000);
    expect(asked).to.have.length(1);
    expect(selfTest.coveredSeconds).to.equal(undefined);
  });

  it('asks at once when a person wants to know, for its own VIP too', async () => {
    const heard = selfTest.hear([OWN, VIP], 10);
    await settle();
    expect((await heard).map((one) => `${one.vip} ${one.owner?.node} ${one.macs}`)).to.deep.equal([
      `${OWN} node-1 ${OWNER}`,
      `${VIP} node-2 ${OWNER}`,
    ]);
    expect((await selfTest.hear('all', 10)).map(({ vip }) => String(vip))).to.deep.equal([String(VIP)]);
  });
});
