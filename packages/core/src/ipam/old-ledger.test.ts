// SPDX-License-Identifier: Apache-2.0
// Ledgers that say less than the statuses, or something else: a backup that was put back, an export under GitOps, lost
// and emptied objects.
import { expect } from 'chai';
import type { KubeService } from '../service/kube-service.ts';
import { configOf, type ServiceSketch, serviceOf } from './testing/builders.ts';
import { annotate, reasonOf } from './testing/sketches.ts';
import { World } from './testing/world.ts';

const LAN = configOf({ lan: { addresses: ['203.0.113.40-203.0.113.49'] } });
const MOVED = configOf({ lan: { addresses: ['203.0.113.60-203.0.113.69'] } });

function add(world: World, name: string, sketch: ServiceSketch = {}): string {
  world.put(serviceOf(name, sketch));
  world.settle();
  return world.shown(name).join();
}

/** What the ledger is now; the returned function puts it back. */
function backUp({ server }: World): () => void {
  const objects = new Map(server.ledger);
  return () => {
    server.ledger.clear();
    // A backup that is applied gets a new version, as every write.
    for (const [name, object] of objects) {
      server.ledger.set(name, object);
      server.writeLedger({
        kind: 'patch',
        name,
        patch: {
          metadata: {
            resourceVersion: object.metadata?.resourceVersion,
            annotations: { restored: String(Math.random()) },
          },
        },
      });
    }
  };
}

function restartAndSettle(world: World): readonly string[] {
  const { adopted } = world.restart();
  world.settle();
  return adopted;
}

const holdersOf = (world: World, address: string) =>
  [...world.controller.allocator.table.records()]
    .filter((record) => String(record.address) === address)
    .flatMap(({ holders }) => holders.map(({ service }) => service));

describe('a ledger that is older than the statuses', () => {
  it('OL-01: a Service that moved since the backup keeps the address that it shows; the old one is free', () => {
    const world = new World(LAN);
    const old = add(world, 'web');
    const restore = backUp(world);
    annotate(world, 'web', { 'req-ips': '203.0.113.45' });
    world.settle();
    annotate(world, 'web', {});
    world.settle();
    expect(world.shown('web')).to.deep.equal(['203.0.113.45']);
    restore();
    expect(restartAndSettle(world)).to.deep.equal(['shop/web']);
    expect(world.shown('web')).to.deep.equal(['203.0.113.45']);
    expect(holdersOf(world, old)).to.deep.equal([]);
    expect(add(world, 'next')).to.equal(old);
  });

  it('OL-01: the address that the backup gives to one Service and another one shows now stays with the latter', () => {
    const world = new World(LAN);
    const first = add(world, 'a');
    const restore = backUp(world);
    annotate(world, 'a', { 'req-ips': '203.0.113.45' });
    world.settle();
    expect(add(world, 'b')).to.equal(first);
    restore();
    restartAndSettle(world);
    expect([world.shown('a'), world.shown('b')]).to.deep.equal([['203.0.113.45'], [first]]);
    expect(holdersOf(world, first)).to.deep.equal(['shop/b']);
  });

  for (const { name, older } of [
    { name: 'shows the same address, which somebody else gave', older: { shown: ['203.0.113.40'] } },
    { name: 'had the address once and shows nothing', older: { given: ['203.0.113.40'] } },
  ]) {
    it(`OL-01: without a ledger a live Service keeps what Berth gave, though an older one ${name}`, () => {
      const world = new World(LAN);
      world.put(serviceOf('older', { ...older, creationTimestamp: '2026-01-01T00:00:00Z' }));
      const live = { shown: ['203.0.113.40'], given: ['203.0.113.40'], creationTimestamp: '2026-01-02T00:00:00Z' };
      world.put(serviceOf('live', live));
      expect(restartAndSettle(world)).to.deep.equal(['shop/live']);
      expect(world.shown('live')).to.deep.equal(['203.0.113.40']);
      expect(holdersOf(world, '203.0.113.40')).to.deep.equal(['shop/live']);
    });
  }

  it('OL-01: without a ledger what Berth gave and somebody else overwrote comes back, though an older one shows it', () => {
    const world = new World(LAN);
    world.put(serviceOf('older', { shown: ['203.0.113.40'], creationTimestamp: '2026-01-01T00:00:00Z' }));
    const overwritten = { shown: ['192.0.2.9'], given: ['203.0.113.40'], creationTimestamp: '2026-01-02T00:00:00Z' };
    world.put(serviceOf('overwritten', overwritten));
    restartAndSettle(world);
    expect([world.shown('overwritten'), reasonOf(world, 'older')]).to.deep.equal([['203.0.113.40'], 'ForeignAddress']);
  });

  it('OL-01: a backup from before any Service gives nothing twice', () => {
    const world = new World(LAN);
    add(world, 'first');
    world.server.remove('shop/first');
    world.settle();
    const restore = backUp(world);
    const before = ['a', 'b', 'c'].map((name) => add(world, name));
    restore();
    restartAndSettle(world);
    expect(['a', 'b', 'c'].map((name) => world.shown(name).join())).to.deep.equal(before);
    expect(before).to.not.include(add(world, 'new'));
  });

  it('OL-01: an address that rests for another by the backup stays with who shows it', () => {
    const world = new World(configOf({ lan: { addresses: ['203.0.113.40-203.0.113.41'], cooldown: '1h' } }));
    const address = add(world, 'old');
    world.server.remove('shop/old');
    world.settle();
    const restore = backUp(world);
    world.controller.nowMs += 2 * 3_600_000;
    expect(add(world, 'web', { annotations: { 'req-ips': address } })).to.equal(address);
    world.controller.nowMs -= 2 * 3_600_000;
    restore();
    restartAndSettle(world);
    expect(world.shown('web')).to.deep.equal([address]);
  });

  const DUAL_POOL = configOf({ main: { addresses: ['203.0.113.0-203.0.113.2', '2001:db8::-2001:db8::2'] } });
  const SPLIT = configOf({
    main: { addresses: ['203.0.113.1-203.0.113.4'] },
    side: { addresses: ['2001:db8::1-2001:db8::3'] },
  });

  it('OL-01: a wish for a pool that was met after the backup stays met, also where the pool has lost the address since', () => {
    const world = new World(DUAL_POOL);
    expect(add(world, 'c')).to.equal('203.0.113.0');
    const restore = backUp(world);
    annotate(world, 'c', { 'req-pool': 'main' });
    world.settle();
    world.configure({ config: SPLIT });
    world.settle();
    expect([world.shown('c').join(), reasonOf(world, 'c')]).to.deep.equal(['203.0.113.0', 'OutsidePools']);
    restore();
    restartAndSettle(world);
    expect([world.shown('c').join(), reasonOf(world, 'c')]).to.deep.equal(['203.0.113.0', 'OutsidePools']);
  });

  it('OL-01: a wish that counted as met when a lost ledger was made again stays met when the old ledger comes back (model, seed 3899127)', () => {
    const world = new World(DUAL_POOL);
    add(world, 'c', { clusterIPs: ['fd00::9', '10.96.0.9'], ipFamilyPolicy: 'PreferDualStack' });
    world.server.edit('shop/c', (service) => ({
      ...service,
      spec: { ...service.spec, clusterIPs: ['10.96.0.9', 'fd00::9'] },
    }));
    annotate(world, 'c', { 'req-pool': 'main' });
    const restore = backUp(world);
    world.configure({ config: SPLIT });
    world.server.ledger.clear();
    restartAndSettle(world);
    expect(world.shown('c')).to.deep.equal(['203.0.113.0', '2001:db8::1']);
    restore();
    restartAndSettle(world);
    expect(world.shown('c')).to.deep.equal(['203.0.113.0', '2001:db8::1']);
  });

  it('OL-01: a wish for another pool than the one that was met moves the Service, whatever the backup says', () => {
    const world = new World(DUAL_POOL);
    add(world, 'c', { annotations: { 'req-pool': 'main' } });
    const restore = backUp(world);
    world.configure({
      config: configOf({ main: { addresses: ['203.0.113.1/32'] }, side: { addresses: ['203.0.113.9/32'] } }),
    });
    world.settle();
    expect(world.shown('c')).to.deep.equal(['203.0.113.0']);
    annotate(world, 'c', { 'req-pool': 'side' });
    restore();
    restartAndSettle(world);
    expect(world.shown('c')).to.deep.equal(['203.0.113.9']);
  });

  it('OL-01: what somebody wrote by hand into a status beats nothing: the ledger decides', () => {
    const world = new World(LAN);
    const own = add(world, 'web');
    world.server.edit('shop/web', (service) => ({
      ...service,
      status: { ...service.status, loadBalancer: { ingress: [{ ip: '203.0.113.47', ipMode: 'VIP' }] } },
    }));
    restartAndSettle(world);
    expect(world.shown('web')).to.deep.equal([own]);
  });

  for (const loss of ['deleted', 'emptied'] as const) {
    it(`OL-02: ${loss}: a Service outside the pools keeps its address, and nobody else gets it`, () => {
      const world = new World(LAN);
      const address = add(world, 'web');
      world.configure({ config: MOVED });
      world.settle();
      expect(reasonOf(world, 'web')).to.equal('OutsidePools');
      for (const [name, { metadata = {} }] of [...world.server.ledger]) {
        if (loss === 'deleted') world.server.ledger.delete(name);
        else world.server.ledger.set(name, { metadata: { ...metadata, resourceVersion: `${Date.now()}` }, data: {} });
      }
      expect(restartAndSettle(world)).to.deep.equal(['shop/web']);
      expect(world.shown('web')).to.deep.equal([address]);
      expect(reasonOf(world, 'web')).to.equal('OutsidePools');
    });
  }

  it('OL-02: one object of several is gone: all Services of it keep their addresses', () => {
    const world = new World(configOf({ lan: { addresses: ['10.0.0.0/16'] } }));
    const names = Array.from({ length: 500 }, (_, n) => `s${n}`);
    world.put(...names.map((name) => serviceOf(name)));
    world.settle();
    world.configure({ config: MOVED });
    world.settle();
    const before = names.map((name) => world.shown(name).join());
    expect(world.server.ledger.size).to.be.greaterThan(1);
    world.server.ledger.delete('ledger-1');
    restartAndSettle(world);
    expect(names.map((name) => world.shown(name).join())).to.deep.equal(before);
  }).timeout(60_000);

  it('OL-03: the ledger is lost while a deleted Service still shows its address: nobody gets it before that is over', () => {
    const world = new World(configOf({ lan: { addresses: ['203.0.113.40-203.0.113.41'] } }));
    const [going, staying] = [add(world, 'going'), add(world, 'staying')];
    world.server.remove('shop/going');
    world.put(serviceOf('waits'));
    world.server.ledger.clear();
    world.restart();
    world.controller.consider('shop/waits');
    world.controller.writeLedger();
    expect(holdersOf(world, going)).to.deep.equal(['shop/going']);
    world.settle();
    expect([world.shown('staying'), world.shown('waits')]).to.deep.equal([[staying], [going]]);
    expect(world.server.services.has('shop/going')).to.equal(false);
  });

  it('OL-03: a Service that changed its class and still shows its address counts too', () => {
    const world = new World(configOf({ lan: { addresses: ['203.0.113.40/32'] } }));
    const address = add(world, 'flips');
    world.server.edit('shop/flips', (service: KubeService) => ({
      ...service,
      spec: { ...service.spec, loadBalancerClass: 'example.com/other' },
    }));
    world.put(serviceOf('waits'));
    world.server.ledger.clear();
    world.restart();
    world.controller.consider('shop/waits');
    expect(holdersOf(world, address)).to.deep.equal(['shop/flips']);
    world.settle();
    expect(world.shown('waits')).to.deep.equal([address]);
  });

  it('OL-03: sharers of which one goes keep their address together', () => {
    const world = new World(configOf({ lan: { addresses: ['203.0.113.40-203.0.113.41'] } }));
    const share = (port: string) => ({ annotations: { 'share-key': 'front' }, ports: [port] });
    const address = add(world, 'stays', share('tcp/80'));
    expect(add(world, 'goes', share('tcp/443'))).to.equal(address);
    world.server.remove('shop/goes');
    world.server.ledger.clear();
    world.restart();
    expect(holdersOf(world, address)).to.deep.equal(['shop/stays', 'shop/goes']);
    world.settle();
    expect(world.shown('stays')).to.deep.equal([address]);
    expect(holdersOf(world, address)).to.deep.equal(['shop/stays']);
  });
});
