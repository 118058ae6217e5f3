// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import { MacAddress } from '../net/mac-address.ts';
import { ip } from '../net/testing.ts';
import { usageCondition } from '../service/usage.ts';
import { decodeRecord, encodeRecord, entryKeyOf } from './ledger-entry.ts';
import { ledgerObjectOf } from './ledger-object.ts';
import { poolReport } from './pool-report.ts';
import { MAX_QUARANTINED, type Quarantine } from './quarantine.ts';
import { releaseWrite } from './quarantine-release.ts';
import { configOf, serviceOf } from './testing/builders.ts';
import { disagreementIn } from './testing/disagreement.ts';
import { allocatorOf, give, stateOf, TINY } from './testing/give.ts';
import { conditionOf, LAN, reasonOf, worldWith } from './testing/sketches.ts';
import type { World } from './testing/world.ts';

const MAC = MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, 1)) ?? MacAddress.ZERO;
const STRANGER: Quarantine = { mac: MAC, node: 'n1', interface: 'eth0', sinceMs: 60_000 };
const SHARED = { annotations: { 'share-key': 'front' } };

/** Makes a quarantine durable, as the controller does. */
function quarantine(world: World, address: string): void {
  world.controller.allocator.quarantine(ip(address), STRANGER);
  expect(world.controller.writeLedger()).to.equal('written');
}

const shownMessage = (world: World, name: string) => conditionOf(world.server.services.get(`shop/${name}`))?.message;

describe('quarantine', () => {
  it('GR-07: is skipped, also where the Service had the address before', () => {
    const allocator = allocatorOf(TINY);
    give(allocator, { a: {} });
    allocator.release('shop/a', 0);
    allocator.quarantine(ip('203.0.113.40'), STRANGER);
    allocator.quarantine(ip('203.0.113.42'), STRANGER);
    expect(give(allocator, { a: {}, b: {}, c: {} })).to.deep.equal({
      a: '203.0.113.41',
      b: '203.0.113.43',
      c: 'OutOfAddresses',
    });
  });

  it('GR-07: gives a Service another address at once, and lets go of the first when the status shows the other', () => {
    const world = worldWith(LAN, { a: {} });
    quarantine(world, '203.0.113.40');
    const decision = world.controller.reconcile('shop/a');
    expect(decision?.addresses.map(({ address }) => String(address))).to.deep.equal(['203.0.113.41']);
    expect(decision?.condition.message).to.include(
      '203.0.113.40 is used by 00:00:5e:00:53:01, seen by node n1 on eth0',
    );
    expect(world.shown('a')).to.deep.equal(['203.0.113.41']);
    world.settle();
    expect(shownMessage(world, 'a')).to.equal('203.0.113.41 from pool lan');
    expect(stateOf(world.controller.allocator)).to.deep.equal([
      '203.0.113.40 {"pool":"lan","quarantine":{"mac":"00:00:5e:00:53:01","node":"n1","interface":"eth0","since":"1970-01-01T00:01:00.000Z"}}',
      '203.0.113.41 {"pool":"lan","services":[{"name":"shop/a"}]}',
    ]);
  });

  it('GR-07: refuses the address to who asks for it, with the MAC; released, it is given', () => {
    const world = worldWith(LAN, {});
    quarantine(world, '203.0.113.42');
    world.put(serviceOf('a', { annotations: { 'req-ips': '203.0.113.42' } }));
    world.settle();
    expect(reasonOf(world, 'a')).to.equal('AddressInUse');
    expect(shownMessage(world, 'a')).to.include('00:00:5e:00:53:01').and.include('in quarantine');
    world.controller.allocator.endQuarantine(ip('203.0.113.42'));
    world.settle();
    expect(world.shown('a')).to.deep.equal(['203.0.113.42']);
  });

  for (const [user, sentence] of [
    ['node', '203.0.113.42 is an address of node n1 itself, on eth0'],
    ['gateway', '203.0.113.42 is the gateway of node n1, on eth0'],
    ['subnet', '203.0.113.42 is an end of a subnet of node n1, on eth0: its network or broadcast address'],
  ] as const) {
    it(`CF-15: calls the address of a ${user} that, also after a restart`, () => {
      const world = worldWith(LAN, {});
      world.controller.allocator.quarantine(ip('203.0.113.42'), { ...STRANGER, user });
      const decoded = [...world.controller.allocator.table.records()].map((record) =>
        decodeRecord(entryKeyOf(record.address), encodeRecord(record)),
      );
      expect(decoded.map((one) => one.ok && one.value.quarantine?.user)).to.deep.equal([user]);
      world.put(serviceOf('a', { annotations: { 'req-ips': '203.0.113.42' } }));
      world.settle();
      expect(shownMessage(world, 'a')).to.include(sentence);
    });
  }

  it('CF-15: takes a user that only a newer version knows for a stranger', () => {
    const text =
      '{"quarantine":{"mac":"00:00:5e:00:53:01","node":"n1","interface":"eth0","since":"2026-01-01T00:00:00Z","user":"moon"}}';
    const decoded = decodeRecord('192.0.2.5', text);
    expect(decoded.ok && decoded.value.quarantine?.user).to.equal(undefined);
  });

  it('GR-07: takes an address that was asked for by name away and says why', () => {
    const world = worldWith(LAN, { a: { annotations: { 'req-ips': '203.0.113.42' } } });
    quarantine(world, '203.0.113.42');
    world.settle();
    expect([world.shown('a'), reasonOf(world, 'a')]).to.deep.equal([[], 'AddressInUse']);
  });

  it('moves all that share the address, and lets nobody join', () => {
    const world = worldWith(LAN, { a: { ...SHARED, ports: ['tcp/80'] }, b: { ...SHARED, ports: ['tcp/443'] } });
    expect(world.shown('b')).to.deep.equal(['203.0.113.40']);
    quarantine(world, '203.0.113.40');
    world.settle();
    expect([world.shown('a'), world.shown('b')]).to.deep.equal([['203.0.113.41'], ['203.0.113.41']]);
  });

  it('survives a restart of the controller and the end of the Service', () => {
    const world = worldWith(LAN, { a: {} });
    quarantine(world, '203.0.113.40');
    world.server.services.delete('shop/a');
    world.restart();
    world.settle();
    expect(world.controller.allocator.table.quarantined()).to.have.length(1);
    expect(give(world.controller.allocator, { b: {} })).to.deep.equal({ b: '203.0.113.41' });
  });

  for (const { name, used, adopted } of [
    { name: 'is taken over where it was announced', used: [ip('203.0.113.40')], adopted: ['shop/a'] },
    { name: 'is not taken over where it was never announced', used: [], adopted: [] },
  ])
    it(`GR-07: with a ledger that knows the quarantine and not the holder, a shown address ${name}`, () => {
      const world = worldWith(LAN, {});
      quarantine(world, '203.0.113.40');
      const service = serviceOf('a', { shown: ['203.0.113.40'] });
      const fact = usageCondition({ loadBalancerClass: 'berth.dev/l2', given: [ip('203.0.113.40')], used });
      const conditions = [{ ...fact, lastTransitionTime: '2026-01-01T00:00:00Z' }];
      world.put({ ...service, status: { ...service.status, conditions } });
      expect(world.restart().adopted).to.deep.equal(adopted);
      world.controller.allocator.endQuarantine(ip('203.0.113.40'));
      world.settle();
      expect(world.shown('a')).to.deep.equal(['203.0.113.40']);
    });

  it('GR-07: an old quarantine does not take away what another product gave meanwhile (model, seed 12001)', () => {
    const world = worldWith(LAN, {});
    quarantine(world, '203.0.113.40');
    world.put(serviceOf('c', { shown: ['203.0.113.40'] }));
    const { adopted } = world.restart();
    world.settle();
    expect([adopted, world.shown('c')]).to.deep.equal([['shop/c'], ['203.0.113.40']]);
    expect(world.controller.allocator.table.quarantined()).to.deep.equal([]);
  });

  it('is counted by pool and family, and is not free', () => {
    const allocator = allocatorOf(TINY);
    allocator.quarantine(ip('203.0.113.40'), STRANGER);
    give(allocator, { a: {} });
    const [row] = poolReport(allocator, 0);
    expect(row).to.include({ total: 4n, used: 1n, quarantined: 1n, free: 2n });
    expect(give(allocator, { b: {}, c: {} })).to.not.include({ c: 'OutOfAddresses' });
    expect(disagreementIn(allocator.table)).to.equal(undefined);
  });

  it('is of no use outside the pools, twice, or without bounds', () => {
    const allocator = allocatorOf(configOf({ lan: { addresses: ['10.0.0.0/16'] } }));
    expect(allocator.quarantine(ip('192.0.2.1'), STRANGER)).to.equal(false);
    const taken = Array.from({ length: MAX_QUARANTINED + 1 }, (_, index) =>
      allocator.quarantine(ip(`10.0.${index >> 8}.${index & 255}`), STRANGER),
    );
    expect(taken.filter((done) => done)).to.have.length(MAX_QUARANTINED);
    expect(allocator.quarantine(ip('10.0.0.1'), STRANGER)).to.equal(false);
  });
});

describe('releaseWrite', () => {
  it('takes the entry away by compare-and-swap, or only the quarantine where more is known', () => {
    const world = worldWith(LAN, { a: {} });
    quarantine(world, '203.0.113.40');
    quarantine(world, '203.0.113.43');
    const objects = () => [...world.server.ledger.values()].map(ledgerObjectOf);
    for (const address of ['203.0.113.40', '203.0.113.43']) {
      const write = releaseWrite(objects(), ip(address));
      if (write === undefined) throw new Error('not in quarantine');
      expect(world.server.writeLedger(write)).to.not.equal(undefined);
      expect(world.server.writeLedger(write)).to.equal(undefined);
    }
    expect(Object.keys(objects()[0]?.data ?? {})).to.deep.equal(['203.0.113.40']);
    world.restart();
    world.settle();
    expect(world.shown('a')).to.deep.equal(['203.0.113.40']);
  });

  it('knows an address that is not in quarantine', () => {
    const world = worldWith(LAN, { a: {} });
    const objects = [...world.server.ledger.values()].map(ledgerObjectOf);
    expect(releaseWrite(objects, ip('203.0.113.40'))).to.equal(undefined);
    expect(releaseWrite(objects, ip('203.0.113.41'))).to.equal(undefined);
  });
});
