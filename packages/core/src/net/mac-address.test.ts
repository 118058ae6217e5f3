// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import fc from 'fast-check';
import { MacAddress } from './mac-address.ts';
import { mac } from './testing.ts';

describe('MacAddress', () => {
  const table = [
    { name: 'a station', text: '00:00:5e:00:53:01', multicast: false, broadcast: false, zero: false },
    { name: 'the broadcast address', text: 'ff:ff:ff:ff:ff:ff', multicast: true, broadcast: true, zero: false },
    { name: 'an IPv6 group', text: '33:33:ff:00:00:07', multicast: true, broadcast: false, zero: false },
    {
      name: 'a locally administered station',
      text: '02:42:ac:11:00:02',
      multicast: false,
      broadcast: false,
      zero: false,
    },
    { name: 'all zeros', text: '00:00:00:00:00:00', multicast: false, broadcast: false, zero: true },
  ];
  for (const row of table) {
    it(`classifies ${row.name}`, () => {
      const address = mac(row.text);
      expect(address.isMulticast).to.equal(row.multicast);
      expect(address.isBroadcast).to.equal(row.broadcast);
      expect(address.isZero).to.equal(row.zero);
    });
  }

  for (const text of [
    '',
    '00:00:5e:00:53',
    '00-00-5e-00-53-01',
    '00:00:5e:00:53:0g',
    '00:00:5e:00:53:01:02',
    '0:0:5e:0:53:1',
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(MacAddress.parse(text).ok).to.equal(false);
    });
  }

  it('gives its bytes in network order', () => {
    expect([...mac('02:42:ac:11:00:fe').toBytes()]).to.deep.equal([0x02, 0x42, 0xac, 0x11, 0x00, 0xfe]);
  });

  it('refuses bytes of any other length', () => {
    expect(MacAddress.fromBytes(new Uint8Array(5))).to.equal(undefined);
    expect(MacAddress.fromBytes(new Uint8Array(8))).to.equal(undefined);
  });

  it('keeps any address through bytes and text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => {
        const address = MacAddress.fromBytes(bytes);
        expect(address?.toBytes()).to.deep.equal(bytes);
        expect(mac(String(address)).equals(mac(String(address).toUpperCase()))).to.equal(true);
        expect(mac(String(address)).toBytes()).to.deep.equal(bytes);
      }),
    );
  });
});
