// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { internetChecksum } from './internet-checksum.ts';

describe('internetChecksum', () => {
  for (const { name, parts, expected } of [
    { name: 'the example of RFC 1071, 3', parts: [[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]], expected: 0x220d },
    {
      name: 'the same in two parts',
      parts: [
        [0x00, 0x01, 0xf2, 0x03],
        [0xf4, 0xf5, 0xf6, 0xf7],
      ],
      expected: 0x220d,
    },
    { name: 'nothing', parts: [], expected: 0xffff },
    { name: 'an odd byte as the high half of a word', parts: [[0x12]], expected: 0xedff },
    { name: 'a sum that carries twice', parts: [[0xff, 0xff, 0x00, 0x01, 0xff, 0xff]], expected: 0xfffe },
  ]) {
    it(`computes ${name}`, () => {
      expect(internetChecksum(...parts.map((part) => Uint8Array.from(part)))).to.equal(expected);
    });
  }

  it('is 0 over bytes that hold their own checksum', () => {
    const words = fc.uint8Array({ minLength: 2, maxLength: 200 }).filter((bytes) => bytes.length % 2 === 0);
    fc.assert(
      fc.property(words, (bytes) => {
        const sum = internetChecksum(bytes);
        expect(internetChecksum(bytes, Uint8Array.of(sum >> 8, sum & 0xff))).to.equal(0);
      }),
    );
  });
});
