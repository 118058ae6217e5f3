// SPDX-License-Identifier: Apache-2.0
import type { IpAddress } from '@berth/core';
import type { Question } from '@berth/link';
import { expect } from 'chai';
import { ip, mac } from '../testing.ts';
import { SegmentQuestions, type SegmentQuestionsOptions } from './segment-questions.ts';

const VIP = ip('192.0.2.20');
const GATEWAY = ip('192.0.2.1');

describe('SegmentQuestions', () => {
  let asked: string[];
  let came: string[];

  beforeEach(() => {
    asked = [];
    came = [];
  });

  function questions(changes: Partial<SegmentQuestionsOptions> = {}): SegmentQuestions {
    return new SegmentQuestions({
      inquiry: {
        ask: ({ target, stations, audience }: Question) => {
          asked.push([target, ...stations, audience].join(' '));
        },
        drain: () => asked.push('drain'),
        close: () => asked.push('close'),
      },
      answers: {
        onAnswered: (vip, one) => came.push(`${vip} ${one}`),
        onWitnessed: () => came.push('witnessed'),
        onIdentified: (one, kind) => came.push(`${one} ${kind}`),
      },
      gateways: () => [],
      askers: () => [],
      isOurs: (one) => one.equals(mac(2)),
      kindOf: async () => 'stranger',
      nodeAddresses: () => new Set(['192.0.2.2', '192.0.2.3']),
      ...changes,
    });
  }

  const asker = (last: number, address: IpAddress = ip(`192.0.2.${last}`)) => ({ mac: mac(last), ip: address });

  it('BL-03: asks the station of the owner and everybody, and gives each answer', () => {
    const one = questions();
    one.askOwner(VIP, mac(2));
    expect(asked).to.deep.equal([`192.0.2.20 ${mac(2)} everybody`]);
    one.heard(VIP, mac(2));
    one.heard(VIP, mac(9));
    expect(came).to.deep.equal([`192.0.2.20 ${mac(2)}`, `192.0.2.20 ${mac(9)}`]);
    expect(one.counts).to.deep.equal({ asked: { owner: 1, witness: 0 }, answered: { owner: 2, witness: 0 } });
  });

  it('BL-03: asks everybody where no owner is known', () => {
    questions().askOwner(VIP, undefined);
    expect(asked).to.deep.equal(['192.0.2.20 everybody']);
  });

  it('BL-10: finds out whose a station is, a member at once', async () => {
    const one = questions();
    one.identify(mac(2));
    expect(came).to.deep.equal([`${mac(2)} node`]);
    one.identify(mac(9));
    await Promise.resolve();
    expect(came[1]).to.equal(`${mac(9)} stranger`);
  });

  it('WT-03: takes no node for a witness whose speaker was never heard, be it a next hop or a host that asked', () => {
    const node = ip('192.0.2.3');
    questions({ gateways: () => [node], askers: () => [asker(3, node), asker(50)] }).askWitnesses();
    expect(asked).to.deep.equal([`192.0.2.50 ${mac(50)} stations`]);
  });

  it('WT-03: finds hosts behind any number of nodes that asked later', () => {
    const all = [
      ...Array.from({ length: 20 }, (_, index) => ({ mac: mac(2), ip: ip(`192.0.2.${100 + index}`) })),
      asker(50),
    ];
    questions({ askers: (atMost) => all.slice(0, atMost) }).askWitnesses();
    expect(asked).to.deep.equal([`192.0.2.50 ${mac(50)} stations`]);
  });

  it('WT-02: asks next hops first, then hosts that asked for VIPs where they were seen', () => {
    questions({ gateways: () => [GATEWAY], askers: () => [asker(50), asker(51)] }).askWitnesses();
    expect(asked).to.deep.equal([
      '192.0.2.1 everybody',
      `192.0.2.50 ${mac(50)} stations`,
      `192.0.2.51 ${mac(51)} stations`,
    ]);
  });

  it('WT-03: takes neither members nor itself for witnesses', () => {
    const one = questions({
      gateways: () => [ip('192.0.2.2'), GATEWAY],
      askers: () => [asker(2, ip('192.0.2.60')), asker(3, ip('192.0.2.2'))],
    });
    one.askWitnesses();
    expect(asked).to.deep.equal(['192.0.2.1 everybody']);
    // A member is the gateway.
    one.heard(GATEWAY, mac(2));
    expect(came).to.deep.equal([]);
    one.heard(GATEWAY, mac(1));
    expect(came).to.deep.equal(['witnessed']);
  });

  it('asks a next hop alone too once it is known where it answers from', () => {
    const one = questions({ gateways: () => [GATEWAY] });
    one.askWitnesses();
    one.heard(GATEWAY, mac(1));
    one.askWitnesses();
    expect(asked[1]).to.equal(`192.0.2.1 ${mac(1)} everybody`);
  });

  it('WT-03: asks no more than eight witnesses, four of them next hops', () => {
    const many = (count: number, from: number) => Array.from({ length: count }, (_, index) => from + index);
    questions({
      gateways: () => many(9, 100).map((last) => ip(`192.0.2.${last}`)),
      askers: (atMost) => many(atMost, 50).map((last) => asker(last)),
    }).askWitnesses();
    expect(asked).to.have.length(8);
    expect(asked.filter((one) => one.endsWith('everybody'))).to.have.length(4);
  });

  it('WT-02: asks nobody where no witness is known', () => {
    const one = questions();
    one.askWitnesses();
    expect([asked, one.counts.asked.witness]).to.deep.equal([[], 0]);
  });
});
