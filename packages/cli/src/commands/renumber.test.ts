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

async function renumbered(more: Pick<Service, 'spec'> & { annotations?: Record<string, string> }): Promise<string> {
  const api = new FakeApi();
  const { annotations = {}, spec } = more;
  await api.create(services, {
    metadata: { namespace: 'shop', name: 'web', annotations },
    spec: { type: 'LoadBalancer', clusterIPs: ['10.96.0.9'], ...spec },
    status: { loadBalancer: { ingress: [{ ip: '192.0.2.7' }] } },
  });
  const service = { namespace: undefined, name: 'web' };
  const environment = {
    ...{ out: () => {}, err: () => {}, readFile: async () => '', clock: new FakeClock() },
    connect: async () => ({ api, namespace: 'shop' }),
  };
  try {
    await renumber({ kind: 'renumber', service, isDryRun: false, timeoutSeconds: 0, cluster }, environment);
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
