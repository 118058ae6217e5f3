// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { IpAddress } from '../net/ip-address.ts';
import { rendezvousOrder } from './rendezvous.ts';

const EDGES = ['edge-1', 'edge-2', 'edge-3'];

/** 203.0.113.N. */
function vip(number: number): IpAddress {
  return IpAddress.of('IPv4', 0xcb007100n + BigInt(number));
}

describe('rendezvousOrder', () => {
  it('EL-01: orders by ascending SHA-256 of node#ip', () => {
    expect(rendezvousOrder(vip(20), EDGES)).to.deep.equal(['edge-2', 'edge-1', 'edge-3']);
    expect(rendezvousOrder(vip(21), EDGES)).to.deep.equal(['edge-1', 'edge-2', 'edge-3']);
  });

  it('EL-01: does not depend on the order of its input, nor on repetitions', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...EDGES, ...EDGES], { minLength: 6 }), fc.nat(255), (nodes, number) => {
        expect(rendezvousOrder(vip(number), nodes)).to.deep.equal(rendezvousOrder(vip(number), EDGES));
      }),
    );
  });

  it('moves only the VIPs of a node that is lost', () => {
    for (let number = 0; number < 200; number++) {
      const [before] = rendezvousOrder(vip(number), EDGES);
      const [after] = rendezvousOrder(vip(number), ['edge-1', 'edge-3']);
      if (before !== 'edge-2') expect(after).to.equal(before);
    }
  });
});
