// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import type { Labels } from '../config/label-selector.ts';
import { parsePoolConfig } from '../config/parse.ts';
import type { PoolConfig } from '../config/pool-config.ts';
import { Allocator } from './allocator.ts';
import type { Decision } from './decision.ts';
import {
  configOf,
  DUAL,
  IPV6_ONLY,
  type PoolSpec,
  poolDocuments,
  requestOf,
  type ServiceSketch,
} from './testing/builders.ts';

type Namespaces = Readonly<Record<string, Labels>>;

/** Pools of one address each: 192.0.2.1/32, 192.0.2.2/32, ... */
function single(specs: Readonly<Record<string, object>>): PoolConfig {
  const pools = Object.entries(specs).map(([name, spec], index) => [
    name,
    { addresses: [`192.0.2.${index + 1}/32`], ...spec },
  ]);
  return configOf(Object.fromEntries(pools));
}

class Pass {
  readonly allocator: Allocator;
  #count = 0;

  constructor(config: PoolConfig, namespaces: Namespaces = {}) {
    this.allocator = new Allocator({ config, namespaces: new Map(Object.entries(namespaces)) });
  }

  decide(sketch: ServiceSketch = {}, name = `s${this.#count++}`): Decision {
    return this.allocator.decide(requestOf(name, sketch), 0);
  }

  /** The pool of the address that a new Service gets, or the reason why it gets none. */
  pool(sketch: ServiceSketch = {}): string | undefined {
    const { addresses, refusal } = this.decide(sketch);
    return addresses[0]?.pool ?? refusal;
  }
}

function pinned(to: object): object {
  return { serviceAllocation: to };
}

const GOLD = { matchLabels: { tier: 'gold' } };
const RED = { matchLabels: { team: 'red' } };

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

describe('namespaces and selectors', () => {
  it('NS-01: a pinned pool serves its namespace only, also on request', () => {
    const pass = new Pass(configOf({ edge: { addresses: ['192.0.2.0/29'], ...pinned({ namespaces: ['shop'] }) } }));
    expect(pass.pool({ namespace: 'shop' })).to.equal('edge');
    for (const annotations of [{}, { 'req-ips': '192.0.2.5' }, { 'req-pool': 'edge' }]) {
      expect(pass.pool({ namespace: 'ops', annotations })).to.equal('SelectorMismatch');
    }
  });

  it('NS-02: a service selector serves Services with the label; of several any one is enough', () => {
    const pass = new Pass(
      configOf({
        edge: { addresses: ['192.0.2.0/29'], ...pinned({ serviceSelectors: [GOLD, { matchLabels: { vip: 'yes' } }] }) },
      }),
    );
    expect(pass.pool({ labels: { tier: 'gold' } })).to.equal('edge');
    expect(pass.pool({ labels: { vip: 'yes' } })).to.equal('edge');
    expect(pass.pool({ labels: { tier: 'silver' } })).to.equal('SelectorMismatch');
    expect(pass.pool()).to.equal('SelectorMismatch');
  });

  it('NS-03: namespaces and service selectors must both match', () => {
    const pass = new Pass(
      configOf({
        edge: { addresses: ['192.0.2.0/29'], ...pinned({ namespaces: ['shop'], serviceSelectors: [GOLD] }) },
      }),
    );
    expect(pass.pool({ namespace: 'shop', labels: { tier: 'gold' } })).to.equal('edge');
    expect(pass.pool({ namespace: 'ops', labels: { tier: 'gold' } })).to.equal('SelectorMismatch');
    expect(pass.pool({ namespace: 'shop' })).to.equal('SelectorMismatch');
  });

  it('a namespace that gets the label later is served from then on', () => {
    const config = configOf({ edge: { addresses: ['192.0.2.0/29'], ...pinned({ namespaceSelectors: [RED] }) } });
    const pass = new Pass(config, { shop: {} });
    const first = pass.decide({}, 'web');
    expect(first).to.deep.include({ refusal: 'SelectorMismatch', isPermanent: true });
    pass.allocator.setSurroundings({ config, namespaces: new Map([['shop', { team: 'red' }]]) });
    expect(pass.decide({}, 'web').addresses[0]?.pool).to.equal('edge');
  });

  for (const more of [{}, { serviceSelectors: [GOLD] }]) {
    it(`NS-05: a namespace selector that matches no namespace closes the pool ${'serviceSelectors' in more ? 'also with a service selector beside it' : ''}`, () => {
      const pass = new Pass(
        configOf({ edge: { addresses: ['192.0.2.0/29'], ...pinned({ namespaceSelectors: [RED], ...more }) } }),
      );
      for (const annotations of [{}, { 'req-ips': '192.0.2.5' }, { 'req-pool': 'edge' }]) {
        expect(pass.pool({ labels: { tier: 'gold' }, annotations })).to.equal('SelectorMismatch');
      }
    });
  }

  it('NS-07: a label of the Service does not stand for its namespace', () => {
    const pass = new Pass(
      configOf({
        edge: {
          addresses: ['192.0.2.0/29'],
          ...pinned({
            namespaces: ['shop'],
            namespaceSelectors: [{ matchLabels: { 'kubernetes.io/metadata.name': 'shop' } }],
          }),
        },
      }),
    );
    expect(
      pass.pool({ namespace: 'ops', labels: { 'kubernetes.io/metadata.name': 'shop', namespace: 'shop' } }),
    ).to.equal('SelectorMismatch');
  });

  it('NS-08: pinning closes the pool, it does not tie the namespace', () => {
    const pass = new Pass(single({ own: pinned({ namespaces: ['shop'] }), open: {} }));
    expect(pass.pool({ namespace: 'shop', annotations: { 'req-ips': '192.0.2.2' } })).to.equal('open');
  });

  it('RQ-13: naming an address never opens a closed pool', () => {
    const pass = new Pass(configOf({ edge: { addresses: ['192.0.2.0/29'], ...pinned({ serviceSelectors: [GOLD] }) } }));
    expect(pass.decide({ annotations: { 'req-ips': '192.0.2.3' } })).to.deep.include({
      refusal: 'SelectorMismatch',
      addresses: [],
    });
  });

  it('NS-10: a refusal by namespace or selector is permanent and has its own reason, one by lack of addresses is not', () => {
    const pass = new Pass(single({ own: pinned({ namespaces: ['shop'] }) }));
    expect(pass.decide({ namespace: 'ops' })).to.deep.include({ refusal: 'SelectorMismatch', isPermanent: true });
    pass.decide();
    expect(pass.decide()).to.deep.include({ refusal: 'OutOfAddresses', isPermanent: false });
    expect(pass.decide({ annotations: { 'req-ips': '192.0.2.1' } })).to.deep.include({
      refusal: 'AlreadyAllocated',
      isPermanent: false,
    });
  });

  it('RC-05: a pass sees one snapshot: a swap after the decision changes neither it nor its writes', () => {
    const pass = new Pass(single({ own: {} }));
    const decision = pass.decide({}, 'web');
    pass.allocator.setSurroundings({
      config: single({ other: { addresses: ['192.0.2.99/32'] } }),
      namespaces: new Map(),
    });
    expect(decision.addresses.map(({ address, pool }) => `${address} ${pool}`)).to.deep.equal(['192.0.2.1 own']);
    expect(JSON.stringify(pass.allocator.writes())).to.include('192.0.2.1').and.not.include('192.0.2.99');
  });
});

describe('dual stack', () => {
  const SINGLE: Record<string, PoolSpec> = {
    four: { addresses: ['192.0.2.0/29'] },
    six: { addresses: ['2001:db8:6::/120'] },
  };
  const BOTH: Record<string, PoolSpec> = { ...SINGLE, zdual: { addresses: ['198.51.100.0/29', '2001:db8:5::/120'] } };
  const rows: { name: string; pools: Record<string, PoolSpec>; sketch: ServiceSketch; gets: string }[] = [
    {
      name: 'SingleStack IPv4, dual pool',
      pools: { zdual: BOTH.zdual ?? { addresses: [] } },
      sketch: {},
      gets: '198.51.100.0',
    },
    {
      name: 'RequireDualStack, dual pool',
      pools: BOTH,
      sketch: { clusterIPs: DUAL, ipFamilyPolicy: 'RequireDualStack' },
      gets: '198.51.100.0,2001:db8:5::1',
    },
    {
      name: 'RequireDualStack, single-stack pools',
      pools: SINGLE,
      sketch: { clusterIPs: DUAL, ipFamilyPolicy: 'RequireDualStack' },
      gets: 'DualStackUnavailable',
    },
    {
      name: 'PreferDualStack, dual and single-stack pools',
      pools: BOTH,
      sketch: { clusterIPs: DUAL, ipFamilyPolicy: 'PreferDualStack' },
      gets: '198.51.100.0,2001:db8:5::1',
    },
    {
      name: 'PreferDualStack, IPv4 first, single-stack pools',
      pools: SINGLE,
      sketch: { clusterIPs: DUAL, ipFamilyPolicy: 'PreferDualStack' },
      gets: '192.0.2.0',
    },
    {
      name: 'PreferDualStack, IPv6 first, single-stack pools',
      pools: SINGLE,
      sketch: { clusterIPs: DUAL.toReversed(), ipFamilyPolicy: 'PreferDualStack' },
      gets: '2001:db8:6::1',
    },
    {
      name: 'PreferDualStack, one cluster IP',
      pools: SINGLE,
      sketch: { ipFamilyPolicy: 'PreferDualStack' },
      gets: '192.0.2.0',
    },
    {
      name: 'RequireDualStack, one cluster IP',
      pools: BOTH,
      sketch: { ipFamilyPolicy: 'RequireDualStack' },
      gets: 'DualStackUnavailable',
    },
    {
      name: 'IPv6 only, no IPv6 pool',
      pools: { four: SINGLE.four ?? { addresses: [] } },
      sketch: { clusterIPs: IPV6_ONLY },
      gets: 'NoPool',
    },
  ];
  for (const { name, pools, sketch, gets } of rows) {
    it(`${name}: ${gets}`, () => {
      const { addresses, refusal } = new Pass(configOf(pools)).decide(sketch);
      expect(addresses.map(({ address }) => address).join() || refusal).to.equal(gets);
    });
  }

  it('DS-04: refuses addresses of two pools', () => {
    const pass = new Pass(
      configOf({ edge: { addresses: ['203.0.113.70/32'] }, core: { addresses: ['2001:db8:6::70/128'] } }),
    );
    const sketch = {
      clusterIPs: DUAL,
      ipFamilyPolicy: 'RequireDualStack',
      annotations: { 'req-ips': '203.0.113.70,2001:db8:6::70' },
    };
    const decision = pass.decide(sketch);
    expect(decision).to.deep.include({ refusal: 'InvalidRequest', addresses: [] });
    expect(decision.condition.message).to.include('one pool').and.include('edge').and.include('core');
  });

  it('a live PreferDualStack Service gets the family that its pool gets, and keeps the other', () => {
    const pass = new Pass(configOf({ lan: { addresses: ['198.51.100.0/29'] } }));
    const sketch = { clusterIPs: DUAL, ipFamilyPolicy: 'PreferDualStack' };
    expect(pass.decide(sketch, 'web').addresses.map(String)).to.have.length(1);
    pass.allocator.setSurroundings({
      config: configOf({ lan: { addresses: ['198.51.100.0/29', '2001:db8:5::/120'] } }),
      namespaces: new Map(),
    });
    expect(pass.decide(sketch, 'web').addresses.map(({ address }) => `${address}`)).to.deep.equal([
      '198.51.100.0',
      '2001:db8:5::1',
    ]);
  });

  it('a live Service keeps its address where two are required and only one can be had', () => {
    const pass = new Pass(configOf(SINGLE));
    pass.decide({ clusterIPs: DUAL, ipFamilyPolicy: 'PreferDualStack' }, 'web');
    const decision = pass.decide({ clusterIPs: DUAL, ipFamilyPolicy: 'RequireDualStack' }, 'web');
    expect(decision.addresses.map(({ address }) => `${address}`)).to.deep.equal(['192.0.2.0']);
    expect(decision.condition).to.deep.include({ status: 'True', reason: 'DualStackUnavailable' });
  });

  it('a Service that turns single-stack gives the other family back once its status no longer shows it', () => {
    for (const [before, after, kept] of [
      [DUAL, [DUAL[0] ?? ''], 0],
      [DUAL.toReversed(), IPV6_ONLY, 1],
    ] as const) {
      const pass = new Pass(configOf(BOTH));
      pass.decide({ clusterIPs: before, ipFamilyPolicy: 'RequireDualStack' }, 'web');
      const shown = ['198.51.100.0', '2001:db8:5::1'];
      const decision = pass.decide({ clusterIPs: after, shown }, 'web');
      expect(decision.addresses.map(({ address }) => `${address}`)).to.deep.equal([shown[kept]]);
      expect(pass.allocator.addressesOf('shop/web')).to.have.length(2);
      expect(pass.decide({ clusterIPs: after, shown: [shown[kept] ?? ''] }, 'web').freed.map(String)).to.deep.equal([
        shown[1 - kept],
      ]);
    }
  });
});

function permutations(items: readonly string[]): string[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item) => permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]));
}
