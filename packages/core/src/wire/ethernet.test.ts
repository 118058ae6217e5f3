// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { MacAddress } from '../net/mac-address.ts';
import { decodeEthernet, ETHER_TYPE, encodeEthernet } from './ethernet.ts';

// biome-ignore format: one row per field
const FRAME = Uint8Array.from([
  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // destination
  0x00, 0x00, 0x5e, 0x00, 0x53, 0x01, // source
  0x08, 0x06,                         // EtherType
  0x2a, 0x2b,                         // payload
]);

describe('decodeEthernet', () => {
  it('reads header and payload', () => {
    const decoded = decodeEthernet(FRAME);
    if (!decoded.ok) throw new Error(decoded.reason);
    expect(decoded.frame.destination.isBroadcast).to.equal(true);
    expect(String(decoded.frame.source)).to.equal('00:00:5e:00:53:01');
    expect(decoded.frame.etherType).to.equal(ETHER_TYPE.ARP);
    expect([...decoded.frame.payload]).to.deep.equal([0x2a, 0x2b]);
  });

  it('drops every length below the header', () => {
    for (let length = 0; length < 14; length++) {
      expect(decodeEthernet(FRAME.subarray(0, length))).to.deep.equal({ ok: false, reason: 'short-frame' });
    }
  });

  it('accepts an empty payload', () => {
    const decoded = decodeEthernet(FRAME.subarray(0, 14));
    expect(decoded.ok && decoded.frame.payload.length).to.equal(0);
  });

  it('reads a view that does not begin at its buffer', () => {
    const shifted = new Uint8Array(FRAME.length + 3);
    shifted.set(FRAME, 3);
    const decoded = decodeEthernet(shifted.subarray(3));
    expect(decoded.ok && decoded.frame.etherType).to.equal(ETHER_TYPE.ARP);
  });
});

describe('encodeEthernet', () => {
  it('writes what decodeEthernet reads', () => {
    const decoded = decodeEthernet(FRAME);
    if (!decoded.ok) throw new Error(decoded.reason);
    expect([...encodeEthernet(decoded.frame)]).to.deep.equal([...FRAME]);
  });

  it('does not pad', () => {
    const frame = {
      destination: MacAddress.BROADCAST,
      source: MacAddress.ZERO,
      etherType: 0,
      payload: new Uint8Array(1),
    };
    expect(encodeEthernet(frame).length).to.equal(15);
  });
});
