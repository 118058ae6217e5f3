// SPDX-License-Identifier: Apache-2.0
import { services } from '@berth/kube';
import { expect } from 'chai';
import { conditionOf, FINALIZER, ipsOf, useRig } from '../support/rig.ts';
import { remains, until } from '../support/until.ts';

const SMALL = { lan: { addresses: ['203.0.113.40-203.0.113.41'] } };

describe('life cycle of a Service', () => {
  const use = useRig();

  it('LC-10: gives finalizer, address, ipMode, pool mark and condition in one patch', async () => {
    const { rig } = use;
    const { observed } = await rig.start();
    await rig.pools(SMALL);
    await rig.service('web');
    const service = await rig.has('web', '203.0.113.40');
    expect(service.metadata.finalizers).to.include(FINALIZER);
    expect(service.metadata.annotations).to.include({ 'berth.dev/ip-allocated-from-pool': 'lan' });
    expect(service.status?.loadBalancer?.ingress).to.deep.equal([{ ip: '203.0.113.40', ipMode: 'VIP' }]);
    expect(conditionOf(service)).to.include({ status: 'True', reason: 'Assigned' });
    expect(observed.writes('Service')).to.have.length(1);
  });

  it('LC-01: never writes to a Service that is no LoadBalancer', async () => {
    const { rig } = use;
    const { observed } = await rig.start();
    await rig.pools(SMALL);
    await rig.service('cluster', { spec: { type: 'ClusterIP', allocateLoadBalancerNodePorts: null } });
    await rig.service('node', { spec: { type: 'NodePort', allocateLoadBalancerNodePorts: null } });
    await rig.client.create(services, {
      metadata: { namespace: rig.shop, name: 'name' },
      spec: { type: 'ExternalName', externalName: 'example.com' },
    });
    await rig.service('last');
    await rig.has('last', '203.0.113.40');
    await rig.edit('cluster', { metadata: { labels: { a: 'b' } } });
    await rig.service('more');
    await rig.has('more', '203.0.113.41');
    expect(observed.writes('Service').map(({ at }) => at.name)).to.have.members(['last', 'more']);
  });

  for (const type of ['ClusterIP', 'NodePort']) {
    it(`LC-02, LC-03: LoadBalancer to ${type} frees the address for one who waits`, async () => {
      const { rig } = use;
      await rig.start();
      await rig.pools({ lan: { addresses: ['203.0.113.40/32'] } });
      await rig.service('web');
      await rig.has('web', '203.0.113.40');
      await rig.service('waiting');
      await rig.hasReason('waiting', 'OutOfAddresses');
      await rig.edit('web', { spec: { type, allocateLoadBalancerNodePorts: null } });
      await rig.has('waiting', '203.0.113.40');
      const service = await rig.has('web');
      expect(service.metadata.finalizers ?? []).to.not.include(FINALIZER);
      expect(conditionOf(service)).to.equal(undefined);
    });
  }

  it('LC-04: NodePort to LoadBalancer gets an address; edited ports keep it', async () => {
    const { rig } = use;
    await rig.start();
    await rig.pools(SMALL);
    await rig.service('web', { spec: { type: 'NodePort', allocateLoadBalancerNodePorts: null } });
    const nodePort = (await rig.get('web')).spec?.ports?.[0]?.nodePort;
    await rig.edit('web', { spec: { type: 'LoadBalancer' } });
    const service = await rig.has('web', '203.0.113.40');
    expect(service.spec?.ports?.[0]?.nodePort).to.equal(nodePort);
    await rig.edit('web', { spec: { ports: [{ port: 8080, protocol: 'TCP', nodePort }] } });
    await rig.service('other');
    await rig.has('other', '203.0.113.41');
    await rig.has('web', '203.0.113.40');
  });

  it('LC-05: a deleted Service is gone soon, and the next one who waits has its address', async () => {
    const { rig } = use;
    await rig.start();
    await rig.pools({ lan: { addresses: ['203.0.113.40/32'] } });
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    await rig.service('waiting');
    await rig.hasReason('waiting', 'OutOfAddresses');
    const startedAt = performance.now();
    await rig.delete('web');
    await rig.isGone('web');
    await rig.has('waiting', '203.0.113.40');
    expect(performance.now() - startedAt).to.be.lessThan(5_000);
    await rig.ledgerHolds({ '203.0.113.40': 'waiting' });
  });

  it('LC-06: waits in silence for a cluster IP', async () => {
    const { rig } = use;
    const { observed } = await rig.start();
    await rig.pools(SMALL);
    // The API server always gives a cluster IP, so the controller is shown the object as it is before that.
    observed.onObject = (kind, object) => {
      if (kind === 'Service' && object.metadata.name === 'web') withoutClusterIp(object);
      return undefined;
    };
    await rig.service('web');
    await rig.service('other');
    await rig.has('other', '203.0.113.40');
    expect(observed.writes('Service').map(({ at }) => at.name)).to.deep.equal(['other']);
    expect(await rig.eventsOf('web')).to.deep.equal([]);
    observed.onObject = () => undefined;
    await rig.edit('web', { metadata: { labels: { now: 'set' } } });
    await rig.has('web', '203.0.113.41');
  });

  it('LC-08: default flags: absent class and berth.dev/l2 are ours, any other is left alone', async () => {
    const { rig } = use;
    const { observed } = await rig.start();
    await rig.pools(SMALL);
    await rig.service('foreign', { spec: { loadBalancerClass: 'acme.example/lb' } });
    await rig.service('absent');
    await rig.service('ours', { spec: { loadBalancerClass: 'berth.dev/l2' } });
    await rig.has('absent', '203.0.113.40');
    await rig.has('ours', '203.0.113.41');
    const before = await rig.get('foreign');
    await remains(() => expect(observed.writes('Service').map(({ at }) => at.name)).to.not.include('foreign'), 10_000);
    expect(await rig.get('foreign')).to.deep.equal(before);
    expect(await rig.eventsOf('foreign')).to.deep.equal([]);
  }).timeout(30_000);

  it('LC-08: with a class of its own, absent and other classes are left alone', async () => {
    const { rig } = use;
    const { observed } = await rig.start({ loadBalancerClass: 'acme.example/lb' });
    await rig.pools(SMALL);
    await rig.service('absent');
    await rig.service('other', { spec: { loadBalancerClass: 'berth.dev/l2' } });
    await rig.service('same', { spec: { loadBalancerClass: 'acme.example/lb' } });
    await rig.has('same', '203.0.113.40');
    await remains(() => expect(observed.writes('Service')).to.have.length(1), 10_000);
    expect([...(await rig.eventsOf('absent')), ...(await rig.eventsOf('other'))]).to.deep.equal([]);
  }).timeout(30_000);

  it('LC-09, HO-08: a class that the API server wipes with the type does not hide the release', async () => {
    const { rig } = use;
    await rig.start();
    await rig.pools({ lan: { addresses: ['203.0.113.40/32'] } });
    await rig.service('web', { spec: { loadBalancerClass: 'berth.dev/l2' } });
    await rig.has('web', '203.0.113.40');
    await rig.service('waiting');
    await rig.hasReason('waiting', 'OutOfAddresses');
    await rig.edit('web', {
      spec: { type: 'ClusterIP', loadBalancerClass: null, allocateLoadBalancerNodePorts: null },
    });
    await rig.has('waiting', '203.0.113.40');
    const service = await rig.has('web');
    expect(service.metadata.finalizers ?? []).to.deep.equal([]);
    expect(service.metadata.annotations ?? {}).to.not.have.property('berth.dev/ip-allocated-from-pool');
    expect(conditionOf(service)).to.equal(undefined);
    await rig.ledgerHolds({ '203.0.113.40': 'waiting' });
  });

  it('LC-10, HO-09: what is deleted while no controller runs is released in the first pass, not given again', async () => {
    const { rig } = use;
    const first = await rig.start();
    await rig.pools(SMALL);
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    await rig.service('typed');
    await rig.has('typed', '203.0.113.41');
    await rig.stop(first);
    await rig.delete('web');
    await rig.edit('typed', { spec: { type: 'ClusterIP', allocateLoadBalancerNodePorts: null } });
    expect((await rig.get('web')).metadata.deletionTimestamp).to.be.a('string');
    await rig.start();
    await rig.isGone('web');
    await rig.ledgerHolds({});
    expect((await rig.has('typed')).metadata.finalizers ?? []).to.deep.equal([]);
  });

  it('LC-10: without finalizers none is added, and release works all the same', async () => {
    const { rig } = use;
    await rig.start({ finalizer: false });
    await rig.pools({ lan: { addresses: ['203.0.113.40/32'] } });
    await rig.service('web');
    const service = await rig.has('web', '203.0.113.40');
    expect(service.metadata.finalizers ?? []).to.deep.equal([]);
    await rig.service('waiting');
    await rig.hasReason('waiting', 'OutOfAddresses');
    await rig.delete('web');
    await rig.has('waiting', '203.0.113.40');
  });

  it('LC-14: at a start no Service is written, and the ledger only where it lacks an entry', async () => {
    const { rig } = use;
    const first = await rig.start();
    await rig.pools({ lan: { addresses: ['203.0.113.0/24'] } });
    const names = Array.from({ length: 20 }, (_, n) => `s-${n}`);
    await Promise.all(names.map((name) => rig.service(name)));
    const before = await until(async () => {
      const all = await Promise.all(names.map((name) => rig.get(name)));
      for (const service of all) expect(ipsOf(service)).to.have.length(1);
      return all;
    });
    await rig.stop(first);
    const second = await rig.start();
    await until(() => expect(second.log.join()).to.include('ledger read'));
    await rig.service('new');
    await until(async () => expect(ipsOf(await rig.get('new'))).to.have.length(1));
    expect(await Promise.all(names.map((name) => rig.get(name)))).to.deep.equal(before);
    expect(second.observed.writes('Service').map(({ at }) => at.name)).to.deep.equal(['new']);
    const ledgerWrites = second.observed.writes('ConfigMap').filter(({ at }) => at.name?.startsWith('ledger'));
    expect(ledgerWrites).to.have.length(1);
  });

  it('LC-15: an edited status is set back to what the ledger says', async () => {
    const { rig } = use;
    await rig.start();
    await rig.pools(SMALL);
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    await rig.service('web-2');
    await rig.has('web-2', '203.0.113.41');
    await rig.editStatus('web', { loadBalancer: { ingress: [{ ip: '192.0.2.200' }] } });
    await rig.has('web', '203.0.113.40');
    await rig.editStatus('web-2', { loadBalancer: { ingress: null } });
    await rig.has('web-2', '203.0.113.41');
  });

  it('LC-15: an address in no pool that the ledger does hold is kept', async () => {
    const { rig } = use;
    const first = await rig.start();
    await rig.pools(SMALL);
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    await rig.stop(first);
    await rig.pools({ other: { addresses: ['198.51.100.0/24'] } });
    await rig.start();
    await rig.hasReason('web', 'OutsidePools', 'True');
    await rig.has('web', '203.0.113.40');
  });

  it('LC-16: a hostname beside a foreign address stays as it is, with both', async () => {
    const { rig } = use;
    await rig.service('web');
    const ingress = [{ hostname: 'lb.example.com' }, { ip: '192.0.2.9' }];
    await rig.editStatus('web', { loadBalancer: { ingress } });
    await rig.pools(SMALL);
    await rig.start();
    const service = await rig.hasReason('web', 'ForeignAddress', 'False');
    expect(service.status?.loadBalancer?.ingress?.map(({ ip, hostname }) => ip ?? hostname)).to.deep.equal([
      'lb.example.com',
      '192.0.2.9',
    ]);
  });

  it('LC-17: three addresses of one family that Berth did not give stay as they are, and this is said', async () => {
    const { rig } = use;
    await rig.service('web');
    const ips = ['203.0.113.40', '203.0.113.41', '203.0.113.42'];
    await rig.editStatus('web', { loadBalancer: { ingress: ips.map((ip) => ({ ip })) } });
    await rig.pools({ lan: { addresses: ['203.0.113.40-203.0.113.51'] } });
    await rig.start();
    await rig.hasReason('web', 'ForeignAddress', 'False');
    await rig.has('web', ...ips);
    await rig.hasEvents('web', ['ForeignAddress']);
  });

  it('LC-21: the status of a Service of a foreign class is left alone', async () => {
    const { rig } = use;
    const { observed } = await rig.start();
    await rig.pools(SMALL);
    await rig.service('foreign', { spec: { loadBalancerClass: 'acme.example/lb' } });
    await rig.editStatus('foreign', { loadBalancer: { ingress: [{ ip: '192.0.2.9' }] } });
    await rig.service('ours');
    await rig.has('ours', '203.0.113.40');
    expect(ipsOf(await rig.get('foreign'))).to.deep.equal(['192.0.2.9']);
    expect(observed.writes('Service').map(({ at }) => at.name)).to.deep.equal(['ours']);
  });
});

function withoutClusterIp(object: object): void {
  const { spec } = object as { spec: Record<string, unknown> };
  delete spec.clusterIP;
  delete spec.clusterIPs;
}
