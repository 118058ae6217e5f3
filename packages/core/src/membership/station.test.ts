// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { claimsOf, LoneNode, macOf, vipOf } from './testing.ts';

/** Its speaker says nothing any more, and everybody was told that it owns this VIP. */
function withSilentOwner(): LoneNode {
  const node = new LoneNode();
  node.want(['edge-1', 'edge-2'], 20);
  node.begin(claimsOf(2, [20, 7]));
  node.pass(3000, claimsOf(2, [20, 7]));
  return node;
}

const STRANGER = macOf(0xee);

describe('a station that answers for a VIP whose owner is silent', () => {
  it('BL-10: is no reason to leave the VIP alone once it is known to be a stranger', () => {
    const node = withSilentOwner();
    node.answering.set(String(vipOf(20)), STRANGER);
    node.stations.set(String(STRANGER), 'stranger');
    node.pass(400);
    expect(node.owned()).to.deep.equal(['203.0.113.20']);
  });

  it('BL-10: keeps everybody from taking it while it is a node, or nobody knows whose it is', () => {
    for (const kind of ['node', undefined] as const) {
      const node = withSilentOwner();
      node.answering.set(String(vipOf(20)), STRANGER);
      if (kind) node.stations.set(String(STRANGER), kind);
      node.pass(6000);
      expect(node.owned(), kind).to.deep.equal([]);
      node.answering.clear();
      node.pass(1300);
      expect(node.owned(), kind).to.deep.equal(['203.0.113.20']);
    }
  });

  it('BL-10: is its owner when it has the MAC address of that: nothing is asked about it', () => {
    const node = withSilentOwner();
    node.stations.set(String(macOf(2)), 'stranger');
    node.answering.set(String(vipOf(20)), STRANGER);
    node.pass(400);
    // Its owner is taken for dead by now, and lives all the same.
    node.answering.set(String(vipOf(20)), macOf(2));
    node.take();
    node.pass(3000);
    expect(node.owned()).to.deep.equal([]);
    expect(node.take().filter((action) => action.type === 'question' && action.about === 'station')).to.deep.equal([]);
  });

  it('BL-10: is left with a VIP that nobody ever owned', () => {
    const node = new LoneNode();
    node.answering.set(String(vipOf(21)), STRANGER);
    node.stations.set(String(STRANGER), 'stranger');
    node.want(['edge-1', 'edge-2'], 21);
    node.pass(6000);
    expect(node.owned()).to.deep.equal([]);
  });

  it('BL-10: costs four questions about stations in a second, however many answer', () => {
    const node = withSilentOwner();
    node.pass(170);
    node.take();
    for (let number = 100; number < 200; number += 1)
      node.give({ type: 'answered', vip: vipOf(20), mac: macOf(number) });
    const asked = node.take().filter((action) => action.type === 'question' && action.about === 'station');
    expect(asked).to.have.length(4);
    expect(node.state.stations.size).to.equal(4);
  });
});
