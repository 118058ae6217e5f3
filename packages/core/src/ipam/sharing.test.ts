// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { MAX_COMPARED } from './allocation-table.ts';
import { Allocator } from './allocator.ts';
import { isStranded } from './decision.ts';
import { configOf, requestOf, type ServiceSketch, serviceOf } from './testing/builders.ts';
import { World } from './testing/world.ts';

const LAN = configOf({ lan: { addresses: ['203.0.113.40-203.0.113.41', '203.0.113.60-203.0.113.60'] } });

function allocatorOf(config = LAN): Allocator {
  return new Allocator({ config, namespaces: new Map() });
}

function give(allocator: Allocator, name: string, sketch: ServiceSketch): string {
  const { addresses, refusal = '' } = allocator.decide(requestOf(name, sketch), 0);
  return addresses.length > 0 ? addresses.map(({ address }) => address).join(',') : refusal;
}

function share(key: string, ports: string[], more: ServiceSketch = {}): ServiceSketch {
  return { ...more, annotations: { 'share-key': key, ...more.annotations }, ports };
}

function at60(key: string, ports: string[], more: ServiceSketch = {}): ServiceSketch {
  return share(key, ports, { ...more, annotations: { 'req-ips': '203.0.113.60' } });
}

describe('sharing', () => {
  it('SH-01: one key and two ports share the address that both ask for', () => {
    const allocator = allocatorOf();
    expect(give(allocator, 'a', at60('front', ['tcp/80']))).to.equal('203.0.113.60');
    expect(give(allocator, 'b', at60('front', ['tcp/443']))).to.equal('203.0.113.60');
  });

  it('SH-02: refuses a port that is in use, and names port and holder', () => {
    const allocator = allocatorOf();
    give(allocator, 'a', at60('front', ['tcp/80']));
    const decision = allocator.decide(requestOf('b', at60('front', ['tcp/80'])), 0);
    expect(decision).to.deep.include({ refusal: 'AlreadyAllocated', addresses: [] });
    expect(decision.condition.message).to.include('TCP/80').and.include('shop/a');
  });

  it('SH-03: one port number of two protocols is two ports', () => {
    const allocator = allocatorOf();
    expect(give(allocator, 'a', at60('dns', ['tcp/53']))).to.equal('203.0.113.60');
    expect(give(allocator, 'b', at60('dns', ['udp/53']))).to.equal('203.0.113.60');
    expect(give(allocatorOf(), 'c', { ports: ['tcp/53', 'udp/53'] })).to.equal('203.0.113.40');
  });

  for (const [one, other] of [
    ['front', 'back'],
    ['front', ''],
    ['', 'front'],
    ['', ''],
  ] as const) {
    it(`SH-04: keys "${one}" and "${other}" never share`, () => {
      const allocator = allocatorOf();
      give(allocator, 'a', at60(one, ['tcp/80']));
      expect(give(allocator, 'b', at60(other, ['tcp/443']))).to.equal('AlreadyAllocated');
    });
  }

  it('SH-05: the key attracts', () => {
    const allocator = allocatorOf();
    give(allocator, 'a', at60('front', ['tcp/80']));
    expect(give(allocator, 'b', share('front', ['tcp/443']))).to.equal('203.0.113.60');
  });

  it('SH-06: the key does not attract where a port clashes', () => {
    const allocator = allocatorOf();
    give(allocator, 'a', at60('front', ['tcp/80']));
    expect(give(allocator, 'b', share('front', ['tcp/80']))).to.equal('203.0.113.40');
  });

  it('SH-07: shares instead of failing where the pool is full', () => {
    const allocator = allocatorOf(configOf({ lan: { addresses: ['203.0.113.40/32'] } }));
    give(allocator, 'a', share('front', ['tcp/80']));
    expect(give(allocator, 'b', share('front', ['tcp/443']))).to.equal('203.0.113.40');
    expect(give(allocator, 'c', share('front', ['tcp/443']))).to.equal('OutOfAddresses');
  });

  it('SH-08: a sole user may change its key', () => {
    const allocator = allocatorOf();
    give(allocator, 'a', share('front', ['tcp/80']));
    expect(give(allocator, 'a', share('back', ['tcp/80']))).to.equal('203.0.113.40');
    expect(give(allocator, 'b', share('front', ['tcp/443']))).to.equal('203.0.113.41');
    expect(give(allocator, 'c', share('back', ['tcp/443']))).to.equal('203.0.113.40');
  });

  it('SH-09: one of two users that changes its key is moved, the other stays', () => {
    const allocator = allocatorOf();
    give(allocator, 'a', share('front', ['tcp/80']));
    give(allocator, 'b', share('front', ['tcp/443']));
    expect(give(allocator, 'b', share('back', ['tcp/443'], { shown: ['203.0.113.40'] }))).to.equal('203.0.113.41');
    expect(give(allocator, 'a', share('front', ['tcp/80'], { shown: ['203.0.113.40'] }))).to.equal('203.0.113.40');
  });

  it('SH-09: it loses the address where there is no other, and is told why', () => {
    const allocator = allocatorOf(configOf({ lan: { addresses: ['203.0.113.40/32'] } }));
    give(allocator, 'a', share('front', ['tcp/80']));
    give(allocator, 'b', share('front', ['tcp/443']));
    const decision = allocator.decide(requestOf('b', share('back', ['tcp/443'])), 0);
    expect(decision).to.deep.include({ addresses: [], refusal: 'OutOfAddresses' });
    expect(decision.condition.message).to.include('the sharing keys differ').and.include('shop/a');
    expect(give(allocator, 'a', share('front', ['tcp/80']))).to.equal('203.0.113.40');
  });

  it('SH-10: a sharer keeps the address with another port, and is moved by a port that clashes', () => {
    const allocator = allocatorOf();
    give(allocator, 'a', share('front', ['tcp/80']));
    give(allocator, 'b', share('front', ['tcp/443']));
    expect(give(allocator, 'b', share('front', ['udp/53']))).to.equal('203.0.113.40');
    expect(give(allocator, 'b', share('front', ['tcp/80']))).to.equal('203.0.113.41');
    expect(give(allocator, 'a', share('front', ['tcp/80']))).to.equal('203.0.113.40');
  });

  const web = { selector: { app: 'web' } };
  const policies: { name: string; a: ServiceSketch; b: ServiceSketch; shares: boolean }[] = [
    {
      name: 'both Local, equal selectors',
      a: { externalTrafficPolicy: 'Local', ...web },
      b: { externalTrafficPolicy: 'Local', ...web },
      shares: true,
    },
    {
      name: 'both Local, different selectors',
      a: { externalTrafficPolicy: 'Local', ...web },
      b: { externalTrafficPolicy: 'Local', selector: { app: 'db' } },
      shares: false,
    },
    {
      name: 'both Local, no selector',
      a: { externalTrafficPolicy: 'Local' },
      b: { externalTrafficPolicy: 'Local' },
      shares: false,
    },
    {
      name: 'both Cluster, different selectors',
      a: { externalTrafficPolicy: 'Cluster', ...web },
      b: { externalTrafficPolicy: 'Cluster' },
      shares: true,
    },
    {
      name: 'Local and Cluster',
      a: { externalTrafficPolicy: 'Local', ...web },
      b: { externalTrafficPolicy: 'Cluster', ...web },
      shares: false,
    },
  ];
  for (const { name, a, b, shares } of policies) {
    it(`SH-11: ${name}: ${shares ? 'share' : 'do not share'}`, () => {
      const allocator = allocatorOf();
      give(allocator, 'a', at60('front', ['tcp/80'], a));
      expect(give(allocator, 'b', at60('front', ['tcp/443'], b))).to.equal(
        shares ? '203.0.113.60' : 'AlreadyAllocated',
      );
    });
  }

  it('a sharer whose policy or selector changes loses the address that it asks for, until they fit again', () => {
    const world = new World(LAN);
    const [cluster, local] = [web, { ...web, externalTrafficPolicy: 'Local' }];
    const put = (name: string, port: string, more: ServiceSketch) => {
      const service = serviceOf(name, at60('front', [port], more));
      const status = world.server.services.get(`shop/${name}`)?.status ?? service.status;
      world.put({ ...service, ...(status === undefined ? {} : { status }) });
      world.settle();
      return [world.shown('a'), world.shown('b')].map((addresses) => addresses.join());
    };
    put('a', 'tcp/80', cluster);
    expect(put('b', 'tcp/443', cluster)).to.deep.equal(['203.0.113.60', '203.0.113.60']);
    expect(put('b', 'tcp/443', local)).to.deep.equal(['203.0.113.60', '']);
    expect(world.server.services.get('shop/b')?.status?.conditions?.[0]?.message).to.include('policies differ');
    expect(put('a', 'tcp/80', local)).to.deep.equal(['203.0.113.60', '203.0.113.60']);
    expect(put('b', 'tcp/443', { ...local, selector: { app: 'db' } })).to.deep.equal(['203.0.113.60', '']);
    expect(put('b', 'tcp/443', local)).to.deep.equal(['203.0.113.60', '203.0.113.60']);
  });

  const across = [
    { name: 'berth.dev/v1, no option', spec: {}, apiVersion: 'berth.dev/v1', shares: false },
    {
      name: 'berth.dev/v1, option true',
      spec: { serviceAllocation: { sharedAcrossNamespaces: true } },
      apiVersion: 'berth.dev/v1',
      shares: true,
    },
    { name: 'metallb.io, no option', spec: {}, apiVersion: 'metallb.io/v1beta1', shares: true },
    {
      name: 'metallb.io, option false',
      spec: { serviceAllocation: { sharedAcrossNamespaces: false } },
      apiVersion: 'metallb.io/v1beta1',
      shares: false,
    },
  ];
  for (const { name, spec, apiVersion, shares } of across) {
    it(`SH-13: sharers of two namespaces, ${name}: ${shares ? 'shared' : 'each its own'}`, () => {
      const allocator = allocatorOf(configOf({ lan: { addresses: ['203.0.113.40/31'], ...spec } }, apiVersion));
      give(allocator, 'a', share('front', ['tcp/80'], { namespace: 'shop' }));
      const address = give(allocator, 'b', share('front', ['tcp/443'], { namespace: 'ops' }));
      expect(address).to.equal(shares ? '203.0.113.40' : '203.0.113.41');
    });
  }

  it('SH-14: the address is free when the last sharer is gone, and the key is forgotten', () => {
    const allocator = allocatorOf();
    give(allocator, 'a', share('front', ['tcp/80']));
    give(allocator, 'b', share('front', ['tcp/443']));
    expect(allocator.release('shop/a', 0)).to.deep.equal([]);
    expect(give(allocator, 'c', {})).to.equal('203.0.113.41');
    expect(allocator.release('shop/b', 0).map(String)).to.deep.equal(['203.0.113.40']);
    expect(give(allocator, 'd', share('back', ['tcp/80']))).to.equal('203.0.113.40');
    expect(give(allocator, 'e', share('front', ['tcp/443']))).to.equal('203.0.113.60');
  });

  it('SH-15: a sharer that asks for .0 or .255 is refused', () => {
    const allocator = allocatorOf(configOf({ lan: { addresses: ['203.0.113.0/24'], avoidBuggyIPs: true } }));
    for (const address of ['203.0.113.0', '203.0.113.255']) {
      const sketch = share('front', ['tcp/80'], { annotations: { 'req-ips': address } });
      expect(give(allocator, 'a', sketch)).to.equal('AddressExcluded');
    }
  });

  const unmet: { name: string; one: ServiceSketch; other: ServiceSketch; rule: string }[] = [
    {
      name: 'a port',
      one: { ports: ['tcp/80'] },
      other: { ports: ['tcp/80', 'tcp/443'] },
      rule: 'both use port TCP/80',
    },
    {
      name: 'the traffic policies',
      one: { ports: ['tcp/80'] },
      other: { ports: ['tcp/443'], externalTrafficPolicy: 'Local', selector: { app: 'b' } },
      rule: 'the external traffic policies differ',
    },
    {
      name: 'the namespaces',
      one: { ports: ['tcp/80'] },
      other: { ports: ['tcp/443'], namespace: 'ops' },
      rule: 'its pool is not shared across namespaces',
    },
  ];
  for (const { name, one, other, rule } of unmet) {
    it(`CF-14: says that ${name} stood against sharing, on both Services and whoever came first`, () => {
      const [a, b] = [one, other].map((sketch) => ({ ...sketch, annotations: { 'share-key': 'front' } }));
      for (const order of [
        [a, b],
        [b, a],
      ]) {
        const allocator = allocatorOf();
        const decide = (index: number) => allocator.decide(requestOf(`s${index}`, order[index]), 0);
        const [, second, first] = [decide(0), decide(1), decide(0)];
        for (const { condition, remarks, refusal } of [first, second]) {
          expect(condition).to.deep.include({ status: 'True', reason: 'NotShared' });
          expect(condition.message).to.include(rule);
          expect({ remarks, refusal }).to.deep.equal({ remarks: ['NotShared'], refusal: undefined });
        }
        expect(isStranded(first)).to.equal(false);
      }
    });
  }

  it('CF-14: says nothing where the address is shared, where nothing stands against it, or where nobody else has the key', () => {
    const allocator = allocatorOf();
    const reasonOf = (name: string, sketch: ServiceSketch) =>
      allocator.decide(requestOf(name, sketch), 0).condition.reason;
    expect(reasonOf('a', share('front', ['tcp/80']))).to.equal('Assigned');
    expect(reasonOf('b', share('front', ['tcp/443']))).to.equal('Assigned');
    expect(reasonOf('c', share('front', ['tcp/443']))).to.equal('NotShared');
    expect(reasonOf('a', share('front', ['tcp/80']))).to.equal('Assigned');
  });

  it('CF-14: names the Services of which something else is to be said after a change, and only them', () => {
    const allocator = allocatorOf();
    const lonely = () => [...allocator.table.lonelySharersOfDraft()];
    give(allocator, 'a', share('front', ['tcp/80']));
    give(allocator, 'x', { ports: ['tcp/80'] });
    allocator.commit([]);
    give(allocator, 'b', share('front', ['tcp/80']));
    expect(lonely()).to.deep.equal(['shop/a', 'shop/b']);
    allocator.commit([]);
    allocator.release('shop/x', 0);
    expect(lonely()).to.deep.equal([]);
    allocator.release('shop/a', 0);
    expect(lonely()).to.deep.equal(['shop/b']);
  });

  it('CF-14: does not compare all with all where very many have one key', () => {
    const allocator = allocatorOf(configOf({ lan: { addresses: ['203.0.113.0/24'] } }));
    const decide = (index: number) => allocator.decide(requestOf(`s${index}`, share('front', ['tcp/80'])), 0);
    for (let index = 0; index <= MAX_COMPARED; index++) decide(index);
    expect(allocator.table.lonelySharersOfDraft().size).to.equal(MAX_COMPARED + 1);
    expect(decide(0).condition.message).to.include(`more than ${MAX_COMPARED} addresses have this key`);
    decide(MAX_COMPARED + 1);
    expect([...allocator.table.lonelySharersOfDraft()]).to.deep.equal([]);
  });
});
