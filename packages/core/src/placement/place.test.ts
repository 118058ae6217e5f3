// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { IpAddress } from '../net/ip-address.ts';
import { placeAll, placeOwner } from './place.ts';
import { rendezvousOrder } from './rendezvous.ts';

const EDGES = ['edge-1', 'edge-2', 'edge-3'];

/** The nth address of 203.0.113.0/24 and what follows it. */
function vip(number: number): IpAddress {
  return IpAddress.of('IPv4', 0xcb007100n + BigInt(number));
}

function vips(count: number, eligible: readonly string[]) {
  return Array.from({ length: count }, (_, index) => ({ vip: vip(index), eligible }));
}

function loadsOf(owners: ReadonlyMap<string, string>): number[] {
  const loads = new Map<string, number>();
  for (const owner of owners.values()) loads.set(owner, (loads.get(owner) ?? 0) + 1);
  return [...loads.values()].sort((a, b) => a - b);
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
});

describe('placeOwner', () => {
  it('EL-01: takes the first of the rendezvous order at equal load', () => {
    expect(placeOwner({ vip: vip(20), eligible: EDGES })).to.equal('edge-2');
  });

  it('EL-01: gives no owner without an eligible node', () => {
    expect(placeOwner({ vip: vip(20), eligible: [] })).to.equal(undefined);
  });

  it('keeps an eligible owner, whatever its load', () => {
    expect(placeOwner({ vip: vip(20), eligible: EDGES, owner: 'edge-3', loads: new Map([['edge-3', 9]]) })).to.equal(
      'edge-3',
    );
  });

  it('leaves an owner that is not eligible', () => {
    expect(placeOwner({ vip: vip(20), eligible: ['edge-1', 'edge-3'], owner: 'edge-2' })).to.equal('edge-1');
  });

  it('prefers the least loaded node', () => {
    const loads = new Map([
      ['edge-1', 1],
      ['edge-2', 1],
    ]);
    expect(placeOwner({ vip: vip(20), eligible: EDGES, loads })).to.equal('edge-3');
  });

  it('moves only the VIPs of a lost node', () => {
    for (let number = 0; number < 200; number++) {
      const before = placeOwner({ vip: vip(number), eligible: EDGES });
      const after = placeOwner({ vip: vip(number), eligible: ['edge-1', 'edge-3'] });
      if (before !== 'edge-2') expect(after).to.equal(before);
    }
  });
});

describe('placeAll', () => {
  const spreads = [
    { count: 255, nodes: ['edge-1', 'edge-2'], loads: [127, 128] },
    { count: 100, nodes: EDGES, loads: [33, 33, 34] },
  ];
  for (const { count, nodes, loads } of spreads) {
    it(`EL-02: spreads ${count} VIPs over ${nodes.length} nodes`, () => {
      expect(loadsOf(placeAll(vips(count, nodes)))).to.deep.equal(loads);
    });
  }

  it('EL-01: does not depend on the order of its input', () => {
    const rows = vips(20, EDGES);
    const expected = [...placeAll(rows)].sort();
    fc.assert(
      fc.property(fc.shuffledSubarray(rows, { minLength: rows.length }), (shuffled) => {
        expect([...placeAll(shuffled)].sort()).to.deep.equal(expected);
      }),
    );
  });

  it('keeps owners and places orphans where fewest are', () => {
    const kept = [0, 1, 2].map((number) => ({ vip: vip(number), eligible: EDGES, owner: 'edge-1' }));
    const orphan = { vip: vip(3), eligible: EDGES, owner: 'edge-9' };
    const owners = placeAll([orphan, ...kept]);
    expect([0, 1, 2].map((number) => owners.get(String(vip(number))))).to.deep.equal(['edge-1', 'edge-1', 'edge-1']);
    expect(owners.get(String(vip(3)))).to.be.oneOf(['edge-2', 'edge-3']);
  });
});
