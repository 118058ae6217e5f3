// SPDX-License-Identifier: Apache-2.0
import { IpAddress, MacAddress, questionFrame, unsolicitedAdvertisement } from '@berth/core';
import { expect } from 'chai';
import { coveringRanges, MAX_RANGES, questionFilter } from './question-filter.ts';
import { runFilter } from './testing.ts';

function ip(number: number): IpAddress {
  return IpAddress.of('IPv4', 0xcb007100n + BigInt(number));
}

/** An ARP packet behind an Ethernet header. */
function frame(operation: number, sender: IpAddress | undefined, target: IpAddress): Uint8Array {
  const bytes = new Uint8Array(42);
  bytes[21] = operation;
  bytes.set(sender?.toBytes() ?? [], 28);
  bytes.set(target.toBytes(), 38);
  return bytes;
}

describe('questionFilter', () => {
  const filter = questionFilter([ip(20), ip(21), ip(22), ip(40), IpAddress.of('IPv6', 1n)]);
  const cases = [
    { name: 'a question for the first VIP', frame: frame(1, ip(9), ip(20)), isKept: true },
    { name: 'a question for the last VIP', frame: frame(1, ip(9), ip(40)), isKept: true },
    { name: 'a question for an address between', frame: frame(1, ip(9), ip(30)), isKept: false },
    { name: 'a question for an address below', frame: frame(1, ip(9), ip(19)), isKept: false },
    { name: 'a question for an address above', frame: frame(1, ip(9), ip(41)), isKept: false },
    { name: 'an answer', frame: frame(2, ip(9), ip(20)), isKept: false },
    { name: 'a probe', frame: frame(1, undefined, ip(20)), isKept: false },
  ];
  for (const { name, frame: bytes, isKept } of cases) {
    it(`${isKept ? 'keeps' : 'drops'} ${name}`, () => {
      expect(runFilter(filter, bytes) > 0).to.equal(isKept);
    });
  }

  it('keeps nothing when there is no VIP', () => {
    expect(runFilter(questionFilter([]), frame(1, ip(9), ip(20)))).to.equal(0);
  });
});

describe('questionFilter for IPv6', () => {
  const ip6 = (last: bigint) => IpAddress.of('IPv6', (0x20010db8n << 96n) + last);
  const filter = questionFilter([ip6(0x20n), ip6(0x21n), ip(20)], 'IPv6');
  const asker = { mac: MacAddress.ZERO, ip: ip6(9n) };
  const cases = [
    { name: 'a solicitation for a VIP', frame: questionFrame(ip6(0x21n), asker, undefined), isKept: true },
    { name: 'a solicitation for another address', frame: questionFrame(ip6(0x22n), asker, undefined), isKept: false },
    { name: 'an advertisement', frame: unsolicitedAdvertisement(ip6(0x20n), MacAddress.ZERO), isKept: false },
    { name: 'a datagram', frame: new Uint8Array(86).fill(17, 20, 21), isKept: false },
  ];
  for (const { name, frame: bytes, isKept } of cases) {
    it(`WT-08: ${isKept ? 'keeps' : 'drops'} ${name}`, () => {
      expect(runFilter(filter, bytes) > 0).to.equal(isKept);
    });
  }
});

describe('coveringRanges', () => {
  it('joins neighbours', () => {
    expect(coveringRanges([5, 3, 4, 9])).to.deep.equal([
      { first: 3, last: 5 },
      { first: 9, last: 9 },
    ]);
  });

  it('closes the narrowest gaps when there are too many ranges, and leaves no number out', () => {
    const numbers = Array.from({ length: 1000 }, (_, index) => index * index);
    const ranges = coveringRanges(numbers);
    expect(ranges.length).to.be.within(MAX_RANGES / 2, MAX_RANGES);
    for (const number of numbers)
      expect(ranges.some(({ first, last }) => first <= number && number <= last)).to.equal(true);
  });
});
