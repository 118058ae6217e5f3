// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import type { PoolConfig } from '../config/pool-config.ts';
import { poolReport } from './pool-report.ts';
import { previewConfig } from './preview.ts';
import { configOf, DUAL, requestOf, serviceOf } from './testing/builders.ts';
import { annotate, LAN, reasonOf, worldWith } from './testing/sketches.ts';

/** Names of objects and addresses begin no sentence. */
const GOES_ON_IN_LOWER_CASE = /[.] [^A-Z]/;

describe('pool edits', () => {
  const edits: { name: string; next: PoolConfig; reason: string; pool: string | undefined }[] = [
    { name: 'the same configuration', next: LAN, reason: 'Assigned', pool: 'lan' },
    { name: 'grows', next: configOf({ lan: { addresses: ['203.0.113.0/24'] } }), reason: 'Assigned', pool: 'lan' },
    {
      name: 'shrinks round the address',
      next: configOf({ lan: { addresses: ['203.0.113.40/32'] } }),
      reason: 'Assigned',
      pool: 'lan',
    },
    {
      name: 'loses the address',
      next: configOf({ lan: { addresses: ['203.0.113.41/32'] } }),
      reason: 'OutsidePools',
      pool: undefined,
    },
    {
      name: 'excludes the address',
      next: configOf({ lan: { addresses: ['203.0.113.40/30'], exclude: ['203.0.113.40/32'] } }),
      reason: 'OutsidePools',
      pool: 'lan',
    },
    {
      name: 'is renamed',
      next: configOf({ net: { addresses: ['203.0.113.40/30'] } }),
      reason: 'Assigned',
      pool: 'net',
    },
    {
      name: 'is split in two',
      next: configOf({ lan: { addresses: ['203.0.113.42/31'] }, net: { addresses: ['203.0.113.40/31'] } }),
      reason: 'Assigned',
      pool: 'net',
    },
    { name: 'is deleted', next: configOf({}), reason: 'OutsidePools', pool: undefined },
    {
      name: 'is deleted and another is there',
      next: configOf({ net: { addresses: ['192.0.2.0/24'] } }),
      reason: 'OutsidePools',
      pool: undefined,
    },
    {
      name: 'gives nothing by itself any more',
      next: configOf({ lan: { addresses: ['203.0.113.40/30'], autoAssign: false } }),
      reason: 'Assigned',
      pool: 'lan',
    },
    {
      name: 'is closed to the namespace',
      next: configOf({ lan: { addresses: ['203.0.113.40/30'], serviceAllocation: { namespaces: ['ops'] } } }),
      reason: 'PoolNoLongerMatches',
      pool: 'lan',
    },
  ];
  for (const { name, next, reason, pool } of edits) {
    for (const sketch of [{}, { annotations: { 'req-ips': '203.0.113.40' } }, { annotations: { 'req-pool': 'lan' } }]) {
      it(`a pool ${name}: the holder (${JSON.stringify(sketch)}) keeps its address, ${reason}`, () => {
        const world = worldWith(LAN, { a: sketch });
        world.configure({ config: next });
        const { writes } = world.server;
        const decision = world.settle().get('shop/a');
        expect(world.shown('a')).to.deep.equal(['203.0.113.40']);
        expect(decision?.condition).to.include({ status: 'True', reason });
        expect(decision?.condition.message, 'ST-14').to.not.match(GOES_ON_IN_LOWER_CASE);
        expect(decision?.addresses[0]?.pool).to.equal(pool);
        const mark = world.server.services.get('shop/a')?.metadata?.annotations?.['berth.dev/ip-allocated-from-pool'];
        expect(mark).to.equal(pool);
        if (next === LAN) expect(world.server.writes).to.equal(writes);
      });
    }
  }

  it('ST-14: says where the address comes from, and then why it is kept, as clauses of one sentence', () => {
    const world = worldWith(LAN, { a: {} });
    world.configure({
      config: configOf({ lan: { addresses: ['203.0.113.40/30'], serviceAllocation: { namespaces: ['ops'] } } }),
    });
    const message = world.settle().get('shop/a')?.condition.message;
    expect(message).to.match(/^203\.0\.113\.40 from pool lan; .*; 203\.0\.113\.40 is kept$/);
  });

  it('an address outside the pools is not given again once it is free, not even to its last owner', () => {
    const world = worldWith(LAN, { a: {} });
    world.configure({ config: configOf({ lan: { addresses: ['203.0.113.41/32'] } }) });
    world.settle();
    world.server.remove('shop/a');
    world.settle();
    world.put(serviceOf('a'));
    world.settle();
    expect(world.shown('a')).to.deep.equal(['203.0.113.41']);
  });

  it('avoidBuggyIPs is switched on while a Service holds .0: it keeps it, and is renumbered on demand', () => {
    const pool = { addresses: ['203.0.113.0/30'] };
    const world = worldWith(configOf({ lan: pool }), { a: {} });
    world.configure({ config: configOf({ lan: { ...pool, avoidBuggyIPs: true } }) });
    world.settle();
    expect([world.shown('a'), reasonOf(world, 'a')]).to.deep.equal([['203.0.113.0'], 'OutsidePools']);
    annotate(world, 'a', { 'berth.dev/renumber': '203.0.113.0' });
    world.settle();
    expect([world.shown('a'), reasonOf(world, 'a')]).to.deep.equal([['203.0.113.1'], 'Assigned']);
    expect(world.server.services.get('shop/a')?.metadata?.annotations).to.not.have.property('berth.dev/renumber');
  });

  it('a Service that waits gets an address when the pool grows', () => {
    const world = worldWith(configOf({ lan: { addresses: ['203.0.113.40/32'] } }), { a: {}, b: {} });
    world.configure({ config: LAN });
    world.settle();
    expect([world.shown('a'), world.shown('b')]).to.deep.equal([['203.0.113.40'], ['203.0.113.41']]);
  });

  it('a dual pool that loses one range strands nobody', () => {
    const world = worldWith(configOf({ d1: { addresses: ['203.0.113.40/30', '2001:db8:5::/120'] } }), {
      a: { clusterIPs: DUAL, ipFamilyPolicy: 'RequireDualStack' },
    });
    world.configure({
      config: configOf({
        d1: { addresses: ['2001:db8:5::/120'] },
        d2: { addresses: ['192.0.2.0/30', '2001:db8:6::/120'] },
      }),
    });
    world.settle();
    expect([world.shown('a'), reasonOf(world, 'a')]).to.deep.equal([['203.0.113.40', '2001:db8:5::1'], 'OutsidePools']);
  });

  it('reports how full each pool is', () => {
    const world = worldWith(
      configOf({ lan: { addresses: ['203.0.113.40/30'] }, idle: { addresses: ['2001:db8::/127'] } }),
      { a: {} },
    );
    const rows = () =>
      poolReport(world.controller.allocator, 0).map(
        ({ pool, family, total, used, free }) => `${pool} ${family} ${total} ${used} ${free}`,
      );
    expect(rows()).to.deep.equal(['idle IPv6 2 0 2', 'lan IPv4 4 1 3']);
    world.configure({ config: configOf({ lan: { addresses: ['203.0.113.40/29'] } }) });
    expect(rows()).to.deep.equal(['lan IPv4 8 1 7']);
  });

  it('previews who would be stranded, recover, gain and wait, and changes nothing', () => {
    const world = worldWith(configOf({ lan: { addresses: ['203.0.113.40/30'] } }), {
      a: {},
      b: {},
      c: {},
      d: {},
      e: {},
    });
    const state = {
      ledger: [...world.server.ledger.values()].map((object) => ({
        name: object.metadata?.name ?? '',
        resourceVersion: '1',
        isSealed: false,
        data: object.data ?? {},
      })),
      requests: ['a', 'b', 'c', 'd', 'e'].map((name) =>
        requestOf(name, { shown: world.shown(name), given: world.shown(name) }),
      ),
      namespaces: new Map(),
      nowMs: 0,
    };
    const smaller = configOf({ lan: { addresses: ['203.0.113.40/31', '203.0.113.90/32'] } });
    const preview = previewConfig(LAN, smaller, state);
    const names = (list: typeof preview.stranded) =>
      list.map(({ service, addresses, reason }) => `${service} ${addresses} ${reason}`);
    expect(names(preview.stranded)).to.deep.equal([
      'shop/c 203.0.113.42 OutsidePools',
      'shop/d 203.0.113.43 OutsidePools',
    ]);
    expect(names(preview.gaining)).to.deep.equal(['shop/e 203.0.113.90 Assigned']);
    expect(preview.staying).to.equal(2);
    const back = previewConfig(smaller, LAN, state);
    expect(names(back.recovered)).to.deep.equal(['shop/c 203.0.113.42 Assigned', 'shop/d 203.0.113.43 Assigned']);
    expect(names(back.waiting)).to.deep.equal(['shop/e  OutOfAddresses']);
  });
});
