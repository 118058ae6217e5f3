// SPDX-License-Identifier: Apache-2.0
import { MacAddress } from '@berth/core';
import { expect } from 'chai';
import { MAX_FILTERED_SENDERS, sourceFilter } from './source-filter.ts';
import { runFilter } from './testing.ts';

function mac(number: number): MacAddress {
  const made = MacAddress.fromBytes(Uint8Array.of(number >> 8, number & 0xff, 0x5e, 0, 0x53, number & 0xff));
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
    { name: 'a stranger that shares the last four bytes with a sender', sender: mac(0x104), isKnown: false },
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

  it('fits into what the kernel takes, and refuses more', () => {
    const many = Array.from({ length: MAX_FILTERED_SENDERS }, (_, index) => mac(2 * index));
    expect(sourceFilter('except', many).length / 8).to.be.at.most(4096);
    expect(() => sourceFilter('only', [...many, mac(2)])).to.throw('want at most');
  });
});
