// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import type { KubeService } from '../service/kube-service.ts';
import { configOf, DUAL, type ServiceSketch, serviceOf } from './testing/builders.ts';
import { reasonOf } from './testing/sketches.ts';
import { World } from './testing/world.ts';

const LAN = configOf({ lan: { addresses: ['203.0.113.40-203.0.113.49'] } });

function at(time: string, sketch: ServiceSketch = {}): ServiceSketch {
  return { creationTimestamp: `2026-01-01T${time}:00Z`, ...sketch };
}

/** A world without ledger whose Services show what is given. */
function found(services: Readonly<Record<string, ServiceSketch>>, config = LAN): World {
  const world = new World(config);
  world.put(...Object.entries(services).map(([name, sketch]) => serviceOf(name, sketch)));
  return world;
}

function assigned(service: KubeService): KubeService {
  const condition = {
    type: 'berth.dev/AddressAssigned',
    status: 'True',
    reason: 'Assigned',
    message: '',
    lastTransitionTime: '',
  } as const;
  return { ...service, status: { ...service.status, conditions: [condition] } };
}

describe('adoption', () => {
  it('takes over what statuses show before any new address is given, whatever the order', () => {
    for (const order of [
      ['a', 'b'],
      ['b', 'a'],
    ]) {
      const sketches: Record<string, ServiceSketch> = { a: at('01:00'), b: at('02:00', { shown: ['203.0.113.40'] }) };
      const world = found(Object.fromEntries(order.map((name) => [name, sketches[name] ?? {}])));
      expect(world.restart().adopted).to.deep.equal(['shop/b']);
      world.settle();
      expect([world.shown('a'), world.shown('b')]).to.deep.equal([['203.0.113.41'], ['203.0.113.40']]);
    }
  });

  it('of two that show one address the older keeps it, then the one that comes first by name; the same after another start', () => {
    for (const [timeA, timeB, keeper] of [
      ['01:00', '02:00', 'a'],
      ['02:00', '01:00', 'b'],
      ['01:00', '01:00', 'a'],
    ] as const) {
      const world = found({ b: at(timeB, { shown: ['203.0.113.40'] }), a: at(timeA, { shown: ['203.0.113.40'] }) });
      expect(world.restart().rejected.map(({ service }) => service)).to.deep.equal([
        keeper === 'a' ? 'shop/b' : 'shop/a',
      ]);
      world.settle();
      const shown = [world.shown('a'), world.shown('b')];
      expect(shown).to.deep.equal([['203.0.113.40'], ['203.0.113.40']]);
      expect(world.controller.allocator.addressesOf(`shop/${keeper}`).map(String)).to.deep.equal(['203.0.113.40']);
      expect(reasonOf(world, keeper === 'a' ? 'b' : 'a')).to.equal('ForeignAddress');
      world.restart();
      world.settle();
      expect([world.shown('a'), world.shown('b')]).to.deep.equal(shown);
    }
  });

  it('two that show one address with one key and different ports both keep it', () => {
    const share = (port: string) => ({ shown: ['203.0.113.40'], annotations: { 'share-key': 'front' }, ports: [port] });
    const world = found({ a: share('tcp/80'), b: share('tcp/443') });
    world.restart();
    world.settle();
    expect([world.shown('a'), world.shown('b')]).to.deep.equal([['203.0.113.40'], ['203.0.113.40']]);
  });

  it('the ledger wins over the age of a Service', () => {
    const world = found({ young: at('05:00') });
    world.restart();
    world.settle();
    world.put(serviceOf('old', at('01:00', { shown: ['203.0.113.40'] })));
    world.restart();
    world.settle();
    expect([world.shown('young'), world.shown('old')]).to.deep.equal([['203.0.113.40'], ['203.0.113.40']]);
    expect([reasonOf(world, 'young'), reasonOf(world, 'old')]).to.deep.equal(['Assigned', 'ForeignAddress']);
  });

  const foreign: { name: string; sketch: ServiceSketch; says: string }[] = [
    {
      name: 'three addresses of one family',
      sketch: { shown: ['203.0.113.44', '203.0.113.45', '203.0.113.46'] },
      says: 'several IPv4 addresses',
    },
    { name: 'an address in no pool', sketch: { shown: ['192.0.2.200'] }, says: '192.0.2.200 is in no pool' },
    {
      name: 'an address beside which another one is in no pool',
      sketch: { shown: ['203.0.113.44', '2001:db8::9'], clusterIPs: DUAL },
      says: '2001:db8::9 is in no pool',
    },
    {
      name: 'an address of a family that the Service does not have',
      sketch: { shown: ['2001:db8::9'] },
      says: 'has no IPv6',
    },
  ];
  for (const { name, sketch, says } of foreign) {
    it(`FA-02: leaves ${name} as it is, says so, and gives none`, () => {
      const world = found({ a: sketch });
      world.restart();
      const decision = world.settle().get('shop/a');
      expect(world.shown('a')).to.deep.equal(sketch.shown);
      expect([decision?.condition.status, decision?.condition.reason]).to.deep.equal(['False', 'ForeignAddress']);
      expect(decision?.condition.message).to.include(says).and.to.include('kubectl berth adopt shop/a');
      expect(world.server.services.get('shop/a')?.metadata?.finalizers).to.equal(undefined);
      expect(world.controller.allocator.addressesOf('shop/a')).to.deep.equal([]);
      const { writes } = world.server;
      world.settle();
      world.restart();
      world.settle();
      expect(world.server.writes).to.equal(writes);
    });
  }

  it('FA-02: an address that comes into a pool is taken over as it is, before anybody else gets it', () => {
    const world = found({ a: at('01:00'), b: at('02:00', { shown: ['192.0.2.7'] }) });
    world.restart();
    world.settle();
    expect(reasonOf(world, 'b')).to.equal('ForeignAddress');
    world.configure({ config: configOf({ lan: { addresses: ['192.0.2.7-192.0.2.8'] } }) });
    world.settle();
    expect([world.shown('b'), reasonOf(world, 'b')]).to.deep.equal([['192.0.2.7'], 'Assigned']);
  });

  it('FA-04: berth.dev/adopt takes over what is in no pool, berth.dev/renumber replaces it, and both act once', () => {
    for (const [name, shown] of [
      ['berth.dev/adopt', ['192.0.2.7']],
      ['berth.dev/renumber', ['203.0.113.40']],
    ] as const) {
      const world = found({ a: { shown: ['192.0.2.7'], annotations: { [name]: '192.0.2.7' } } });
      world.restart();
      world.settle();
      expect(world.shown('a')).to.deep.equal(shown);
      expect(world.server.services.get('shop/a')?.metadata?.annotations).to.not.have.property(name);
      expect(world.controller.allocator.addressesOf('shop/a').map(String)).to.deep.equal(shown);
    }
  });

  it('FA-04: what another product gave stays until there is an address in its place', () => {
    const names = ['a', ...Array.from({ length: 9 }, (_, index) => `s${index}`)];
    const world = found(Object.fromEntries(names.map((name) => [name, {}])));
    world.settle();
    world.put(serviceOf('foreign', { shown: ['192.0.2.7'], annotations: { 'berth.dev/renumber': '192.0.2.7' } }));
    world.settle();
    expect([world.shown('foreign'), reasonOf(world, 'foreign')]).to.deep.equal([['192.0.2.7'], 'ForeignAddress']);
    expect(world.server.services.get('shop/foreign')?.metadata?.annotations).to.have.property('berth.dev/renumber');
    const [freed] = world.shown('a');
    world.server.services.delete('shop/a');
    world.settle();
    expect(world.shown('foreign')).to.deep.equal([freed]);
  });

  it('FA-04: the annotation names what it is about: other addresses are not taken over by it', () => {
    const world = found({ a: { shown: ['192.0.2.7'], annotations: { 'berth.dev/adopt': '192.0.2.8' } } });
    world.restart();
    world.settle();
    expect([world.shown('a'), reasonOf(world, 'a')]).to.deep.equal([['192.0.2.7'], 'ForeignAddress']);
  });

  it('FA-07: a second writer of a Service that Berth serves is set right', () => {
    const world = found({ a: {} });
    world.settle();
    world.server.edit('shop/a', (service) => ({
      ...service,
      status: { ...service.status, loadBalancer: { ingress: [{ ip: '192.0.2.7' }] } },
    }));
    world.settle();
    expect(world.shown('a')).to.deep.equal(['203.0.113.40']);
  });

  it('a restart with an intact ledger writes nothing', () => {
    const world = found(Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`s${index}`, {}])));
    world.restart();
    world.settle();
    const { writes } = world.server;
    const report = world.restart();
    world.settle();
    expect(report).to.deep.equal({ adopted: [], rejected: [], released: [] });
    expect(world.server.writes).to.equal(writes);
  });

  it('a ledger that was deleted is made again from the statuses, and no live address changes, not even a stranded one', () => {
    const world = found({ b: {} });
    world.put(assigned(serviceOf('a', { shown: ['192.0.2.77'] })));
    world.restart();
    world.settle();
    const shown = [world.shown('a'), world.shown('b')];
    expect(shown).to.deep.equal([['192.0.2.77'], ['203.0.113.40']]);
    world.server.ledger.clear();
    world.restart();
    world.settle();
    expect([world.shown('a'), world.shown('b')]).to.deep.equal(shown);
  });

  it('entries that were deleted by hand are taken over from the statuses', () => {
    const world = found({ a: {}, b: {}, c: {} });
    world.restart();
    world.settle();
    const object = world.server.ledger.get('ledger');
    world.server.ledger.set('ledger', {
      ...object,
      data: { '203.0.113.40': object?.data?.['203.0.113.40'] ?? '', '203.0.113.41': '{"pool":' },
    });
    expect(world.restart().adopted).to.deep.equal(['shop/b', 'shop/c']);
    world.settle();
    expect(['a', 'b', 'c'].map((name) => world.shown(name)[0])).to.deep.equal([
      '203.0.113.40',
      '203.0.113.41',
      '203.0.113.42',
    ]);
    expect(Object.keys(world.server.ledger.get('ledger')?.data ?? {})).to.have.length(3);
  });
});
