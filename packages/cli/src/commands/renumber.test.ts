// SPDX-License-Identifier: Apache-2.0
import { type Service, services } from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { CommandError } from '../environment.ts';
import { renumber } from './renumber.ts';

const cluster = {
  access: {},
  requestTimeoutMs: undefined,
  berthNamespace: 'berth-system',
  loadBalancerClass: 'berth.dev/l2',
};

interface Sketch extends Pick<Service, 'spec'> {
  readonly annotations?: Record<string, string>;
  readonly conditions?: readonly object[];
  readonly timeoutSeconds?: number;
}

async function renumbered(more: Sketch): Promise<string> {
  const api = new FakeApi();
  const clock = new FakeClock();
  const { annotations = {}, spec, conditions = [], timeoutSeconds = 0 } = more;
  await api.create(services, {
    metadata: { namespace: 'shop', name: 'web', annotations },
    spec: { type: 'LoadBalancer', clusterIPs: ['10.96.0.9'], ...spec },
    status: { loadBalancer: { ingress: [{ ip: '192.0.2.7' }] }, conditions: conditions as never },
  });
  const service = { namespace: undefined, name: 'web' };
  const environment = {
    ...{ out: () => {}, err: () => {}, readFile: async () => '', clock },
    connect: async () => ({ api, namespace: 'shop' }),
  };
  try {
    const ended = renumber({ kind: 'renumber', service, isDryRun: false, timeoutSeconds, cluster }, environment);
    await Promise.all([ended, clock.advance(1000 * timeoutSeconds + 1000)]);
  } catch (error) {
    if (error instanceof CommandError) return error.message;
    throw error;
  }
  return `leaves ${(await api.get(services, { namespace: 'shop', name: 'web' })).metadata.annotations?.['berth.dev/renumber']}`;
}

describe('kubectl berth renumber', () => {
  it('asks the controller', async () => {
    expect(await renumbered({})).to.equal('leaves 192.0.2.7');
  });

  it('CL-20: says whether the controller refused it or did not answer, and takes the wish back', async () => {
    const condition = (reason: string, message: string) => ({
      ...{ type: 'berth.dev/AddressAssigned', status: 'True', reason, message, lastTransitionTime: '' },
    });
    const conditions = [condition('Assigned', '192.0.2.7 from pool lan')];
    expect(await renumbered({ conditions, timeoutSeconds: 2 })).to.equal(
      'shop/web keeps 192.0.2.7: no answer from the controller within 2 s (kubectl berth status says whether one leads); the wish is taken back',
    );
    const full = [condition('OutOfAddresses', '192.0.2.7 from pool lan; kept, since lan is full')];
    expect(await renumbered({ conditions: full, timeoutSeconds: 2 })).to.equal(
      'shop/web keeps 192.0.2.7: 192.0.2.7 from pool lan; kept, since lan is full; the wish is taken back',
    );
  });

  it('CL-20: refuses a Service that Berth does not serve', async () => {
    expect(await renumbered({ spec: { type: 'ClusterIP' } })).to.equal(
      'shop/web is no LoadBalancer: its type is ClusterIP',
    );
    expect(await renumbered({ spec: { loadBalancerClass: 'acme.example/lb' } })).to.equal(
      'shop/web is not of the class berth.dev/l2',
    );
  });

  it('CF-24: says where a Service pins its address, and writes nothing', async () => {
    const annotations = { 'metallb.universe.tf/loadBalancerIPs': '192.0.2.7' };
    expect(await renumbered({ annotations })).to.equal(
      'shop/web asks for 192.0.2.7 itself: change or remove annotation metallb.universe.tf/loadBalancerIPs, and it gets another address',
    );
    expect(await renumbered({ spec: { loadBalancerIP: '192.0.2.7' } })).to.include(
      'change or remove spec.loadBalancerIP',
    );
    const both = { annotations: { 'berth.dev/loadBalancerIPs': '192.0.2.7' }, spec: { loadBalancerIP: '192.0.2.7' } };
    expect(await renumbered(both)).to.include('annotation berth.dev/loadBalancerIPs and spec.loadBalancerIP');
  });

  it('CF-24: lets a Service leave an address that it does not ask for', async () => {
    expect(await renumbered({ annotations: { 'berth.dev/loadBalancerIPs': '192.0.2.9' } })).to.equal(
      'leaves 192.0.2.7',
    );
  });
});
