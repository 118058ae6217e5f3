// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { compareDigests, sha256 } from './sha256.ts';

function hex(digest: Uint32Array): string {
  return [...digest].map((word) => word.toString(16).padStart(8, '0')).join('');
}

describe('sha256', () => {
  const vectors = [
    { name: 'nothing', text: '', digest: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' },
    { name: 'one block', text: 'abc', digest: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' },
    {
      name: 'two blocks',
      text: 'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      digest: '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    },
    {
      name: 'sixteen thousand blocks',
      text: 'a'.repeat(1_000_000),
      digest: 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0',
    },
    {
      name: 'text beyond ASCII',
      text: 'é',
      digest: '4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c',
    },
  ];
  for (const { name, text, digest } of vectors) {
    it(`digests ${name}`, () => {
      expect(hex(sha256(text))).to.equal(digest);
    });
  }
});

describe('compareDigests', () => {
  it('compares as unsigned numbers, first word first', () => {
    expect(compareDigests(Uint32Array.of(0x8000_0000, 0), Uint32Array.of(1, 9))).to.be.greaterThan(0);
    expect(compareDigests(Uint32Array.of(1, 2), Uint32Array.of(1, 3))).to.be.lessThan(0);
    expect(compareDigests(Uint32Array.of(1, 2), Uint32Array.of(1, 2))).to.equal(0);
  });
});
