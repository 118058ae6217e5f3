// SPDX-License-Identifier: Apache-2.0
import { type Decision, FINALIZER, loadBalancerClassRule, type ServicePatch } from '@berth/core';
import { allocatorOf, configOf, requestOf, type ServiceSketch, serviceOf } from '@berth/core/testing';
import { ApiBudget, KubeError, type Service, services } from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { ServiceWriter } from './service-writer.ts';

const POOLS = configOf({ lan: { addresses: ['203.0.113.40/32'] } });
const VIP = '203.0.113.40';

const decisionFor = (name: string, sketch: ServiceSketch = {}): Decision =>
  allocatorOf(POOLS).decide(requestOf(name, sketch), 0);

describe('ServiceWriter', () => {
  const { signal } = new AbortController();
  let api: FakeApi;
  let patches: ServicePatch[];
  let events: string[];
  let news: string[];
  /** What the next patch ends with: an error, or the milliseconds for which it has to wait. */
  let next: KubeError | number;
  let writer: ServiceWriter;

  beforeEach(() => {
    const clock = new FakeClock();
    api = new FakeApi();
    [patches, events, news, next] = [[], [], [], 0];
    writer = new ServiceWriter({
      ...{ api, clock, budget: new ApiBudget({ clock }), finalizer: true, classRule: loadBalancerClassRule() },
      patcher: {
        patch: async (_service, patch) => {
          if (typeof next !== 'number') throw next;
          if (next === 0) patches.push(patch);
          return next;
        },
      },
      events: { record: (_service, { type, reason }) => events.push(`${type} ${reason}`) },
      announced: () => undefined,
    });
    writer.waits.subscribe((key, waitMs) => news.push(`${key} waits ${waitMs}`));
    writer.reads.subscribe(({ metadata }) => news.push(`read ${metadata.name}`));
  });

  const assign = (service: Service, decision: Decision, left?: 'left out') =>
    writer.write({ kind: 'assign', service, decision }, { signal, ...(left && { events: left }) });
  const web = (sketch: ServiceSketch = {}) => serviceOf('web', sketch) as Service;

  it('writes address, finalizer and condition in one patch, then the Event', async () => {
    expect(await assign(web(), decisionFor('web'))).to.deep.equal({ kind: 'success' });
    expect(patches).to.have.length(1);
    const [patch] = patches;
    expect(patch?.metadata.finalizers).to.deep.equal([FINALIZER]);
    expect(patch?.status?.loadBalancer?.ingress).to.deep.equal([{ ip: VIP, ipMode: 'VIP' }]);
    expect(patch?.status?.conditions?.map(({ type }) => type)).to.include('berth.dev/AddressAssigned');
    expect(events).to.deep.equal(['Normal IPAllocated']);
  });

  it('leaves the Events out where it is asked to', async () => {
    await assign(web(), decisionFor('web'), 'left out');
    expect([patches.length, events]).to.deep.equal([1, []]);
  });

  it('makes no call for a Service that has all of it, is gone, or is not known to want anything', async () => {
    await assign(web(), decisionFor('web'));
    const [patch] = patches;
    const metadata = { ...web().metadata, ...patch?.metadata };
    const complete = { ...web(), metadata, status: patch?.status } as unknown as Service;
    await assign(complete, decisionFor('web'));
    await writer.write({ kind: 'gone' }, { signal });
    await writer.write({ kind: 'wait' }, { signal });
    expect(patches).to.have.length(1);
  });

  it('takes what Berth gave from a Service that leaves', async () => {
    const service = web({ shown: [VIP], given: [VIP] });
    await writer.write({ kind: 'remove', service, held: [], isOurs: true }, { signal });
    expect(patches[0]?.status?.loadBalancer?.ingress).to.equal(null);
  });

  it('says after which time a Service may be written again, and records no Event before', async () => {
    next = 10_000;
    await assign(web(), decisionFor('web'));
    expect([news, events]).to.deep.equal([['shop/web waits 10000'], []]);
  });

  it('reads the Service anew after a conflict', async () => {
    await api.create(services, web());
    next = new KubeError('conflict', 'patch service: 409', { status: 409 });
    const { kind } = await assign(web(), decisionFor('web'));
    expect([kind, news]).to.deep.equal(['changed', ['read web']]);
  });

  it('records an Event for a write that the API server refuses', async () => {
    next = new KubeError('forbidden', 'patch service: 403', { status: 403 });
    expect((await assign(web(), decisionFor('web'))).kind).to.equal('error');
    expect(events).to.deep.equal(['Warning UpdateFailed']);
  });
});
