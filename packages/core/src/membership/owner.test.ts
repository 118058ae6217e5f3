// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import { mac } from '../net/testing.ts';
import { ownerOf } from './owner.ts';
import type { MembershipState } from './state.ts';

const VIP = '192.0.2.20';

/** Terms of this node and of others; a node without one claims nothing. */
function segment(own: number | undefined, ...others: (number | undefined)[]): MembershipState {
  const claims = (term: number | undefined) => new Map(term === undefined ? [] : [[VIP, { term }]]);
  const members = others.map((term, index) => {
    return { node: `node-${index + 2}`, bootId: `${index + 2}`, mac: mac(index + 2), claims: claims(term) };
  });
  const self = { node: 'node-1', bootId: '1', mac: mac(1) };
  // Identity, steadiness, claims and members are all that is looked at.
  return { self, company: { steadiness: 'steady' }, claims: claims(own), members } as unknown as MembershipState;
}

describe('ownerOf', () => {
  for (const { name, state, owner } of [
    { name: 'nobody claims it', state: segment(undefined, undefined), owner: undefined },
    { name: 'this node does', state: segment(1, undefined), owner: 'node-1' },
    { name: 'another does', state: segment(undefined, undefined, 3), owner: 'node-3' },
    { name: 'two do, and one has the higher term', state: segment(2, 1, 3), owner: 'node-3' },
  ])
    it(`is ${owner ?? 'nobody'} when ${name}`, () => {
      expect(ownerOf(state, VIP)?.node).to.equal(owner);
    });

  it('tells the MAC address of the owner', () => {
    expect(String(ownerOf(segment(undefined, 1), VIP)?.mac)).to.equal(String(mac(2)));
  });
});
