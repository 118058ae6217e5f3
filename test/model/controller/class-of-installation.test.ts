// SPDX-License-Identifier: Apache-2.0
import { services } from '@berth/kube';
import { expect } from 'chai';
import { FakeCluster } from './fake-cluster.ts';

describe('the class of the installation', () => {
  let cluster: FakeCluster;

  beforeEach(async () => {
    cluster = await new FakeCluster().start();
    await cluster.pools({ lan: { addresses: ['203.0.113.0/24'] } });
    await cluster.add('web');
    await cluster.clock.advance(2_000);
  });

  afterEach(() => cluster.stop());

  /** The controller is started anew with another value of `--load-balancer-class`. */
  const restartAs = async (loadBalancerClass: string) => {
    await cluster.stop();
    await cluster.start(loadBalancerClass);
    await cluster.clock.advance(60_000);
  };

  it('FA-06: empties no status when it is changed, and serves on when it is set right', async () => {
    const before = cluster.get('web')?.status;
    await restartAs('berth.dev/l3');
    expect(cluster.get('web')?.status).to.deep.equal(before);
    await cluster.add('new', { loadBalancerClass: 'berth.dev/l3' });
    await cluster.clock.advance(2_000);
    expect(cluster.shown('new')).to.equal('203.0.113.1');
    await restartAs('berth.dev/l2');
    expect(cluster.shown('web')).to.equal('203.0.113.0');
  });

  it('FA-06: lets a Service of the class before go when it is deleted', async () => {
    await restartAs('berth.dev/l3');
    await cluster.api.delete(services, { namespace: 'shop', name: 'web' });
    await cluster.clock.advance(10_000);
    expect(cluster.get('web')).to.equal(undefined);
  });
});
