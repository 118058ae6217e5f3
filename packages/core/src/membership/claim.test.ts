// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { type Claimant, compareClaims, MAX_TERM, nextTerm } from './claim.ts';

const VIP = '203.0.113.20';

function claimant(node: string, term: number, bootId = 'aaaaaaaaaaaaaaaa'): Claimant {
  return { node, term, bootId };
}

describe('compareClaims', () => {
  it('lets the higher term win', () => {
    expect(compareClaims(VIP, claimant('edge-3', 2), claimant('edge-2', 1))).to.be.lessThan(0);
  });

  it('EL-01: lets rendezvous order decide at equal terms', () => {
    expect(compareClaims(VIP, claimant('edge-2', 1), claimant('edge-1', 1))).to.be.lessThan(0);
    expect(compareClaims(VIP, claimant('edge-1', 1), claimant('edge-3', 1))).to.be.lessThan(0);
  });

  it('lets the lower boot id win between two nodes with one name', () => {
    expect(compareClaims(VIP, claimant('edge-1', 1, '01'), claimant('edge-1', 1, '02'))).to.be.lessThan(0);
  });

  it('is a total order: everybody who hears the same claims sees the same winner', () => {
    const claims = fc.array(
      fc.record({
        node: fc.constantFrom('edge-1', 'edge-2', 'edge-3'),
        term: fc.integer({ min: 1, max: 3 }),
        bootId: fc.constantFrom('01', '02'),
      }),
      { minLength: 1, maxLength: 6 },
    );
    const best = (all: readonly Claimant[]) => all.reduce((a, b) => (compareClaims(VIP, b, a) < 0 ? b : a));
    fc.assert(
      fc.property(claims, (all) => {
        expect(best(all)).to.deep.equal(best([...all].reverse()));
      }),
    );
  });
});

describe('nextTerm', () => {
  it('is above all that were heard, and 1 for a VIP that nobody had', () => {
    expect(nextTerm(undefined)).to.equal(1);
    expect(nextTerm(41)).to.equal(42);
  });

  it('does not run over', () => {
    expect(nextTerm(MAX_TERM)).to.equal(MAX_TERM);
  });
});
