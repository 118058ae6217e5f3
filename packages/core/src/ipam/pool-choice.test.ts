// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { parsePoolConfig } from '../config/parse.ts';
import { configOf, poolDocuments } from './testing/builders.ts';
import { GOLD, Pass, pinned, single } from './testing/pass.ts';

describe('pool choice', () => {
  it('PS-05: the lower priority is used until it is full, 0 or none comes last', () => {
    const pass = new Pass(
      single({ a: pinned({ priority: 20 }), b: pinned({ priority: 10 }), c: {}, d: pinned({ priority: 0 }) }),
    );
    expect([1, 2, 3, 4, 5].map(() => pass.pool())).to.deep.equal(['b', 'a', 'c', 'd', 'OutOfAddresses']);
  });

  it('PS-06: pinned pools first, each group by priority and name, then unpinned ones', () => {
    const pass = new Pass(
      single({
        u1: pinned({ priority: 1 }),
        u0: {},
        p2: pinned({ namespaces: ['shop'], priority: 2 }),
        p1: pinned({ serviceSelectors: [GOLD], priority: 1 }),
        p0: pinned({ namespaces: ['shop'] }),
        m: { autoAssign: false },
      }),
    );
    const gold = { labels: { tier: 'gold' } };
    expect([1, 2, 3, 4, 5, 6].map(() => pass.pool(gold))).to.deep.equal([
      'p1',
      'p2',
      'p0',
      'u1',
      'u0',
      'OutOfAddresses',
    ]);
  });

  it('PS-07: equal priority goes by name, whatever the order of the documents', () => {
    for (const names of [
      ['b', 'a'],
      ['a', 'b'],
    ]) {
      const pass = new Pass(single(Object.fromEntries(names.map((name) => [name, pinned({ priority: 5 })]))));
      expect(pass.pool()).to.equal('a');
    }
  });

  for (const priority of [10, undefined]) {
    it(`HO-05: blue and amber, both with priority ${priority}: amber in each of 100 shuffles`, () => {
      const spec = (octet: number) => ({
        addresses: [`192.0.2.${octet}/32`],
        ...(priority === undefined ? {} : pinned({ priority })),
      });
      const texts = [poolDocuments({ blue: spec(1) }), poolDocuments({ amber: spec(2) })];
      fc.assert(
        fc.property(
          fc.shuffledSubarray([...texts], { minLength: 2 }),
          fc.boolean(),
          ([first = '', second = ''], isOneKey) => {
            const data: Record<string, string> = isOneKey
              ? { 'a.yaml': `${first}\n---\n${second}` }
              : { 'a.yaml': first, 'b.yaml': second };
            const parsed = parsePoolConfig(data);
            expect(parsed.ok && new Pass(parsed.config).pool()).to.equal('amber');
          },
        ),
        { numRuns: 100 },
      );
    });
  }

  it('HO-06: d, c 20, b 0, a 10 are used as a, c, b, d in all 24 orders', () => {
    const specs: Record<string, object> = {
      d: {},
      c: pinned({ priority: 20 }),
      b: pinned({ priority: 0 }),
      a: pinned({ priority: 10 }),
    };
    const orders = permutations(Object.keys(specs));
    expect(orders).to.have.length(24);
    for (const order of orders) {
      const pass = new Pass(single(Object.fromEntries(order.map((name) => [name, specs[name] ?? {}]))));
      expect(order.map(() => pass.pool())).to.deep.equal(['a', 'c', 'b', 'd']);
    }
  });

  it('a pool that gives nothing by itself gives on request', () => {
    const pass = new Pass(configOf({ m: { addresses: ['192.0.2.0/30'], autoAssign: false } }));
    expect(pass.pool()).to.equal('NoPool');
    expect(pass.pool({ annotations: { 'req-pool': 'm' } })).to.equal('m');
    expect(pass.pool({ annotations: { 'req-ips': '192.0.2.3' } })).to.equal('m');
  });

  it('a wanted pool that is full, or is not there, is not replaced by another', () => {
    const pass = new Pass(single({ edge: {}, core: {} }));
    expect(pass.pool({ annotations: { 'req-pool': 'edge' } })).to.equal('edge');
    expect(pass.pool({ annotations: { 'req-pool': 'edge' } })).to.equal('OutOfAddresses');
    const decision = pass.decide({ annotations: { 'req-pool': 'egde' } });
    expect(decision.refusal).to.equal('NoPool');
    expect(decision.condition.message).to.equal('there is no pool egde; did you mean edge?');
  });

  it('a wanted pool and an address of another pool contradict each other', () => {
    const pass = new Pass(single({ edge: {}, core: {} }));
    expect(pass.pool({ annotations: { 'req-pool': 'edge', 'req-ips': '192.0.2.2' } })).to.equal('InvalidRequest');
  });
});

function permutations(items: readonly string[]): string[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item) => permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]));
}
