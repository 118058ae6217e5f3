// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { FINALIZER } from '../status/service-patch.ts';
import { configOf, IPV6_ONLY, serviceOf } from './testing/builders.ts';
import { annotate, conditionOf, LAN, reasonOf, worldWith } from './testing/sketches.ts';

describe('life of a Service', () => {
  it('becomes a LoadBalancer and stops being one: the address comes and goes, and one that waits gets it', () => {
    const world = worldWith(configOf({ lan: { addresses: ['203.0.113.40/32'] } }), { a: {}, b: {} });
    expect([world.shown('a'), reasonOf(world, 'b')]).to.deep.equal([['203.0.113.40'], 'OutOfAddresses']);
    world.server.edit('shop/a', (service) => ({ ...service, spec: { ...service.spec, type: 'ClusterIP' } }));
    world.settle();
    const a = world.server.services.get('shop/a');
    expect(a?.metadata?.finalizers).to.deep.equal([]);
    expect(a?.status?.conditions).to.deep.equal([]);
    expect(world.shown('b')).to.deep.equal(['203.0.113.40']);
  });

  it('LC-10: loses its address: the finalizer goes along, so that what another product gives it later holds it not (model, seed 12012)', () => {
    const world = worldWith(LAN, { e: {} });
    const change = { clusterIPs: IPV6_ONLY, annotations: { 'req-ips': '203.0.113.42' } };
    world.server.edit('shop/e', ({ metadata, status = {} }) => {
      const { spec = {}, metadata: wished } = serviceOf('e', change);
      return { spec, status, metadata: { ...metadata, ...wished, finalizers: metadata?.finalizers ?? [] } };
    });
    world.settle();
    expect(world.shown('e')).to.deep.equal([]);
    expect(world.server.services.get('shop/e')?.metadata?.finalizers).to.deep.equal([]);
    const ingress = [{ ip: '203.0.113.40', ipMode: 'VIP' }];
    world.server.edit('shop/e', (service) => ({
      ...service,
      status: { ...service.status, loadBalancer: { ingress } },
    }));
    world.settle();
    expect(world.shown('e')).to.deep.equal(['203.0.113.40']);
    world.server.remove('shop/e');
    world.settle();
    expect(world.server.services.has('shop/e')).to.equal(false);
  });

  it('FA-05: the finalizer that was left to another product stays when the class comes back, until its address has gone (model, seed 12025)', () => {
    const world = worldWith(LAN, { d: {} });
    const change = (loadBalancerClass: string) =>
      world.server.edit('shop/d', (service) => ({ ...service, spec: { ...service.spec, loadBalancerClass } }));
    const show = (...addresses: string[]) => {
      const ingress = addresses.map((address) => ({ ip: address, ipMode: 'VIP' }));
      world.server.edit('shop/d', (service) => ({
        ...service,
        status: { ...service.status, loadBalancer: { ingress } },
      }));
    };
    change('acme.example/lb');
    show('203.0.113.42');
    world.settle();
    change('');
    world.server.remove('shop/d');
    world.settle();
    expect(world.shown('d')).to.deep.equal(['203.0.113.42']);
    expect(world.server.services.get('shop/d')?.metadata?.finalizers).to.deep.equal([FINALIZER]);
    show();
    world.settle();
    expect(world.server.services.has('shop/d')).to.equal(false);
  });

  it('LC-10: what somebody writes back into the status of a Service that goes holds neither it nor the address (model, seed 12026)', () => {
    const world = worldWith(configOf({ lan: { addresses: ['203.0.113.40/32'] } }), { b: {} });
    const show = (...addresses: string[]) => {
      const ingress = addresses.map((address) => ({ ip: address, ipMode: 'VIP' }));
      world.server.edit('shop/b', (service) => ({
        ...service,
        status: { ...service.status, loadBalancer: { ingress } },
      }));
    };
    world.server.remove('shop/b');
    show();
    world.controller.observe();
    world.controller.consider('shop/b');
    show('203.0.113.40');
    expect(world.controller.writeLedger()).to.equal('written');
    world.put(serviceOf('next'));
    const { adopted } = world.restart();
    expect(adopted).to.deep.equal([]);
    expect(world.controller.allocator.addressesOf('shop/b').map(String)).to.deep.equal(['203.0.113.40']);
    world.settle();
    expect(world.server.services.has('shop/b')).to.equal(false);
    expect(world.shown('next')).to.deep.equal(['203.0.113.40']);
  });

  it('LC-10: a pending Service keeps the finalizer that somebody else gave it', () => {
    const world = worldWith(LAN);
    const service = serviceOf('e', { annotations: { 'req-pool': 'nowhere' } });
    world.put({ ...service, metadata: { ...service.metadata, finalizers: [FINALIZER] } });
    world.settle();
    expect(reasonOf(world, 'e')).to.equal('NoPool');
    expect(world.server.services.get('shop/e')?.metadata?.finalizers).to.deep.equal([FINALIZER]);
  });

  it('is deleted: the address is taken from the status, then freed, then the finalizer goes', () => {
    const world = worldWith(LAN, { a: {} });
    world.server.remove('shop/a');
    const { controller, server } = world;
    controller.observe();
    const considered = controller.consider('shop/a');
    expect(controller.writeLedger()).to.equal('written');
    controller.writeStatus(considered);
    expect(world.shown('a')).to.deep.equal([]);
    expect(controller.allocator.addressesOf('shop/a')).to.have.length(1);
    expect(server.services.get('shop/a')?.metadata?.finalizers).to.deep.equal([FINALIZER]);
    world.settle();
    expect(server.services.has('shop/a')).to.equal(false);
    expect(controller.allocator.addressesOf('shop/a')).to.deep.equal([]);
  });

  it('is deleted, or turned into another type, while no controller runs: released in the first pass', () => {
    const world = worldWith(LAN, { a: {}, b: {}, c: {} });
    world.server.services.delete('shop/a');
    world.server.edit('shop/b', (service) => ({ ...service, spec: { ...service.spec, type: 'ClusterIP' } }));
    expect(world.restart().released).to.deep.equal(['shop/a']);
    world.settle();
    expect([...world.controller.allocator.holders()]).to.deep.equal(['shop/c']);
  });

  it('asks for a free address of its pool: moved there, the old one is free', () => {
    const world = worldWith(LAN, { a: {} });
    annotate(world, 'a', { 'req-ips': '203.0.113.43' });
    world.settle();
    expect(world.shown('a')).to.deep.equal(['203.0.113.43']);
    expect(world.controller.allocator.addressesOf('shop/a').map(String)).to.deep.equal(['203.0.113.43']);
  });

  it('asks for an address that it cannot have: keeps its own, and the condition tells', () => {
    const world = worldWith(LAN, { a: {} });
    annotate(world, 'a', { 'req-ips': '192.0.2.9' });
    world.settle();
    expect(world.shown('a')).to.deep.equal(['203.0.113.40']);
    const condition = conditionOf(world.server.services.get('shop/a'));
    expect(condition).to.include({ status: 'True', reason: 'NoPool' });
    expect(condition?.message).to.include('192.0.2.9').and.include('203.0.113.40');
  });

  it('asks for an address that is held: waits, and gets it when the holder goes', () => {
    const world = worldWith(LAN, { a: {}, b: { annotations: { 'req-ips': '203.0.113.40' } } });
    expect(reasonOf(world, 'b')).to.equal('AlreadyAllocated');
    world.server.remove('shop/a');
    world.settle();
    expect(world.shown('b')).to.deep.equal(['203.0.113.40']);
  });

  it('asks for another pool: moved there; where that is full it keeps its own and says why', () => {
    const pools = configOf({ edge: { addresses: ['203.0.113.40/32'] }, core: { addresses: ['203.0.113.80/32'] } });
    const world = worldWith(pools, { a: { annotations: { 'req-pool': 'edge' } } });
    annotate(world, 'a', { 'req-pool': 'core' });
    world.settle();
    expect(world.shown('a')).to.deep.equal(['203.0.113.80']);
    world.put(serviceOf('b', { annotations: { 'req-pool': 'edge' } }));
    world.settle();
    annotate(world, 'b', { 'req-pool': 'core' });
    world.settle();
    expect(world.shown('b')).to.deep.equal(['203.0.113.40']);
    expect(reasonOf(world, 'b')).to.equal('OutOfAddresses');
  });

  it('its status is edited by hand: set back to what the ledger says', () => {
    const world = worldWith(LAN, { a: {} });
    for (const ingress of [[], [{ ip: '192.0.2.200' }], [{ hostname: 'x.example' }, { ip: '203.0.113.41' }]]) {
      world.server.edit('shop/a', (service) => ({
        ...service,
        status: { ...service.status, loadBalancer: { ingress } },
      }));
      world.settle();
      expect(world.shown('a')).to.deep.equal(['203.0.113.40']);
    }
  });

  it('a mover frees its old address only when no status shows it any more', () => {
    const world = worldWith(configOf({ lan: { addresses: ['203.0.113.40/31'] } }), { a: {} });
    annotate(world, 'a', { 'req-ips': '203.0.113.41' });
    world.put(serviceOf('b'));
    const { controller } = world;
    controller.observe();
    const considered = controller.consider('shop/a');
    expect(considered.decision?.addresses.map(({ address }) => `${address}`)).to.deep.equal(['203.0.113.41']);
    expect(controller.consider('shop/b').decision?.refusal).to.equal('OutOfAddresses');
    controller.writeLedger();
    controller.writeStatus(considered);
    world.settle();
    expect([world.shown('a'), world.shown('b')]).to.deep.equal([['203.0.113.41'], ['203.0.113.40']]);
  });
});
