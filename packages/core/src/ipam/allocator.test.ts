// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import type { Allocator } from './allocator.ts';
import { poolReport } from './pool-report.ts';
import { configOf, DUAL, IPV6_ONLY, requestOf, type ServiceSketch } from './testing/builders.ts';
import { allocatorOf, give, stateOf, TINY } from './testing/give.ts';
import { World } from './testing/world.ts';

describe('Allocator', () => {
  it('AL-01: gives the lowest free address first', () => {
    expect(give(allocatorOf(TINY), { a: {}, b: {} })).to.deep.equal({ a: '203.0.113.40', b: '203.0.113.41' });
  });

  it('gives the same address again and writes nothing', () => {
    const world = new World(TINY);
    world.put({ ...requestless('a') });
    world.settle();
    const { writes } = world.server;
    world.settle();
    expect(world.shown('a')).to.deep.equal(['203.0.113.40']);
    expect(world.server.writes).to.equal(writes);
  });

  it('AL-03: refuses an address that another Service holds', () => {
    const allocator = allocatorOf(TINY);
    give(allocator, { a: {} });
    expect(give(allocator, { b: { annotations: { 'req-ips': '203.0.113.40' } } })).to.deep.equal({
      b: 'AlreadyAllocated',
    });
    expect(give(allocator, { a: {} })).to.deep.equal({ a: '203.0.113.40' });
  });

  it('AL-04: tells when no address is left and touches nobody else', () => {
    const allocator = allocatorOf(TINY);
    give(allocator, { a: {}, b: {}, c: {}, d: {} });
    const before = stateOf(allocator);
    expect(give(allocator, { e: {} })).to.deep.equal({ e: 'OutOfAddresses' });
    expect(stateOf(allocator)).to.deep.equal(before);
  });

  it('gives a released address to the one that waits', () => {
    const allocator = allocatorOf(TINY);
    give(allocator, { a: {}, b: {}, c: {}, d: {}, e: {} });
    expect(allocator.release('shop/a', 0).map(String)).to.deep.equal(['203.0.113.40']);
    expect(give(allocator, { e: {} })).to.deep.equal({ e: '203.0.113.40' });
  });

  const refusals: Record<string, ServiceSketch> = {
    'an address of another': { annotations: { 'req-ips': '203.0.113.40' } },
    'an address in no pool': { annotations: { 'req-ips': '192.0.2.9' } },
    'a pool that does not exist': { annotations: { 'req-pool': 'nowhere' } },
    'what cannot be read': { annotations: { 'req-ips': 'not-an-ip' } },
    'two families of a single-stack pool': { clusterIPs: DUAL, ipFamilyPolicy: 'RequireDualStack' },
  };
  for (const [name, sketch] of Object.entries(refusals)) {
    it(`AL-06: a refusal of ${name} leaves everything as it was`, () => {
      const allocator = allocatorOf(TINY);
      give(allocator, { a: {} });
      allocator.writes();
      allocator.commit(['1']);
      const before = stateOf(allocator);
      const config = JSON.stringify(TINY, bigints);
      expect(allocator.decide(requestOf('b', sketch), 0).addresses).to.deep.equal([]);
      expect(stateOf(allocator)).to.deep.equal(before);
      expect(allocator.writes()).to.deep.equal([]);
      expect(JSON.stringify(TINY, bigints)).to.equal(config);
    });
  }

  it('AL-07: goes through the entries in the order written, lowest first inside each', () => {
    const config = configOf({ lan: { addresses: ['203.0.113.100-203.0.113.101', '203.0.113.20-203.0.113.21'] } });
    expect(Object.values(give(allocatorOf(config), { a: {}, b: {}, c: {}, d: {}, e: {} }))).to.deep.equal([
      '203.0.113.100',
      '203.0.113.101',
      '203.0.113.20',
      '203.0.113.21',
      'OutOfAddresses',
    ]);
  });

  it('AL-08: with avoidBuggyIPs .0 and .255 are never given, not even on request', () => {
    const allocator = allocatorOf(configOf({ lan: { addresses: ['198.51.100.0/24'], avoidBuggyIPs: true } }));
    expect(give(allocator, { a: {} })).to.deep.equal({ a: '198.51.100.1' });
    for (const address of ['198.51.100.0', '198.51.100.255']) {
      expect(give(allocator, { b: { annotations: { 'req-ips': address } } })).to.deep.equal({ b: 'AddressExcluded' });
    }
    const given = Array.from({ length: 254 }, (_, index) => give(allocator, { [`s${index}`]: {} })[`s${index}`]);
    expect(given.at(-2)).to.equal('198.51.100.254');
    expect(given.at(-1)).to.equal('OutOfAddresses');
  });

  it('AL-08: without the flag both are given, and IPv6 is never filtered', () => {
    const allocator = allocatorOf(
      configOf({
        lan: { addresses: ['198.51.100.0/24'] },
        six: { addresses: ['2001:db8:5::/120'], avoidBuggyIPs: true },
      }),
    );
    expect(give(allocator, { a: {} })).to.deep.equal({ a: '198.51.100.0' });
    expect(give(allocator, { b: { annotations: { 'req-ips': '198.51.100.255' } } })).to.deep.equal({
      b: '198.51.100.255',
    });
    const sketch = { clusterIPs: IPV6_ONLY, annotations: { 'req-ips': '2001:db8:5::ff' } };
    expect(give(allocator, { c: sketch })).to.deep.equal({ c: '2001:db8:5::ff' });
  });

  it('AL-09: first and last address of a block are not special', () => {
    for (const avoidBuggyIPs of [false, true]) {
      const allocator = allocatorOf(configOf({ lan: { addresses: ['198.51.100.16/28'], avoidBuggyIPs } }));
      const given = Array.from({ length: 16 }, (_, index) => give(allocator, { [`s${index}`]: {} })[`s${index}`]);
      expect([given[0], given[15]]).to.deep.equal(['198.51.100.16', '198.51.100.31']);
    }
  });

  const capacities = [
    { id: 'AL-08', pools: [{ addresses: ['198.51.100.254/31'], avoidBuggyIPs: true }], total: 1n },
    { id: 'AL-09', pools: [{ addresses: ['198.51.100.16/28'], avoidBuggyIPs: true }], total: 16n },
    { id: 'AL-09', pools: [{ addresses: ['198.51.100.6/31'] }], total: 2n },
    { id: 'AL-09', pools: [{ addresses: ['198.51.100.6/32'] }], total: 1n },
    { id: 'AL-10', pools: [{ addresses: ['198.51.100.0/24'] }], total: 256n },
    { id: 'AL-10', pools: [{ addresses: ['198.51.100.0/24', '203.0.113.0/25'], avoidBuggyIPs: true }], total: 381n },
    { id: 'AL-10', pools: [{ addresses: ['198.51.100.0/31', '2001:db8:5::/127'], avoidBuggyIPs: true }], total: 3n },
    { id: 'AL-10', pools: [{ addresses: ['2001:db8:5::/64'] }], total: 1n << 64n },
    { id: 'AL-10', pools: [{ addresses: ['2000::/8', '10.0.0.0/8'] }], total: (1n << 120n) + (1n << 24n) },
    {
      id: 'AL-10',
      pools: [{ addresses: ['198.51.100.0/28'], exclude: ['198.51.100.4/30', '198.51.100.14-198.51.100.99'] }],
      total: 10n,
    },
  ];
  for (const { id, pools, total } of capacities) {
    it(`${id}: counts ${total} addresses in ${JSON.stringify(pools)}`, () => {
      const allocator = allocatorOf(configOf({ lan: pools[0] ?? { addresses: [] } }));
      expect(poolReport(allocator, 0).reduce((sum, row) => sum + row.total, 0n)).to.equal(total);
    });
  }

  it('AL-11: skips the Subnet-Router anycast address of a /64, and gives it on request', () => {
    const allocator = allocatorOf(configOf({ lan: { addresses: ['2001:db8:5::/64'] } }));
    expect(give(allocator, { a: { clusterIPs: IPV6_ONLY } })).to.deep.equal({ a: '2001:db8:5::1' });
    const wanted = { clusterIPs: IPV6_ONLY, annotations: { 'req-ips': '2001:db8:5::' } };
    expect(give(allocator, { b: wanted })).to.deep.equal({ b: '2001:db8:5::' });
    const whole = allocatorOf(configOf({ lan: { addresses: ['2001:db8::/32'] } }));
    expect(give(whole, { a: { clusterIPs: IPV6_ONLY } })).to.deep.equal({ a: '2001:db8::1' });
  });

  it('AL-12: gives nothing where one of two families is used up, and keeps what was held', () => {
    const config = configOf({ lan: { addresses: ['203.0.113.50-203.0.113.52', '2001:db8:5::1-2001:db8:5::1'] } });
    const allocator = allocatorOf(config);
    const dual = { clusterIPs: DUAL, ipFamilyPolicy: 'RequireDualStack' };
    expect(give(allocator, { a: dual })).to.deep.equal({ a: '203.0.113.50,2001:db8:5::1' });
    expect(give(allocator, { b: dual })).to.deep.equal({ b: 'OutOfAddresses' });
    expect(give(allocator, { c: {} })).to.deep.equal({ c: '203.0.113.51' });
    expect(give(allocator, { c: dual })).to.deep.equal({ c: '203.0.113.51' });
    expect(allocator.addressesOf('shop/b')).to.deep.equal([]);
  });

  it('AL-13: one address in two spellings is one address', () => {
    const allocator = allocatorOf(configOf({ lan: { addresses: ['203.0.113.9/32', '2001:db8:5:0:0::7/128'] } }));
    expect(give(allocator, { a: { annotations: { 'req-ips': '::ffff:203.0.113.9' } } })).to.deep.equal({
      a: '203.0.113.9',
    });
    expect(give(allocator, { b: { annotations: { 'req-ips': '203.0.113.9' } } })).to.deep.equal({
      b: 'AlreadyAllocated',
    });
    const zoned = { clusterIPs: IPV6_ONLY, annotations: { 'req-ips': '2001:db8:5::7%lan0' } };
    expect(give(allocator, { c: zoned })).to.deep.equal({ c: 'InvalidRequest' });
  });

  it('AL-14: pool edits and Services in any order never give an address twice', () => {
    const configs = [
      TINY,
      configOf({ lan: { addresses: ['203.0.113.42-203.0.113.45'] } }),
      configOf({ wan: { addresses: ['203.0.113.40/31'] } }),
    ];
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const operations = [
      ...names.map((name) => (allocator: Allocator) => void allocator.decide(requestOf(name), 0)),
      ...names.slice(0, 3).map((name) => (allocator: Allocator) => void allocator.release(`shop/${name}`, 0)),
      ...configs.map(
        (config) => (allocator: Allocator) => allocator.setSurroundings({ config, namespaces: new Map() }),
      ),
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray(operations, { minLength: operations.length }), (shuffled) => {
        const allocator = allocatorOf(TINY);
        for (const operate of shuffled) operate(allocator);
        const held = names.flatMap((name) => allocator.addressesOf(`shop/${name}`).map(String));
        expect(new Set(held).size).to.equal(held.length);
      }),
      { numRuns: 100 },
    );
  });
});

function requestless(name: string) {
  return {
    metadata: { name, namespace: 'shop' },
    spec: { type: 'LoadBalancer', clusterIPs: ['10.96.0.9'], ports: [{ port: 80 }] },
  };
}

function bigints(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
