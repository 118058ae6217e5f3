// SPDX-License-Identifier: Apache-2.0
import { loadBalancerClassRule } from '@berth/core';
import { type Service, Store } from '@berth/kube';
import { FakeClock, RecordingLog } from '@berth/runtime/testing';
import { expect } from 'chai';
import type { MetallbSource } from '../pools/metallb-source.ts';
import { NO_POOLS } from '../pools/pool-source.ts';
import type { ServiceTask } from './round.ts';
import type { WriteOptions } from './service-writer.ts';
import { Unconfigured } from './unconfigured.ts';

function service(name: string, changes: Partial<Service> = {}): Service {
  return { metadata: { namespace: 'shop', name }, spec: { type: 'LoadBalancer' }, ...changes };
}

function world(report: 'Unknown' | 'Invalid' = 'Unknown', objects: MetallbSource = { kind: 'unread', why: 'NoCrds' }) {
  const clock = new FakeClock();
  const services = new Store<Service>();
  const told: string[] = [];
  const log = new RecordingLog();
  const writes: WriteOptions[] = [];
  const unconfigured = new Unconfigured({
    ...{
      view: { services, metallb: { current: objects } },
      ...{ clock, log },
      classRule: loadBalancerClassRule(),
      namespace: 'berth-system',
    },
    pools: () => ({ ...NO_POOLS, report }),
    write: async (task: ServiceTask, how: WriteOptions) => {
      if (task.kind !== 'assign') throw new Error(task.kind);
      writes.push(how);
      told.push(`${task.service.metadata.name} ${task.decision.condition.reason}: ${task.decision.condition.message}`);
    },
  });
  return { clock, services, told, log, writes, unconfigured };
}

describe('without any pool configuration', () => {
  it('FA-08: a pending Service of ours says under which name it is looked for, after a moment', async () => {
    const { clock, services, told, unconfigured } = world();
    services.upsert(service('early'));
    unconfigured.start();
    services.upsert(service('late'));
    await clock.advance(4_999);
    expect(told).to.deep.equal([]);
    await clock.advance(1);
    const message =
      'NoConfiguration: there is no pool configuration: ConfigMap berth-system/ip-address-pools is looked for';
    expect(told).to.deep.equal([`early ${message}`, `late ${message}`]);
  });

  it('FA-08: nothing is written on Services that somebody serves, of another class, going, or no LoadBalancers', async () => {
    const { clock, services, told, unconfigured } = world();
    services.upsert(service('served', { status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } }));
    services.upsert(service('other', { spec: { type: 'LoadBalancer', loadBalancerClass: 'acme.example/lb' } }));
    services.upsert(service('inner', { spec: { type: 'ClusterIP' } }));
    services.upsert(service('going', { metadata: { namespace: 'shop', name: 'going', deletionTimestamp: 'now' } }));
    services.upsert(service('soon'));
    unconfigured.start();
    await clock.advance(1_000);
    const metadata = { namespace: 'shop', name: 'soon', resourceVersion: '2' };
    services.upsert(service('soon', { metadata, status: { loadBalancer: { ingress: [{ hostname: 'lb.example' }] } } }));
    await clock.advance(60_000);
    expect(told).to.deep.equal([]);
  });

  it('FA-08: says where a refused configuration is explained, and nothing any more once there is one', async () => {
    const { clock, services, told, unconfigured } = world('Invalid');
    services.upsert(service('web'));
    unconfigured.start();
    await clock.advance(5_000);
    expect(told).to.have.length(1);
    expect(told[0]).to.include('is refused');
    services.upsert(service('more'));
    unconfigured.stop();
    await clock.advance(60_000);
    expect(told).to.have.length(1);
  });

  it("MB-06: says that objects of MetalLB are not read while MetalLB's controller is at work", async () => {
    const { clock, services, told, unconfigured } = world('Unknown', { kind: 'unread', why: 'MetallbRuns' });
    services.upsert(service('web'));
    unconfigured.start();
    await clock.advance(5_000);
    expect(told.join()).to.include("not read while MetalLB's controller is at work");
    unconfigured.stop();
  });

  it('BU-01: of thousands each has its condition, the first ones an Event, and later one now and then', async () => {
    const { clock, services, told, log, writes, unconfigured } = world();
    const events = () => writes.filter(({ events }) => events === 'recorded').length;
    unconfigured.start();
    for (let index = 0; index < 5_000; index++) services.upsert(service(`web-${index}`));
    await clock.advance(5_000);
    expect(told).to.have.length(5_000);
    const first = events();
    expect(first).to.be.within(20, 21);
    expect(log.lines).to.deep.equal([
      'warn many Services wait for a pool configuration: not each of them has an Event',
    ]);
    expect(log.fields).to.deep.equal([{ waiting: 5_000 }]);
    services.upsert(service('next'));
    await clock.advance(10_000);
    expect(told).to.have.length(5_001);
    expect(events()).to.equal(first + 1);
    unconfigured.stop();
  });

  it('BU-01: what is not written yet when there is a configuration is left', async () => {
    const { clock, services, writes, unconfigured } = world();
    services.upsert(service('web'));
    unconfigured.start();
    await clock.advance(5_000);
    expect(writes.map(({ signal }) => signal.aborted)).to.deep.equal([false]);
    unconfigured.stop();
    expect(writes.map(({ signal }) => signal.aborted)).to.deep.equal([true]);
  });
});
