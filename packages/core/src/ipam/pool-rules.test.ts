// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { ip } from '../net/testing.ts';
import { poolReport } from './pool-report.ts';
import { configOf, DUAL, IPV6_ONLY, requestOf } from './testing/builders.ts';
import { disagreementIn } from './testing/disagreement.ts';
import { allocatorOf, give, stateOf, TINY } from './testing/give.ts';

describe('rules of a pool: exclude, reserved, quota, cooldown', () => {
  it('never gives what is excluded', () => {
    const allocator = allocatorOf(configOf({ lan: { addresses: ['203.0.113.40/30'], exclude: ['203.0.113.40/31'] } }));
    expect(give(allocator, { a: {}, b: { annotations: { 'req-ips': '203.0.113.41' } }, c: {}, d: {} })).to.deep.equal({
      a: '203.0.113.42',
      b: 'AddressExcluded',
      c: '203.0.113.43',
      d: 'OutOfAddresses',
    });
  });

  it('keeps a reserved address for its Service, also in a pool that gives nothing by itself', () => {
    const reserved = [{ address: '203.0.113.40', service: 'shop/web' }];
    for (const autoAssign of [true, false]) {
      const allocator = allocatorOf(configOf({ lan: { addresses: ['203.0.113.40/30'], reserved, autoAssign } }));
      expect(give(allocator, { thief: { annotations: { 'req-ips': '203.0.113.40' } } })).to.deep.equal({
        thief: 'AddressReserved',
      });
      expect(give(allocator, { other: {} })).to.deep.equal({ other: autoAssign ? '203.0.113.41' : 'NoPool' });
      expect(give(allocator, { web: {} })).to.deep.equal({ web: '203.0.113.40' });
    }
  });

  it('holds a namespace to its quota, and counts a shared address once', () => {
    const allocator = allocatorOf(
      configOf({ lan: { addresses: ['203.0.113.40/29'], quota: { perNamespace: 2, namespaces: { ops: 0 } } } }),
    );
    const share = (ports: string[]) => ({ annotations: { 'share-key': 'front' }, ports });
    expect(give(allocator, { a: share(['tcp/80']), b: {}, c: {}, d: share(['tcp/443']) })).to.deep.equal({
      a: '203.0.113.40',
      b: '203.0.113.41',
      c: 'QuotaExceeded',
      d: '203.0.113.40',
    });
    expect(give(allocator, { e: { namespace: 'ops' }, f: { namespace: 'dev' } })).to.deep.equal({
      e: 'QuotaExceeded',
      f: '203.0.113.42',
    });
    expect(give(allocator, { g: { annotations: { 'req-ips': '203.0.113.45' } } })).to.deep.equal({
      g: 'QuotaExceeded',
    });
  });

  it('a quota counts both addresses of a dual-stack Service, and one that shrinks takes nothing away', () => {
    const pool = { addresses: ['203.0.113.40/29', '2001:db8:5::/120'] };
    const allocator = allocatorOf(configOf({ lan: { ...pool, quota: { perNamespace: 3 } } }));
    const dual = { clusterIPs: DUAL, ipFamilyPolicy: 'RequireDualStack' };
    expect(give(allocator, { a: dual, b: dual, c: {} })).to.deep.equal({
      a: '203.0.113.40,2001:db8:5::1',
      b: 'QuotaExceeded',
      c: '203.0.113.41',
    });
    allocator.setSurroundings({
      config: configOf({ lan: { ...pool, quota: { perNamespace: 1 } } }),
      namespaces: new Map(),
    });
    expect(give(allocator, { a: dual, c: {} })).to.deep.equal({ a: '203.0.113.40,2001:db8:5::1', c: '203.0.113.41' });
  });

  it('an address that a Service leaves does not count against the one that it moves to', () => {
    const pool = { addresses: ['203.0.113.40/30', '2001:db8:5::/120'], quota: { perNamespace: 1 } };
    const allocator = allocatorOf(configOf({ lan: pool }));
    expect(give(allocator, { a: {} })).to.deep.equal({ a: '203.0.113.40' });
    expect(give(allocator, { a: { annotations: { 'req-ips': '203.0.113.42' } } })).to.deep.equal({ a: '203.0.113.42' });
    expect(give(allocator, { a: { clusterIPs: IPV6_ONLY } })).to.deep.equal({ a: '2001:db8:5::1' });
    const both = {
      clusterIPs: DUAL,
      ipFamilyPolicy: 'RequireDualStack',
      annotations: { 'req-ips': '203.0.113.43,2001:db8:5::9' },
    };
    expect(give(allocator, { b: { ...both, namespace: 'ops' } })).to.deep.equal({ b: 'QuotaExceeded' });
  });

  it('lets a freed address rest for all but its last owner', () => {
    const allocator = allocatorOf(configOf({ lan: { addresses: ['203.0.113.40/32'], cooldown: '10m' } }));
    give(allocator, { a: {} });
    allocator.release('shop/a', 1000);
    const decision = allocator.decide(requestOf('b'), 2000);
    expect(decision).to.deep.include({ refusal: 'OutOfAddresses', retryAtMs: 601_000, isPermanent: false });
    const wanted = allocator.decide(requestOf('b', { annotations: { 'req-ips': '203.0.113.40' } }), 2000);
    expect(wanted).to.deep.include({ refusal: 'CoolingDown', retryAtMs: 601_000 });
    expect(poolReport(allocator, 2000)[0]).to.deep.include({ used: 0n, cooling: 1n, free: 0n });
    expect(give(allocator, { a: {} }, 3000)).to.deep.equal({ a: '203.0.113.40' });
    allocator.release('shop/a', 4000);
    expect(give(allocator, { b: {} }, 604_001)).to.deep.equal({ b: '203.0.113.40' });
  });

  it('the end of a rest is no change of the ledger', () => {
    const allocator = allocatorOf(configOf({ lan: { addresses: ['203.0.113.40/32'], cooldown: '10m' } }));
    give(allocator, { a: {} });
    allocator.release('shop/a', 0);
    allocator.writes();
    allocator.commit(['1']);
    poolReport(allocator, 700_000);
    expect(allocator.writes()).to.deep.equal([]);
  });

  it('TN-05: other pools take effect in steps, and until the last one the old pools are there', () => {
    const pool = { addresses: ['10.0.0.0/16'], cooldown: '10m' };
    const allocator = allocatorOf(configOf({ lan: pool }));
    for (let index = 0; index < 2_500; index++) allocator.decide(requestOf(`s${index}`), 0);
    allocator.release('shop/s0', 0);
    const report = () => poolReport(allocator, 700_000).map((one) => `${one.pool} ${one.used} ${one.cooling}`);
    const seen: string[] = [];
    const surroundings = { config: configOf({ wan: pool }), namespaces: new Map() };
    for (const _ of allocator.swapSurroundings(surroundings)) seen.push(...report());
    expect(seen).to.deep.equal(['lan 2499 1', 'lan 2499 1']);
    expect(report()).to.deep.equal(['wan 2499 0']);
    expect(disagreementIn(allocator.table)).to.equal(undefined);
  });

  it('a Service that is made again gets its address back while it is free', () => {
    const allocator = allocatorOf(TINY);
    give(allocator, { a: {}, b: {}, c: {} });
    for (const name of ['a', 'b', 'c']) allocator.release(`shop/${name}`, 0);
    expect(give(allocator, { c: {}, d: {} })).to.deep.equal({ c: '203.0.113.42', d: '203.0.113.40' });
    expect(give(allocator, { a: {}, b: {} })).to.deep.equal({ a: '203.0.113.41', b: '203.0.113.43' });
  });

  it('berth.dev/renumber makes a Service leave the address that it names, once', () => {
    const allocator = allocatorOf(TINY);
    give(allocator, { a: {} });
    const sketch = { annotations: { 'berth.dev/renumber': '203.0.113.40' }, shown: ['203.0.113.40'] };
    const decision = allocator.decide(requestOf('a', sketch), 0);
    expect(decision.addresses.map(({ address }) => `${address}`)).to.deep.equal(['203.0.113.41']);
    expect(decision.isRenumberDone).to.equal(true);
    expect(allocator.addressesOf('shop/a').map(String)).to.deep.equal(['203.0.113.40', '203.0.113.41']);
    expect(give(allocator, { a: { ...sketch, shown: ['203.0.113.41'] } })).to.deep.equal({ a: '203.0.113.41' });
    expect(allocator.addressesOf('shop/a').map(String)).to.deep.equal(['203.0.113.41']);
  });

  it('berth.dev/renumber keeps the address while there is no other', () => {
    const allocator = allocatorOf(configOf({ lan: { addresses: ['203.0.113.40/32'] } }));
    give(allocator, { a: {} });
    const decision = allocator.decide(requestOf('a', { annotations: { 'berth.dev/renumber': '203.0.113.40' } }), 0);
    expect(decision).to.deep.include({ refusal: 'OutOfAddresses', isRenumberDone: false });
    expect(decision.addresses.map(({ address }) => `${address}`)).to.deep.equal(['203.0.113.40']);
  });

  it('holds still while a draft is being written, and forgets a draft that is rolled back', () => {
    const allocator = allocatorOf(TINY);
    give(allocator, { a: {} });
    allocator.writes();
    expect(() => allocator.decide(requestOf('b'), 0)).to.throw('core:');
    allocator.rollback();
    expect(stateOf(allocator)).to.deep.equal([]);
    expect(give(allocator, { b: {} })).to.deep.equal({ b: '203.0.113.40' });
    expect(allocator.addressesOf('shop/b').every((address) => address.equals(ip('203.0.113.40')))).to.equal(true);
  });
});
