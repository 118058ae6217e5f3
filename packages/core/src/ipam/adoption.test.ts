// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import type { KubeService } from '../service/kube-service.ts';
import { configOf, type ServiceSketch, serviceOf } from './testing/builders.ts';
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
      expect(world.shown(keeper)).to.deep.equal(['203.0.113.40']);
      expect(new Set(shown.flat())).to.have.property('size', 2);
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
    expect([world.shown('young'), world.shown('old')]).to.deep.equal([['203.0.113.40'], ['203.0.113.41']]);
  });

  const rejected: { name: string; shown: string[]; gets: string[] }[] = [
    {
      name: 'three addresses of one family',
      shown: ['203.0.113.44', '203.0.113.45', '203.0.113.46'],
      gets: ['203.0.113.40'],
    },
    { name: 'an address in no pool', shown: ['192.0.2.200'], gets: ['203.0.113.40'] },
    { name: 'an address of a family that the Service does not have', shown: ['2001:db8::9'], gets: ['203.0.113.40'] },
  ];
  for (const { name, shown, gets } of rejected) {
    it(`does not take over ${name}`, () => {
      const world = found({ a: { shown } });
      expect(world.restart().rejected.length).to.be.greaterThan(0);
      world.settle();
      expect(world.shown('a')).to.deep.equal(gets);
    });
  }

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
