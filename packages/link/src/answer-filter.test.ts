// SPDX-License-Identifier: Apache-2.0
import { arpFrame, gratuitousArp, IpAddress, MacAddress, questionFrame, unsolicitedAdvertisement } from '@berth/core';
import { expect } from 'chai';
import { answerFilter, noFrames } from './answer-filter.ts';
import { runFilter } from './testing.ts';

const V4 = IpAddress.of('IPv4', 0xcb007114n);
const V6 = IpAddress.of('IPv6', 0x20010db8_00050000_00000000_00000007n);
const MAC = MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, 1)) ?? MacAddress.ZERO;

const ANSWER = { senderHardwareAddr: MAC, senderProtocolAddr: V4, targetHardwareAddr: MAC, targetProtocolAddr: V4 };

describe('answerFilter', () => {
  for (const { name, family, frame, isKept } of [
    { name: 'an ARP reply', family: 'IPv4', frame: arpFrame({ operation: 2, ...ANSWER }, MAC), isKept: true },
    { name: 'a question', family: 'IPv4', frame: questionFrame(V4, { mac: MAC, ip: V4 }), isKept: false },
    { name: 'an announcement as a request', family: 'IPv4', frame: gratuitousArp('request', V4, MAC), isKept: false },
    { name: 'an advertisement', family: 'IPv6', frame: unsolicitedAdvertisement(V6, MAC), isKept: true },
    { name: 'a solicitation', family: 'IPv6', frame: questionFrame(V6, { mac: MAC, ip: V6 }), isKept: false },
  ] as const)
    it(`${isKept ? 'keeps' : 'drops'} ${name}`, () => {
      const padded = new Uint8Array(96);
      padded.set(frame);
      expect(runFilter(answerFilter(family), padded) > 0).to.equal(isKept);
      expect(runFilter(noFrames(), padded)).to.equal(0);
    });
});
