// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { signingKeyId } from './key-choice.ts';
import { LoneNode } from './testing.ts';

const OLD = 1;
const NEW = 2;

function withPeer(newestKeyId: number): LoneNode {
  const node = new LoneNode();
  node.hear({ newestKeyId });
  return node;
}

describe('signingKeyId', () => {
  it('signs with the newest key when this node is alone', () => {
    expect(signingKeyId({ newest: NEW, previous: OLD }, new LoneNode().state)).to.equal(NEW);
  });

  it('signs with the previous key while a peer lacks the new one', () => {
    expect(signingKeyId({ newest: NEW, previous: OLD }, withPeer(OLD).state)).to.equal(OLD);
  });

  it('signs with the new key once all have it', () => {
    expect(signingKeyId({ newest: NEW, previous: OLD }, withPeer(NEW).state)).to.equal(NEW);
  });

  it('signs with the only key that it has while peers are ahead', () => {
    expect(signingKeyId({ newest: OLD }, withPeer(NEW).state)).to.equal(OLD);
  });
});
