// SPDX-License-Identifier: Apache-2.0
import { MacAddress } from '@berth/core';
import { expect } from 'chai';
import { MAX_FILTERED_SENDERS, sourceFilter } from './source-filter.ts';
import { runFilter } from './testing.ts';

function mac(number: number): MacAddress {
  const made = MacAddress.fromBytes(Uint8Array.of(2, 0, 0x5e, 0, number >> 8, number & 0xff));
  if (!made) throw new Error('no MAC address');
  return made;
}

function frameOf(sender: MacAddress): Uint8Array {
  return Uint8Array.from([...MacAddress.BROADCAST.toBytes(), ...sender.toBytes(), 0x88, 0xb5]);
}

describe('sourceFilter', () => {
  const senders = [mac(2), mac(4), mac(6)];
  const cases = [
    { name: 'the first sender', sender: mac(2), isKnown: true },
    { name: 'the last sender', sender: mac(6), isKnown: true },
    { name: 'a stranger', sender: mac(8), isKnown: false },
    { name: 'a stranger that shares the last byte with a sender', sender: mac(0x104), isKnown: false },
  ];
  for (const { name, sender, isKnown } of cases) {
    it(`tells ${name}`, () => {
      expect(runFilter(sourceFilter('only', senders), frameOf(sender)) > 0).to.equal(isKnown);
      expect(runFilter(sourceFilter('except', senders), frameOf(sender)) > 0).to.equal(!isKnown);
    });
  }

  it('keeps nothing, or everything, when there is no sender', () => {
    expect(runFilter(sourceFilter('only', []), frameOf(mac(2)))).to.equal(0);
    expect(runFilter(sourceFilter('except', []), frameOf(mac(2)))).to.be.greaterThan(0);
  });

  it('tells each of as many senders as it takes, in little more than an instruction for each, and refuses more', () => {
    const many = Array.from({ length: MAX_FILTERED_SENDERS }, (_, index) => mac(2 * index));
    const [only, except] = [sourceFilter('only', many), sourceFilter('except', many)];
    for (const sender of many) expect(runFilter(only, frameOf(sender)), String(sender)).to.be.greaterThan(0);
    for (const sender of many) expect(runFilter(except, frameOf(sender)), String(sender)).to.equal(0);
    expect(runFilter(only, frameOf(mac(1)))).to.equal(0);
    expect(except.length / 8).to.be.at.most(1.02 * many.length);
    expect(() => sourceFilter('only', [...many, mac(1)])).to.throw('want at most');
  });
});
