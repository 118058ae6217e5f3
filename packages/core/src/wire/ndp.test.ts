// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import fc from 'fast-check';
import { ip, mac } from '../net/testing.ts';
import { decodeIpv6 } from './ipv6.ts';
import { decodeNdp, encodeNdp, NDP_TYPE, type NdpDecoded, type NdpPacket } from './ndp.ts';

function decode(bytes: Uint8Array): NdpDecoded | ReturnType<typeof decodeIpv6> {
  const packet = decodeIpv6(bytes);
  return packet.ok ? decodeNdp(packet.packet) : packet;
}

const ADVERTISEMENT: NdpPacket = {
  source: ip('2001:db8::10'),
  destination: ip('2001:db8::1'),
  message: {
    type: NDP_TYPE.NEIGHBOR_ADVERTISEMENT,
    router: false,
    solicited: true,
    override: true,
    targetAddress: ip('2001:db8::10'),
    targetLinkLayerAddr: mac('de:ad:be:ef:de:ad'),
  },
};

// biome-ignore format: one row per field
const ADVERTISEMENT_BYTES = [
  0x60, 0x00, 0x00, 0x00,             // version 6, traffic class, flow label
  0x00, 0x20,                         // payload length
  0x3a, 0xff,                         // next header ICMPv6, hop limit 255
  0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, // source
  0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, // destination
  0x88, 0x00,                         // type 136, code 0
  0x10, 0x0c,                         // checksum
  0x60, 0x00, 0x00, 0x00,             // flags: solicited, override
  0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, // target
  0x02, 0x01, 0xde, 0xad, 0xbe, 0xef, 0xde, 0xad, // target link-layer address
];

const QUESTION: NdpPacket = {
  source: ip('2001:db8::1'),
  destination: ip('ff02::1:ff00:10'),
  message: {
    type: NDP_TYPE.NEIGHBOR_SOLICITATION,
    targetAddress: ip('2001:db8::10'),
    sourceLinkLayerAddr: mac('00:00:5e:00:53:99'),
  },
};

describe('encodeNdp', () => {
  it('ND-11: writes type 136, flags, target and the option of length 1', () => {
    expect([...encodeNdp(ADVERTISEMENT)]).to.deep.equal(ADVERTISEMENT_BYTES);
  });

  for (const { flag, byte } of [
    { flag: 'router', byte: 0x80 },
    { flag: 'solicited', byte: 0x40 },
    { flag: 'override', byte: 0x20 },
  ] as const) {
    it(`ND-11: writes the flag ${flag} as 0x${byte.toString(16)}`, () => {
      const plain = { ...ADVERTISEMENT.message, router: false, solicited: false, override: false };
      const bytes = encodeNdp({ ...ADVERTISEMENT, message: { ...plain, [flag]: true } as NdpPacket['message'] });
      expect(bytes[40]).to.equal(136);
      expect(bytes[44]).to.equal(byte);
    });
  }

  for (const { name, packet, checksum } of [
    { name: 'an answer', packet: ADVERTISEMENT, checksum: 0x100c },
    {
      name: 'an announcement',
      packet: {
        source: ip('2001:db8:5::20'),
        destination: ip('ff02::1'),
        message: {
          type: NDP_TYPE.NEIGHBOR_ADVERTISEMENT,
          router: false,
          solicited: false,
          override: true,
          targetAddress: ip('2001:db8:5::7'),
          targetLinkLayerAddr: mac('02:00:5e:10:20:30'),
        },
      },
      checksum: 0x7abc,
    },
  ] as const) {
    it(`ND-12: computes the checksum of ${name}`, () => {
      const bytes = encodeNdp(packet);
      expect(new DataView(bytes.buffer).getUint16(42)).to.equal(checksum);
    });
  }

  it('writes a solicitation with reserved bytes of zero', () => {
    const bytes = encodeNdp(QUESTION);
    expect([...bytes.subarray(40, 42), ...bytes.subarray(44, 48)]).to.deep.equal([135, 0, 0, 0, 0, 0]);
    expect([...bytes.subarray(64)]).to.deep.equal([1, 1, 0x00, 0x00, 0x5e, 0x00, 0x53, 0x99]);
  });

  it('leaves out the option of a solicitation without one', () => {
    const { targetAddress } = QUESTION.message;
    const message = { type: NDP_TYPE.NEIGHBOR_SOLICITATION, targetAddress };
    expect(encodeNdp({ ...QUESTION, message }).length).to.equal(40 + 24);
  });
});

describe('decodeNdp', () => {
  for (const packet of [ADVERTISEMENT, QUESTION]) {
    it(`reads what encodeNdp writes, type ${packet.message.type}`, () => {
      const decoded = decode(encodeNdp(packet));
      expect(decoded.ok && encodeNdp(decoded.packet as NdpPacket)).to.deep.equal(encodeNdp(packet));
    });
  }

  it('ND-10: drops every length below the message', () => {
    for (let length = 0; length < ADVERTISEMENT_BYTES.length; length++) {
      const bytes = Uint8Array.from(ADVERTISEMENT_BYTES.slice(0, length));
      expect(decode(bytes)).to.deep.equal({ ok: false, reason: 'truncated' });
    }
  });

  it('ND-09: drops every message of fewer than 24 bytes that says so', () => {
    for (let length = 0; length < 24; length++) {
      const bytes = Uint8Array.from(ADVERTISEMENT_BYTES.slice(0, 40 + length));
      bytes[5] = length;
      expect(decode(bytes)).to.deep.equal({ ok: false, reason: 'truncated' });
    }
  });

  it('ND-09: drops every single flipped bit of a message by its checksum or a check before it', () => {
    for (let bit = 40 * 8; bit < ADVERTISEMENT_BYTES.length * 8; bit++) {
      const bytes = Uint8Array.from(ADVERTISEMENT_BYTES);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const decoded = decode(bytes);
      expect(!decoded.ok && decoded.reason).to.be.oneOf(['checksum', 'code', 'icmpv6-type']);
    }
  });

  it('SE-01: never throws, and what it accepts it can write again', () => {
    const bytes = fc
      .tuple(fc.nat(ADVERTISEMENT_BYTES.length), fc.uint8Array({ maxLength: 160 }))
      .map(([kept, noise]) => {
        return Uint8Array.from([...ADVERTISEMENT_BYTES.slice(0, kept), ...noise]);
      });
    fc.assert(
      fc.property(bytes, (row) => {
        const decoded = decode(row);
        if (decoded.ok) expect(decode(encodeNdp(decoded.packet as NdpPacket)).ok).to.equal(true);
      }),
      { numRuns: 2000 },
    );
  });
});
