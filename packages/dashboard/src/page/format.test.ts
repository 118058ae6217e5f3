// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { addressKey, formatAddresses, formatAgo, formatCount, formatGap, formatSpan } from './format.ts';

const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000];

describe('formatSpan', () => {
  const cases = [
    [0, '0 s'],
    [-5 * SECOND, '0 s'],
    [59 * SECOND, '59 s'],
    [90 * SECOND, '1 min'],
    [59 * MINUTE, '59 min'],
    [HOUR, '1 h'],
    [HOUR + 20 * MINUTE, '1 h 20 min'],
    [23 * HOUR + 59 * MINUTE, '23 h 59 min'],
    [DAY, '1 d'],
    [400 * DAY, '400 d'],
  ] as const;
  for (const [ms, text] of cases) it(`${ms} ms: ${text}`, () => expect(formatSpan(ms)).to.equal(text));
});

describe('formatAgo', () => {
  it('does not count what is newer than two seconds, nor what is ahead of the clock', () => {
    expect(formatAgo(0, 1_900)).to.equal('just now');
    expect(formatAgo(5_000, 0)).to.equal('just now');
    expect(formatAgo(0, 12_000)).to.equal('12 s ago');
  });
});

describe('formatGap', () => {
  it('counts milliseconds as long as they matter', () => {
    expect(formatGap(212)).to.equal('212 ms');
    expect(formatGap(9_999)).to.equal('9999 ms');
    expect(formatGap(12_000)).to.equal('12 s');
  });
});

describe('formatAddresses', () => {
  const cases = [
    ['0', '0'],
    ['251', '251'],
    ['1000000000', '1,000,000,000'],
    [String(2n ** 64n), '2^64'],
    [String(2n ** 64n - 1n), 'over 2^63'],
  ] as const;
  for (const [decimal, text] of cases) it(`${decimal}: ${text}`, () => expect(formatAddresses(decimal)).to.equal(text));
});

describe('formatCount', () => {
  it('has one for one', () => {
    expect([0, 1, 2000].map((count) => formatCount(count, 'VIP'))).to.deep.equal(['0 VIPs', '1 VIP', '2,000 VIPs']);
    expect(formatCount(2, 'address', 'addresses')).to.equal('2 addresses');
  });
});

describe('addressKey', () => {
  it('sorts addresses as numbers, IPv4 first', () => {
    const sorted = [
      '192.0.2.9',
      '192.0.2.10',
      '198.51.100.1',
      '2001:db8::9',
      '2001:db8::10',
      '2001:db8:0:1::',
      '2001:db8:1::',
    ];
    const shuffled = [...sorted].reverse();
    expect(shuffled.sort((a, b) => (addressKey(a) < addressKey(b) ? -1 : 1))).to.deep.equal(sorted);
  });

  it('gives one key to one IPv6 address, however it is written', () => {
    expect(addressKey('2001:db8::1')).to.equal(addressKey('2001:db8:0:0:0:0:0:1'));
    expect(addressKey('::')).to.equal(addressKey('0:0:0:0:0:0:0:0'));
  });
});
