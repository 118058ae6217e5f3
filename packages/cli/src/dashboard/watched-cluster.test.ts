// SPDX-License-Identifier: Apache-2.0
import { KubeError, namespaces, services } from '@berth/kube';
import { FakeApi, type FakeCall } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { WatchedCluster } from './watched-cluster.ts';

describe('WatchedCluster', () => {
  let api: FakeApi;
  let clock: FakeClock;
  let watched: WatchedCluster;
  let remarks: string[];

  beforeEach(async () => {
    api = new FakeApi();
    clock = new FakeClock();
    remarks = [];
    await api.create(namespaces, { metadata: { name: 'shop' } });
    watched = new WatchedCluster({
      ...{ api, clock, onChange: () => {}, onError: () => {}, onRemark: (text) => remarks.push(text) },
      cluster: { berthNamespace: 'berth-system', loadBalancerClass: 'berth.dev/l2' } as never,
    });
  });

  afterEach(() => watched.stop());

  const refuse = (kind: string) => {
    api.before = (call: FakeCall) => {
      if (call.kind === kind) throw new KubeError('forbidden', 'no rights', { status: 403 });
    };
  };
  const make = () =>
    api.create(services, { metadata: { namespace: 'shop', name: 'web' }, spec: { type: 'LoadBalancer' } });

  it('DB-08: follows a kind again that it might not watch for a while, and says meanwhile that it is old', async () => {
    await watched.start();
    refuse('Service');
    api.closeWatches();
    await clock.advance(120_000);
    expect(remarks).to.deep.equal(['shown as they were, since you may not watch them now: services']);
    api.before = () => {};
    await make();
    await clock.advance(120_000);
    expect(watched.objects().services).to.have.length(1);
  });

  it('begins without a kind that is not needed, and not without one that is', async () => {
    refuse('EndpointSlice');
    await watched.start();
    expect(remarks).to.deep.equal(['not shown, since you may not watch them: endpointslices']);
    await watched.stop();
    refuse('Node');
    const other = new WatchedCluster({
      ...{ api, clock, onChange: () => {}, onError: () => {}, onRemark: () => {} },
      cluster: { berthNamespace: 'berth-system', loadBalancerClass: 'berth.dev/l2' } as never,
    });
    const error = await other.start().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    await other.stop();
    expect(error).to.be.instanceOf(KubeError).with.property('code', 'forbidden');
  });
});
