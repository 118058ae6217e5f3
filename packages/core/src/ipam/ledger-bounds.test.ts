// SPDX-License-Identifier: Apache-2.0
// What tenants can make the ledger keep: the one who passes a bound is refused, and no object comes near what the API
// server takes.
import { expect } from 'chai';
import { MAX_RESTING } from './allocation-table.ts';
import { Allocator } from './allocator.ts';
import { MAX_OBJECT_BYTES } from './ledger-layout.ts';
import type { KubeLedgerObject } from './ledger-object.ts';
import { MAX_ENTRY_BYTES } from './sharing.ts';
import { configOf, requestOf, type ServiceSketch, serviceOf } from './testing/builders.ts';
import { World } from './testing/world.ts';

const WIDE = configOf({ lan: { addresses: ['10.0.0.0/16'] } });

const ports = (count: number, first = 1) => Array.from({ length: count }, (_, n) => `tcp/${first + n}`);

function sharer(key: string, count: number, first = 1, more: ServiceSketch = {}): ServiceSketch {
  return { ...more, annotations: { 'share-key': key, ...more.annotations }, ports: ports(count, first) };
}

function bytesOf({ data = {} }: KubeLedgerObject): number {
  return Object.entries(data).reduce((sum, [key, value]) => sum + key.length + value.length, 0);
}

const largest = (world: World) => Math.max(0, ...[...world.server.ledger.values()].map(bytesOf));

function largestEntry(world: World): number {
  const texts = [...world.server.ledger.values()].flatMap(({ data = {} }) => Object.values(data));
  return Math.max(0, ...texts.map((text) => text.length));
}

describe('bounds of the ledger', () => {
  it('OL-04: 200 sharers with 1,000 ports each: every one is served, and no entry passes its bound', () => {
    const world = new World(WIDE);
    const names = Array.from({ length: 200 }, (_, n) => `s${n}`);
    world.put(...names.map((name, n) => serviceOf(name, sharer('front', 1_000, 1 + (n % 60) * 1_000))));
    world.settle();
    expect(names.filter((name) => world.shown(name).length !== 1)).to.deep.equal([]);
    expect(largestEntry(world)).to.be.lessThan(MAX_ENTRY_BYTES + 2_048);
  }).timeout(60_000);

  it('OL-04: sharers of one address that grow until it is full: the one who passes the bound gets another, the others stay', () => {
    const world = new World(WIDE);
    const names = Array.from({ length: 30 }, (_, n) => `s${n}`);
    world.put(...names.map((name, n) => serviceOf(name, sharer('front', 1, 1 + n * 200))));
    world.settle();
    expect(new Set(names.map((name) => world.shown(name).join())).size).to.equal(1);
    const [home] = world.shown('s0');
    for (const [n, name] of names.entries()) {
      world.server.edit(`shop/${name}`, (service) => ({
        ...serviceOf(name, sharer('front', 200, 1 + n * 200)),
        status: service.status ?? {},
      }));
    }
    world.settle();
    expect(names.filter((name) => world.shown(name).length !== 1)).to.deep.equal([]);
    const left = names.filter((name) => world.shown(name).join() !== home);
    expect(left.length).to.be.within(1, 25);
    expect(largestEntry(world)).to.be.lessThan(MAX_ENTRY_BYTES + 2_048);
  });

  it('OL-04: asked for by name, an address without room is refused with the reason', () => {
    const allocator = new Allocator({ config: WIDE, namespaces: new Map() });
    const at = { annotations: { 'req-ips': '10.0.0.9' } };
    const refused = Array.from({ length: 40 }, (_, n) =>
      allocator.decide(requestOf(`s${n}`, sharer('front', 200, 1 + n * 200, at)), 0),
    ).filter(({ refusal }) => refusal !== undefined);
    expect(refused.length).to.be.within(10, 38);
    expect(refused[0]?.refusal).to.equal('AlreadyAllocated');
    expect(refused[0]?.condition.message).to.include('the ledger has no room');
  });

  it('OL-04: a Service with more ports than can be shared is told so, and is served alone', () => {
    const allocator = new Allocator({ config: WIDE, namespaces: new Map() });
    const at = { annotations: { 'req-ips': '10.0.0.9' } };
    allocator.decide(requestOf('small', sharer('front', 1, 9_000, at)), 0);
    const { refusal, condition } = allocator.decide(requestOf('large', sharer('front', 3_000, 10_000, at)), 0);
    expect(refusal).to.equal('AlreadyAllocated');
    expect(condition.message).to.include('its 3000 ports are more than can be shared');
    expect(allocator.decide(requestOf('large', sharer('front', 3_000, 10_000)), 0).addresses).to.have.length(1);
  });

  it('OL-04: many Services of one object that all grow later: it stays below its bound, and nobody is moved', () => {
    const world = new World(WIDE);
    const names = Array.from({ length: 400 }, (_, n) => `s${n}`);
    world.put(...names.map((name) => serviceOf(name)));
    world.settle();
    const before = names.map((name) => world.shown(name).join());
    for (const [n, name] of names.entries()) {
      world.server.edit(`shop/${name}`, (service) => ({
        ...serviceOf(name, sharer(`k${n}`, 270)),
        status: service.status ?? {},
      }));
    }
    world.settle();
    expect(names.map((name) => world.shown(name).join())).to.deep.equal(before);
    expect(largest(world)).to.be.lessThan(MAX_OBJECT_BYTES + 1_024);
  }).timeout(60_000);

  it('OL-04: annotations of 200 KiB leave nothing in the ledger', () => {
    const world = new World(WIDE);
    const long = 'x'.repeat(200 * 1024);
    world.put(
      serviceOf('key', { annotations: { 'share-key': long } }),
      serviceOf('pool', { annotations: { 'req-pool': long }, shown: ['10.0.0.9'] }),
      serviceOf('selector', { ...sharer('front', 1), externalTrafficPolicy: 'Local', selector: { app: long } }),
    );
    world.restart();
    world.settle();
    expect(largest(world)).to.be.lessThan(4_096);
  });

  it('OL-04: Services that come and go leave a bounded number of resting addresses', () => {
    const allocator = new Allocator({
      config: configOf({ six: { addresses: ['2001:db8::/64'], cooldown: '3650d' } }),
      namespaces: new Map(),
    });
    for (let n = 0; n < MAX_RESTING + 500; n += 1) {
      allocator.decide(requestOf(`s${n}`, { clusterIPs: ['fd00::9'] }), n);
      allocator.release(`shop/s${n}`, n);
      if (n % 500 === 0) allocator.commit(allocator.writes().map(() => String(n)));
    }
    expect([...allocator.table.records()].length).to.be.lessThan(MAX_RESTING + 1_100);
  }).timeout(60_000);
});
