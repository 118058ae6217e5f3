// SPDX-License-Identifier: Apache-2.0

// The whole controller: an emptied configuration, sharers that change, and tenants behind selectors.

import { configMaps, namespaces, type Service, services } from '@berth/kube';
import { expect } from 'chai';
import { FakeCluster, SYSTEM } from './fake-cluster.ts';

const LAN = { lan: { addresses: ['203.0.113.40/30'] } };

describe('the controller and what people write', () => {
  let cluster: FakeCluster;

  beforeEach(async () => {
    cluster = await new FakeCluster().start();
    await cluster.pools(LAN);
    await cluster.clock.advance(1_000);
  });

  afterEach(() => cluster.stop());

  function reasonOf(name: string): string | undefined {
    return cluster.get(name)?.status?.conditions?.find(({ type }) => type === 'berth.dev/AddressAssigned')?.reason;
  }

  async function edit(name: string, change: (service: Service) => Service): Promise<void> {
    const service = cluster.get(name);
    if (service === undefined) throw new Error(`there is no Service ${name}`);
    await cluster.api.replace(services, change(service));
  }

  function withPort(port: number) {
    return (service: Service): Service => ({
      ...service,
      spec: { ...service.spec, ports: [{ protocol: 'TCP', port }] },
    });
  }

  it('CF-01: an emptied ConfigMap changes no Service, not even over a restart of the controller', async () => {
    await cluster.add('web');
    await cluster.clock.advance(2_000);
    const before = cluster.get('web');
    for (const data of [{}, { 'pools.yaml': '# nothing\n' }, { 'pools.YAML': 'kind: IPAddressPool' }]) {
      await cluster.configure(data);
      await cluster.clock.advance(2_000);
      await cluster.stop();
      await cluster.start();
      await cluster.clock.advance(2_000);
      expect(cluster.get('web')).to.deep.equal(before);
    }
    const kept = cluster.api.all(configMaps).find(({ metadata }) => metadata.name === 'last-good-pools');
    expect(kept?.data?.['pools.yaml']).to.include('203.0.113.40/30');
    await cluster.add('next');
    await cluster.clock.advance(2_000);
    expect(cluster.shown('next')).to.equal('203.0.113.41');
  });

  it('CF-08: a ConfigMap with the hash of a kustomization is named in the log', async () => {
    await cluster.api.create(configMaps, {
      metadata: { namespace: SYSTEM, name: 'ip-address-pools-h4tf6b9g2m' },
      data: {},
    });
    await cluster.clock.advance(1_000);
    expect(cluster.log.filter((line) => line.includes('disableNameSuffixHash'))).to.have.length(1);
  });

  it('CF-14: both Services of one key say why they do not share, and no more once they do not clash', async () => {
    const shared = { annotations: { 'share-key': 'front' } };
    await cluster.add('a', shared);
    await cluster.clock.advance(1_000);
    await cluster.add('b', shared);
    await cluster.clock.advance(2_000);
    expect([reasonOf('a'), reasonOf('b')]).to.deep.equal(['NotShared', 'NotShared']);
    await cluster.api.delete(services, { namespace: 'shop', name: 'b' });
    await cluster.clock.advance(2_000);
    expect(reasonOf('a')).to.equal('Assigned');
  });

  for (const pauseMs of [0, 1_000, 4_000]) {
    it(`TN-02: two that swap ports with ${pauseMs} ms between the writes keep their address`, async () => {
      const shared = { 'share-key': 'front', 'req-ips': '203.0.113.42' };
      await cluster.add('a', { annotations: shared, ports: ['tcp/80'] });
      await cluster.add('b', { annotations: shared, ports: ['tcp/443'] });
      await cluster.clock.advance(2_000);
      await edit('a', withPort(443));
      await cluster.clock.advance(pauseMs);
      expect(cluster.shown('a')).to.equal('203.0.113.42');
      await edit('b', withPort(80));
      await cluster.clock.advance(20_000);
      expect([cluster.shown('a'), cluster.shown('b')]).to.deep.equal(['203.0.113.42', '203.0.113.42']);
      expect(cluster.told().filter((text) => text.startsWith('ClearAssignment'))).to.deep.equal([]);
    });
  }

  it('TN-02: one that alone takes the port of another of its namespace is moved after five seconds', async () => {
    const shared = { 'share-key': 'front' };
    await cluster.add('a', { annotations: shared, ports: ['tcp/80'] });
    await cluster.clock.advance(1_000);
    await cluster.add('b', { annotations: shared, ports: ['tcp/443'] });
    await cluster.clock.advance(2_000);
    await edit('b', withPort(80));
    await cluster.clock.advance(4_000);
    expect([cluster.shown('a'), cluster.shown('b')]).to.deep.equal(['203.0.113.40', '203.0.113.40']);
    await cluster.clock.advance(4_000);
    expect([cluster.shown('a'), cluster.shown('b')]).to.deep.equal(['203.0.113.40', '203.0.113.41']);
  });

  for (const { name, pools, annotations } of [
    { name: 'asks for just this address', pools: LAN, annotations: { 'req-ips': '203.0.113.40' } },
    { name: 'finds no other one free', pools: { lan: { addresses: ['203.0.113.40/32'] } }, annotations: {} },
  ]) {
    it(`TN-02: one that takes a port of another and ${name} loses the address after five seconds, once and for all`, async () => {
      await cluster.pools(pools);
      await cluster.add('a', { annotations: { 'share-key': 'web' }, ports: ['tcp/80'] });
      await cluster.add('b', { annotations: { 'share-key': 'web', ...annotations }, ports: ['tcp/81'] });
      await cluster.clock.advance(1_000);
      expect([cluster.shown('a'), cluster.shown('b')]).to.deep.equal(['203.0.113.40', '203.0.113.40']);
      await edit('b', withPort(80));
      await cluster.clock.advance(10_000);
      expect([cluster.shown('a'), cluster.shown('b')]).to.deep.equal(['203.0.113.40', '']);
      const settled = cluster.writes().length;
      await cluster.clock.advance(120_000);
      expect(cluster.writes().length).to.equal(settled);
      await edit('b', withPort(82));
      await cluster.clock.advance(1_000);
      expect(cluster.shown('b')).to.equal('203.0.113.40');
    });
  }

  it('FA-02: what another Service stood in the way of is taken over once that one has gone', async () => {
    for (const name of ['older', 'younger']) await cluster.add(name, { shown: ['203.0.113.41'] });
    await cluster.clock.advance(2_000);
    expect([reasonOf('older'), reasonOf('younger')]).to.deep.equal(['Assigned', 'ForeignAddress']);
    await cluster.api.delete(services, { namespace: 'shop', name: 'older' });
    await cluster.clock.advance(2_000);
    expect([reasonOf('younger'), cluster.shown('younger')]).to.deep.equal(['Assigned', '203.0.113.41']);
  });

  it('TN-04: a label of a namespace serves the Services in it that wait', async () => {
    const serviceAllocation = { namespaceSelectors: [{ matchLabels: { team: 'red' } }] };
    await cluster.pools({ lan: { addresses: ['203.0.113.40/30'], serviceAllocation } });
    await cluster.api.create(namespaces, { metadata: { name: 'shop' } });
    await cluster.add('web');
    await cluster.clock.advance(2_000);
    expect(reasonOf('web')).to.equal('SelectorMismatch');
    const shop = cluster.api.all(namespaces).find(({ metadata }) => metadata.name === 'shop');
    if (shop)
      await cluster.api.replace(namespaces, { ...shop, metadata: { ...shop.metadata, labels: { team: 'red' } } });
    await cluster.clock.advance(2_000);
    expect(cluster.shown('web')).to.equal('203.0.113.40');
  });
});
