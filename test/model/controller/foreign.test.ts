// SPDX-License-Identifier: Apache-2.0
import { services } from '@berth/kube';
import { expect } from 'chai';
import { FakeCluster } from './fake-cluster.ts';

describe('what other products show', () => {
  let cluster: FakeCluster;

  beforeEach(async () => {
    cluster = await new FakeCluster().start();
    await cluster.pools({ lan: { addresses: ['203.0.113.0/24'] } });
    await cluster.clock.advance(1_000);
  });

  afterEach(() => cluster.stop());

  it('FA-09: is given to nobody and refused on request, also a moment after it came', async () => {
    await cluster.add('theirs', { loadBalancerClass: 'example.com/lb' });
    const ingress = [{ ip: '203.0.113.0' }];
    const body = { status: { loadBalancer: { ingress } } };
    await cluster.api.patch(services, { namespace: 'shop', name: 'theirs' }, { type: 'merge', body });
    await cluster.add('web');
    await cluster.add('asks', { annotations: { 'req-ips': '203.0.113.0' } });
    await cluster.clock.advance(1_000);
    expect([cluster.shown('web'), cluster.shown('asks')]).to.deep.equal(['203.0.113.1', '']);
    const [condition] = cluster.get('asks')?.status?.conditions ?? [];
    expect([condition?.reason, condition?.message]).to.satisfy(
      ([reason, message]: string[]) => reason === 'AddressInUse' && message?.includes('shop/theirs'),
    );
  });
});
