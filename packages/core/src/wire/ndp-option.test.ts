// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { MacAddress } from '../net/mac-address.ts';
import { decodeNdpOptions, encodeLinkLayerOption } from './ndp-option.ts';

const MAC_BYTES = [0x00, 0x00, 0x5e, 0x00, 0x53, 0x99];
const NONCE = [14, 1, 1, 2, 3, 4, 5, 6];

function mac(): MacAddress {
  return MacAddress.fromBytes(Uint8Array.from(MAC_BYTES)) ?? MacAddress.ZERO;
}

describe('encodeLinkLayerOption', () => {
  it('ND-11: writes type, length 1 and the MAC', () => {
    expect([...encodeLinkLayerOption('source', mac())]).to.deep.equal([1, 1, ...MAC_BYTES]);
    expect([...encodeLinkLayerOption('target', mac())]).to.deep.equal([2, 1, ...MAC_BYTES]);
  });
});

describe('decodeNdpOptions', () => {
  for (const { name, bytes, expected } of [
    { name: 'no option', bytes: [], expected: undefined },
    { name: 'the address', bytes: [1, 1, ...MAC_BYTES], expected: '00:00:5e:00:53:99' },
    {
      name: 'the address behind an unknown option',
      bytes: [...NONCE, 1, 1, ...MAC_BYTES],
      expected: '00:00:5e:00:53:99',
    },
    {
      name: 'the last of two addresses',
      bytes: [1, 1, 2, 2, 2, 2, 2, 2, 1, 1, ...MAC_BYTES],
      expected: '00:00:5e:00:53:99',
    },
    { name: 'an unknown option of two units', bytes: [14, 2, ...Array(14).fill(7)], expected: undefined },
  ]) {
    it(`reads ${name}`, () => {
      const decoded = decodeNdpOptions(Uint8Array.from(bytes), 'source');
      expect(decoded.ok).to.equal(true);
      expect(decoded.ok && decoded.linkLayerAddr?.toString()).to.equal(expected);
    });
  }

  for (const { name, bytes, reason } of [
    { name: 'ND-09: drops length 0', bytes: [1, 0, ...MAC_BYTES], reason: 'option-length' },
    { name: 'ND-09: drops length 0 of an unknown option', bytes: [14, 0, ...MAC_BYTES], reason: 'option-length' },
    { name: 'ND-10: drops a length past the end', bytes: [1, 2, ...MAC_BYTES], reason: 'option-length' },
    { name: 'ND-10: drops length 255', bytes: [14, 255, ...MAC_BYTES], reason: 'option-length' },
    { name: 'ND-10: drops a MAC address of two units', bytes: [1, 2, ...MAC_BYTES, ...NONCE], reason: 'option-length' },
    { name: 'ND-10: drops a lone type', bytes: [1], reason: 'option-length' },
    { name: 'ND-10: drops the wrong direction', bytes: [2, 1, ...MAC_BYTES], reason: 'option-direction' },
  ]) {
    it(name, () => {
      expect(decodeNdpOptions(Uint8Array.from(bytes), 'source')).to.deep.equal({ ok: false, reason });
    });
  }

  it('SE-01: ends on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        decodeNdpOptions(bytes, 'target');
      }),
    );
  });
});
