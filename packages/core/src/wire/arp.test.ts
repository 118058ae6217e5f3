// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import fc from 'fast-check';
import { MacAddress } from '../net/mac-address.ts';
import { ip, mac } from '../net/testing.ts';
import { type ArpPacket, arpFrame, decodeArp, encodeArp, gratuitousArp } from './arp.ts';

const REQUEST: ArpPacket = {
  operation: 1,
  senderHardwareAddr: mac('00:00:5e:00:53:99'),
  senderProtocolAddr: ip('203.0.113.99'),
  targetHardwareAddr: MacAddress.ZERO,
  targetProtocolAddr: ip('203.0.113.20'),
};

// biome-ignore format: one row per field
const REQUEST_BYTES = [
  0x00, 0x01,                         // hardware type: Ethernet
  0x08, 0x00,                         // protocol type: IPv4
  0x06, 0x04,                         // address lengths
  0x00, 0x01,                         // operation: request
  0x00, 0x00, 0x5e, 0x00, 0x53, 0x99, // sender hardware address
  0xcb, 0x00, 0x71, 0x63,             // sender protocol address
  0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // target hardware address
  0xcb, 0x00, 0x71, 0x14,             // target protocol address
];

function changed(offset: number, ...bytes: number[]): Uint8Array {
  const copy = Uint8Array.from(REQUEST_BYTES);
  copy.set(bytes, offset);
  return copy;
}

describe('encodeArp', () => {
  it('AR-01: writes 28 bytes in the order of RFC 826', () => {
    expect([...encodeArp(REQUEST)]).to.deep.equal(REQUEST_BYTES);
  });

  it('GR-05: refuses an IPv6 address instead of writing a malformed packet', () => {
    expect(() => encodeArp({ ...REQUEST, senderProtocolAddr: ip('2001:db8::7') })).to.throw('ARP cannot carry');
    expect(() => gratuitousArp('request', ip('2001:db8::7'), mac('00:00:5e:00:53:01'))).to.throw('ARP cannot carry');
  });

  it('GR-05: has no form for a MAC of wrong length', () => {
    expect(MacAddress.fromBytes(new Uint8Array(8))).to.equal(undefined);
  });
});

describe('arpFrame', () => {
  it('AR-01: puts the packet behind EtherType 0x0806, sent by the packet’s sender', () => {
    const frame = arpFrame(REQUEST, MacAddress.BROADCAST);
    expect([...frame.subarray(0, 14)]).to.deep.equal([
      ...Array(6).fill(0xff),
      0x00,
      0x00,
      0x5e,
      0x00,
      0x53,
      0x99,
      0x08,
      0x06,
    ]);
    expect([...frame.subarray(14)]).to.deep.equal(REQUEST_BYTES);
  });
});

describe('gratuitousArp', () => {
  const own = mac('00:00:5e:00:53:01');
  for (const { form, operation, target } of [
    { form: 'request', operation: 1, target: MacAddress.ZERO },
    { form: 'reply', operation: 2, target: own },
  ] as const) {
    it(`broadcasts the ${form} form with sender and target address equal`, () => {
      const frame = gratuitousArp(form, ip('203.0.113.20'), own);
      const decoded = decodeArp(frame.subarray(14));
      if (!decoded.ok) throw new Error(decoded.reason);
      expect([...frame.subarray(0, 6)]).to.deep.equal(Array(6).fill(0xff));
      expect(decoded.packet.operation).to.equal(operation);
      expect(decoded.packet.senderProtocolAddr.equals(decoded.packet.targetProtocolAddr)).to.equal(true);
      expect(decoded.packet.targetHardwareAddr.equals(target)).to.equal(true);
    });
  }
});

describe('decodeArp', () => {
  it('reads what encodeArp writes', () => {
    const decoded = decodeArp(encodeArp(REQUEST));
    if (!decoded.ok) throw new Error(decoded.reason);
    expect(encodeArp(decoded.packet)).to.deep.equal(encodeArp(REQUEST));
  });

  const refused = [
    { name: 'hardware type 6', bytes: changed(0, 0, 6), reason: 'hardware-type' },
    { name: 'protocol IPv6', bytes: changed(2, 0x86, 0xdd), reason: 'protocol-type' },
    { name: 'hardware length 8', bytes: changed(4, 8), reason: 'address-length' },
    { name: 'hardware length 255', bytes: changed(4, 255), reason: 'address-length' },
    { name: 'hardware length 0', bytes: changed(4, 0), reason: 'address-length' },
    { name: 'protocol length 16', bytes: changed(5, 16), reason: 'address-length' },
    { name: 'protocol length 3', bytes: changed(5, 3), reason: 'address-length' },
    { name: 'operation 0', bytes: changed(6, 0, 0), reason: 'operation' },
    { name: 'operation 3 (RARP)', bytes: changed(6, 0, 3), reason: 'operation' },
    { name: 'operation 256', bytes: changed(6, 1, 0), reason: 'operation' },
  ];
  for (const { name, bytes, reason } of refused) {
    it(`AR-09: drops ${name}`, () => {
      expect(decodeArp(bytes)).to.deep.equal({ ok: false, reason });
    });
  }

  it('AR-10: drops every length below 28 bytes', () => {
    for (let length = 0; length < REQUEST_BYTES.length; length++) {
      expect(decodeArp(Uint8Array.from(REQUEST_BYTES.slice(0, length)))).to.deep.equal({
        ok: false,
        reason: 'truncated',
      });
    }
  });

  it('AR-10: drops lying lengths with too few bytes', () => {
    expect(decodeArp(changed(4, 255).subarray(0, 20)).ok).to.equal(false);
    expect(decodeArp(changed(5, 3).subarray(0, 27)).ok).to.equal(false);
  });

  it('AR-10: ignores padding', () => {
    const padded = new Uint8Array(46).fill(0xaa);
    padded.set(REQUEST_BYTES);
    expect(decodeArp(padded)).to.deep.equal(decodeArp(Uint8Array.from(REQUEST_BYTES)));
  });

  it('SE-01: never throws, and what it accepts it can write again', () => {
    const start = fc.constantFrom(0, 2, 4, 6, 7, 8);
    const bytes = fc.tuple(start, fc.uint8Array({ maxLength: 64 })).map(([kept, noise]) => {
      return Uint8Array.from([...REQUEST_BYTES.slice(0, kept), ...noise]);
    });
    fc.assert(
      fc.property(bytes, (row) => {
        const decoded = decodeArp(row);
        if (decoded.ok) expect([...encodeArp(decoded.packet)]).to.deep.equal([...row.subarray(0, 28)]);
      }),
      { numRuns: 2000 },
    );
  });
});
