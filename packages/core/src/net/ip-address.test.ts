// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import fc from 'fast-check';
import { Address6 } from 'ip-address';
import { IpAddress } from './ip-address.ts';
import { IpPrefix } from './ip-prefix.ts';
import { IpRange } from './ip-range.ts';
import { ip } from './testing.ts';

describe('IpAddress', () => {
  const same = [
    { name: 'zero run', text: '2001:db8:5:0:0::7', canonical: '2001:db8:5::7', family: 'IPv6' },
    { name: 'IPv4-mapped', text: '::ffff:203.0.113.9', canonical: '203.0.113.9', family: 'IPv4' },
    { name: 'IPv4-mapped in hexadecimal', text: '::ffff:cb00:7109', canonical: '203.0.113.9', family: 'IPv4' },
    { name: 'capitals', text: '2001:DB8::AB', canonical: '2001:db8::ab', family: 'IPv6' },
    { name: 'single zero field', text: '2001:db8:0:1:1:1:1:1', canonical: '2001:db8:0:1:1:1:1:1', family: 'IPv6' },
    { name: 'highest IPv4', text: '255.255.255.255', canonical: '255.255.255.255', family: 'IPv4' },
  ];
  for (const { name, text, canonical, family } of same) {
    it(`AL-13: reads and formats: ${name}`, () => {
      expect(ip(text).toString()).to.equal(canonical);
      expect(ip(text).family).to.equal(family);
      expect(ip(text).equals(ip(canonical))).to.equal(true);
    });
  }

  const refused = [
    { name: 'zone', text: '2001:db8:5::7%lan0' },
    { name: 'empty', text: '' },
    { name: 'blank', text: ' 203.0.113.9' },
    { name: 'octet of 300', text: '203.0.113.300' },
    { name: 'leading zero', text: '203.0.113.010' },
    { name: 'three octets', text: '203.0.113' },
    { name: 'two double colons', text: '2001::db8::1' },
    { name: 'prefix', text: '203.0.113.9/32' },
    { name: 'word', text: 'not-an-ip' },
    { name: 'a megabyte', text: '1'.repeat(1 << 20) },
  ];
  for (const { name, text } of refused) {
    it(`AL-13: refuses: ${name}`, () => {
      const result = IpAddress.parse(text);
      expect(result.ok).to.equal(false);
      if (!result.ok) expect(result.reason.length).to.be.lessThan(120);
    });
  }

  it('gives the same address back through bytes', () => {
    for (const text of ['203.0.113.9', '0.0.0.0', '2001:db8::1', '::']) {
      expect(IpAddress.fromBytes(ip(text).toBytes())?.toString()).to.equal(text);
    }
    expect(IpAddress.fromBytes(new Uint8Array(5))).to.equal(undefined);
  });

  it('orders IPv4 before IPv6, then by number', () => {
    const sorted = ['::1', '203.0.113.10', '203.0.113.9'].map(ip).sort((a, b) => a.compare(b));
    expect(sorted.map(String)).to.deep.equal(['203.0.113.9', '203.0.113.10', '::1']);
  });

  it('reads back every text it formats', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, (1n << 128n) - 1n), (value) => {
        const address = IpAddress.of('IPv6', value);
        if (value >> 32n === 0xffffn) return;
        expect(ip(address.toString()).value).to.equal(value);
      }),
    );
  });

  it('formats as the ip-address library does', () => {
    const field = fc.oneof(fc.constant(0), fc.constant(0), fc.nat(0xffff));
    fc.assert(
      fc.property(fc.array(field, { minLength: 8, maxLength: 8 }), (fields) => {
        const value = fields.reduce((sum, each) => (sum << 16n) | BigInt(each), 0n);
        expect(IpAddress.of('IPv6', value).toString()).to.equal(Address6.fromBigInt(value).correctForm());
      }),
      { numRuns: 1000 },
    );
  });

  it('SE-01: never throws on text', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f:.%/-]*$/), fc.ipV6(), fc.ipV4Extended());
    fc.assert(
      fc.property(text, (candidate) => {
        for (const parse of [IpAddress.parse, IpPrefix.parse, IpRange.parse]) {
          expect(parse(candidate).ok).to.be.a('boolean');
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('IpPrefix', () => {
  it('clears host bits and says so', () => {
    const result = IpPrefix.parseWithHostBits('198.51.100.77/26');
    expect(result.ok && result.value.prefix.toString()).to.equal('198.51.100.64/26');
    expect(result.ok && result.value.hostBits).to.equal(true);
    expect(result.ok && result.value.prefix.range.toString()).to.equal('198.51.100.64-198.51.100.127');
  });

  for (const text of ['198.51.100.0/33', '2001:db8::/129', '198.51.100.0/', '198.51.100.0/08', '198.51.100.0/-1']) {
    it(`refuses ${text}`, () => expect(IpPrefix.parse(text).ok).to.equal(false));
  }

  it('contains its first and last address only', () => {
    const result = IpPrefix.parse('198.51.100.8/29');
    if (!result.ok) throw new Error(result.reason);
    const inside = ['198.51.100.7', '198.51.100.8', '198.51.100.15', '198.51.100.16', '2001:db8::8'];
    expect(inside.map((text) => result.value.contains(ip(text)))).to.deep.equal([false, true, true, false, false]);
    expect(result.value.range.size).to.equal(8n);
  });
});

describe('IpRange', () => {
  for (const text of ['198.51.100.20-198.51.100.5', '198.51.100.1-2001:db8:5::9', '198.51.100.1', 'a-b-c', '-']) {
    it(`refuses ${text}`, () => expect(IpRange.parse(text).ok).to.equal(false));
  }

  it('reads blanks round the dash', () => {
    const result = IpRange.parse(' 198.51.100.10 - 198.51.100.13 ');
    expect(result.ok && result.value.size).to.equal(4n);
  });
});
