// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { Allocator } from './allocator.ts';
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
});
