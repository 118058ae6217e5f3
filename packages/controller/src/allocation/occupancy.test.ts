// SPDX-License-Identifier: Apache-2.0
import { loadBalancerClassRule } from '@berth/core';
import { ip } from '@berth/core/testing';
import { type Node, type Service, type ServiceCidr, Store } from '@berth/kube';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { Occupancy } from './occupancy.ts';

const NODE: Node = {
  metadata: { name: 'edge-1' },
  spec: { podCIDRs: ['10.244.1.0/24', 'fd00:1::/64'] },
  status: {
    addresses: [
      { type: 'InternalIP', address: '192.0.2.11' },
      { type: 'Hostname', address: 'edge-1' },
    ],
  },
};

function service(name: string, changes: Partial<Service>): Service {
  return { metadata: { namespace: 'shop', name }, spec: { type: 'LoadBalancer' }, ...changes };
}

function world() {
  const clock = new FakeClock();
  const serviceRanges = { store: new Store<ServiceCidr>() };
  const view = { services: new Store<Service>(), nodes: new Store<Node>(), serviceRanges };
  const state = { changes: 0 };
  const occupancy = new Occupancy({ view, clock, classRule: loadBalancerClassRule() });
  occupancy.changes.subscribe(() => {
    state.changes += 1;
  });
  return { clock, view, state, occupancy };
}

describe('Occupancy', () => {
  it('FA-09: knows nodes, pods, external IPs and what others show, with the holder’s name', async () => {
    const { view, occupancy } = world();
    view.nodes.upsert(NODE);
    view.services.upsert(service('ext', { spec: { type: 'ClusterIP', externalIPs: ['192.0.2.20', 'nonsense'] } }));
    const status = { loadBalancer: { ingress: [{ ip: '192.0.2.30' }] } };
    view.services.upsert(
      service('other', { spec: { type: 'LoadBalancer', loadBalancerClass: 'x.example/lb' }, status }),
    );
    occupancy.start();
    const holders = ['192.0.2.11', '10.244.1.9', 'fd00:1::9', '192.0.2.20', '192.0.2.30', '192.0.2.40'].map(
      (text) => occupancy.current.holderOf(ip(text))?.holder,
    );
    expect(holders).to.deep.equal([
      'an address of node edge-1',
      'in the range 10.244.1.0/24 of pods on node edge-1',
      'in the range fd00:1::/64 of pods on node edge-1',
      'an external IP of Service shop/ext',
      'shown by Service shop/other, to which somebody else gave it',
      undefined,
    ]);
    expect(occupancy.current.holderOf(ip('192.0.2.20'), 'shop/ext')).to.equal(undefined);
    occupancy.stop();
  });

  it('FA-09: knows the ranges of Services, those of later too', async () => {
    const { clock, view, state, occupancy } = world();
    const { store } = view.serviceRanges;
    store.upsert({ metadata: { name: 'kubernetes', resourceVersion: '8' }, spec: { cidrs: ['10.96.0.0/16'] } });
    occupancy.start();
    expect(occupancy.current.holderOf(ip('10.96.0.9'))?.holder).to.equal('in the range of Services 10.96.0.0/16');
    store.upsert({ metadata: { name: 'more' }, spec: { cidrs: ['10.97.0.0/16', 'fd00:10::/112'] } });
    await clock.advance(50);
    expect(state.changes).to.equal(1);
    expect(occupancy.current.holderOf(ip('10.97.0.9'))?.holder).to.equal('in the range of Services 10.97.0.0/16');
    store.delete({ metadata: { name: 'kubernetes', resourceVersion: '9' } });
    await clock.advance(50);
    expect(occupancy.current.holderOf(ip('10.96.0.9'))).to.equal(undefined);
    occupancy.stop();
  });

  it('collects changes, and a heartbeat of a node is none', async () => {
    const { clock, view, state, occupancy } = world();
    view.nodes.upsert(NODE);
    occupancy.start();
    view.nodes.upsert({ ...NODE, metadata: { name: 'edge-1', resourceVersion: '9' } });
    await clock.advance(1_000);
    expect(state.changes).to.equal(0);
    view.nodes.delete({ ...NODE, metadata: { name: 'edge-1', resourceVersion: '10' } });
    view.services.upsert(service('ext', { spec: { type: 'ClusterIP', externalIPs: ['192.0.2.20'] } }));
    await clock.advance(50);
    expect(state.changes).to.equal(1);
    expect(occupancy.current.holderOf(ip('192.0.2.11'))).to.equal(undefined);
    occupancy.stop();
  });

  it('FA-09: tells of what was seen at once where a decision is due, and nothing where nothing was', () => {
    const { view, state, occupancy } = world();
    occupancy.start();
    occupancy.flush();
    expect(state.changes).to.equal(0);
    view.services.upsert(service('ext', { spec: { type: 'ClusterIP', externalIPs: ['192.0.2.20'] } }));
    occupancy.flush();
    expect(state.changes).to.equal(1);
    expect(occupancy.current.holderOf(ip('192.0.2.20'))).to.not.equal(undefined);
    occupancy.stop();
  });

  it('TN-06: collects changes for longer where it takes long to put them together', async () => {
    const { clock, view, state, occupancy } = world();
    const now = clock.now.bind(clock);
    // Each look at the clock is 100 ms after the one before.
    let lateMs = 0;
    clock.now = () => {
      lateMs += 100;
      return now() + lateMs;
    };
    occupancy.start();
    clock.now = now;
    view.services.upsert(service('ext', { spec: { type: 'ClusterIP', externalIPs: ['192.0.2.20'] } }));
    occupancy.flush();
    await clock.advance(899);
    expect(state.changes).to.equal(0);
    await clock.advance(1);
    expect(state.changes).to.equal(1);
    view.services.upsert(service('more', { spec: { type: 'ClusterIP', externalIPs: ['192.0.2.21'] } }));
    await clock.advance(50);
    expect(state.changes).to.equal(2);
    occupancy.stop();
  });
});
