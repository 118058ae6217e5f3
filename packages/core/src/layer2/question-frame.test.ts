// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import type { IpAddress } from '../net/ip-address.ts';
import { ip, mac } from '../net/testing.ts';
import { questionFrame } from './question-frame.ts';
import { respondToArp } from './respond.ts';
import { respondToNdp } from './respond-ndp.ts';

const OWN = mac(1);
const OWNER = mac(2);
const V4 = ip('203.0.113.20');
const V6 = ip('2001:db8:5::7');

describe('questionFrame', () => {
  it('asks everybody for an IPv4 address, from an own one', () => {
    expect(hex(questionFrame(V4, { mac: OWN, ip: ip('203.0.113.9') }))).to.equal(
      'ffffffffffff 00005e005301 0806 0001 0800 06 04 0001 00005e005301 cb007109 000000000000 cb007114'.replaceAll(
        ' ',
        '',
      ),
    );
  });

  it('asks one station alone', () => {
    expect(hex(questionFrame(V4, { mac: OWN, ip: ip('203.0.113.9') }, OWNER))).to.match(/^00005e005302/);
    expect(hex(questionFrame(V6, { mac: OWN, ip: ip('fe80::1') }, OWNER))).to.match(/^00005e005302/);
  });

  it('asks the solicited-node group for an IPv6 address', () => {
    expect(hex(questionFrame(V6, { mac: OWN, ip: ip('fe80::1') }))).to.match(/^3333ff000007/);
  });

  for (const [name, target, own] of [
    ['IPv4', V4, ip('203.0.113.9')],
    ['IPv4 without an own address', V4, undefined],
    ['IPv6', V6, ip('fe80::1')],
    ['IPv6 without an own address', V6, undefined],
  ] as const)
    for (const station of [undefined, OWNER])
      it(`is answered by the owner: ${name}, to ${station ? 'it alone' : 'everybody'}`, () => {
        const answers = target.family === 'IPv4' ? respondToArp : respondToNdp;
        const frame = questionFrame(target, { mac: OWN, ip: own }, station);
        const placeOf = (one: IpAddress) => (one.equals(target) ? 'here' : 'nowhere');
        const decision = answers(frame, { mac: OWNER, fence: 'holds', placeOf });
        // Without an address of its own the asker can be reached by the group of all nodes alone (RFC 4861, 7.2.4).
        const isNameless = own === undefined && target.family === 'IPv6';
        expect(decision.ok && hex(decision.frame).slice(0, 12)).to.equal(isNameless ? '333300000001' : '00005e005301');
      });
});

function hex(frame: Uint8Array): string {
  return Array.from(frame, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
