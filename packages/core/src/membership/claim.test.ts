// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { type Claimant, compareClaims, MAX_TERM, nextTerm, nextTermOfFew } from './claim.ts';

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

  it('BL-18: leaves terms free for the larger side where few are heard', () => {
    const [few, many] = [nextTermOfFew(4), nextTerm(nextTerm(nextTerm(4)))];
    const claim = (node: string, term: number) => ({ node, bootId: node, term, yieldsTo: 4 });
    for (const [one, other] of [
      ['edge-1', 'edge-2'],
      ['edge-2', 'edge-1'],
    ] as const)
      expect(compareClaims(VIP, claim(one, many), claim(other, few))).to.be.lessThan(0);
  });

  it('does not run over', () => {
    expect([nextTerm(MAX_TERM), nextTermOfFew(MAX_TERM)]).to.deep.equal([MAX_TERM, MAX_TERM]);
  });
});

describe('two claims on one VIP', () => {
  const claim = (node: string, term: number, yieldsTo?: number): Claimant => ({
    ...{ node, bootId: node, term },
    ...(yieldsTo !== undefined && { yieldsTo }),
  });
  const best = (...claims: Claimant[]) => [...claims].sort((a, b) => compareClaims('203.0.113.20', a, b))[0]?.node;

  const cases: { name: string; claims: Claimant[]; better: string }[] = [
    { name: 'who was silent goes before who took over', claims: [claim('a', 5, 5), claim('b', 6, 5)], better: 'a' },
    { name: 'and before who took over from that', claims: [claim('a', 5, 5), claim('c', 7, 5)], better: 'a' },
    {
      name: 'who took over first goes before who took over from it',
      claims: [claim('b', 6, 5), claim('c', 7, 5)],
      better: 'b',
    },
    {
      name: 'who took what was given up goes before all earlier ones',
      claims: [claim('a', 5, 5), claim('d', 8, 8)],
      better: 'd',
    },
    {
      name: 'a lower term that is no part of the line loses',
      claims: [claim('a', 3, 3), claim('b', 6, 5)],
      better: 'b',
    },
    {
      name: 'with equal terms who took over from a silent owner loses to whom that owner handed it on',
      claims: [claim('a', 2, 1), claim('b', 2, 2)],
      better: 'b',
    },
    {
      name: 'also where the one would win by rendezvous',
      claims: [claim('b', 2, 1), claim('a', 2, 2)],
      better: 'a',
    },
    {
      name: 'a weak claim loses to a firm one with a lower term',
      claims: [{ ...claim('a', 9, 9), isWeak: true }, claim('b', 2, 2)],
      better: 'b',
    },
    {
      name: 'a weak claim loses to who took over from it',
      claims: [{ ...claim('a', 5, 5), isWeak: true }, claim('b', 6, 5)],
      better: 'b',
    },
    {
      name: 'two weak ones are settled by line',
      claims: [
        { ...claim('a', 5, 5), isWeak: true },
        { ...claim('b', 6, 5), isWeak: true },
      ],
      better: 'a',
    },
    {
      name: 'a newcomer loses to a standing owner',
      claims: [{ ...claim('a', 9, 9), isFresh: true }, claim('b', 1, 1)],
      better: 'b',
    },
    {
      name: 'a newcomer with a witness goes before one that was cut off for long',
      claims: [
        { ...claim('a', 1, 1), isFresh: true },
        { ...claim('b', 4, 4), isWeak: true },
      ],
      better: 'a',
    },
    {
      name: 'beside an older speaker the higher term wins',
      claims: [claim('a', 5, 5), claim('old', 6)],
      better: 'old',
    },
    { name: 'also for the newer one', claims: [{ ...claim('a', 7, 5), isWeak: true }, claim('old', 6)], better: 'a' },
  ];
  for (const { name, claims, better } of cases)
    it(`BL-18: ${name}`, () => {
      expect(best(...claims)).to.equal(better);
      expect(best(...claims.toReversed())).to.equal(better);
    });

  it('BL-18: of one line the best is the same in whatever order they are heard', () => {
    const kinds = fc.record({ isWeak: fc.boolean(), isFresh: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 5, max: 30 }), kinds), { minLength: 2, maxLength: 6 }),
        (drawn) => {
          const claims = drawn.map(([term, kind], index) => ({ ...claim(`n${index}`, term, 5), ...kind }));
          const found = best(...claims);
          expect(best(...claims.toReversed())).to.equal(found);
          for (const one of claims)
            if (one.node !== found) expect(best(one, ...claims.filter(({ node }) => node === found))).to.equal(found);
        },
      ),
    );
  });
});
