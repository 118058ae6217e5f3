// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { Allocator } from '../ipam/allocator.ts';
import type { Decision } from '../ipam/decision.ts';
import { configOf, DUAL, type ServiceSketch, serviceOf } from '../ipam/testing/builders.ts';
import { FakeApiServer } from '../ipam/testing/world.ts';
import { ip } from '../net/testing.ts';
import type { KubeService } from '../service/kube-service.ts';
import { loadBalancerClassRule } from '../service/load-balancer-class.ts';
import { readServiceRequest } from '../service/service-request.ts';
import { usageCondition, usageOf } from '../service/usage.ts';
import { decisionEvents } from './decision-events.ts';
import { removalPatch } from './removal-patch.ts';
import { FINALIZER } from './service-patch.ts';
import { statusPatch } from './service-status.ts';

const LAN = configOf({ lan: { addresses: ['203.0.113.40-203.0.113.41'] } });
const RULE = loadBalancerClassRule();
const OPTIONS = { nowMs: 0, finalizer: true, loadBalancerClass: 'berth.dev/l2' };

function decide(service: KubeService, allocator = new Allocator({ config: LAN, namespaces: new Map() })): Decision {
  const request = readServiceRequest(service);
  if (request === undefined) throw new Error('no request');
  return allocator.decide(request, 0);
}

/** The Service after its decision was written, as the API server gives it back. */
function assigned(sketch: ServiceSketch = {}): { service: KubeService; decision: Decision } {
  const server = new FakeApiServer();
  server.put(serviceOf('a', sketch));
  const before = server.services.get('shop/a') ?? {};
  const decision = decide(before);
  const patch = statusPatch(before, decision, OPTIONS);
  if (patch !== undefined) server.patchService('shop/a', patch);
  return { service: server.services.get('shop/a') ?? {}, decision };
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(frozen);
  return Object.freeze(value);
}

describe('statusPatch', () => {
  it('gives finalizer, address, condition and pool mark in one patch that names the resourceVersion', () => {
    const service = serviceOf('a');
    expect(statusPatch(service, decide(service), OPTIONS)).to.deep.equal({
      metadata: {
        resourceVersion: '1',
        finalizers: [FINALIZER],
        annotations: { 'berth.dev/ip-allocated-from-pool': 'lan' },
      },
      status: {
        loadBalancer: { ingress: [{ ip: '203.0.113.40', ipMode: 'VIP' }] },
        conditions: [
          {
            type: 'berth.dev/AddressAssigned',
            status: 'True',
            reason: 'Assigned',
            message: '203.0.113.40 from pool lan',
            lastTransitionTime: '1970-01-01T00:00:00.000Z',
          },
          {
            type: 'berth.dev/Given',
            status: 'True',
            reason: 'Given',
            message: '{"class":"berth.dev/l2","given":["203.0.113.40"],"used":[]}',
            lastTransitionTime: '1970-01-01T00:00:00.000Z',
          },
        ],
      },
    });
  });

  it('dates the condition of an address that somebody else gave by the age of the Service', () => {
    const service: KubeService = {
      ...serviceOf('a'),
      metadata: { ...serviceOf('a').metadata, creationTimestamp: '2026-01-02T03:04:05Z' },
      status: { loadBalancer: { ingress: [{ ip: '203.0.113.40', ipMode: 'VIP' }] } },
    };
    const conditions = statusPatch(service, decide(service), { ...OPTIONS, nowMs: Date.UTC(2026, 10, 24) })?.status
      ?.conditions;
    expect(conditions?.[0]?.lastTransitionTime).to.equal('2026-01-02T03:04:05.000Z');
  });

  it('LC-11: nothing to do gives no patch', () => {
    const { service, decision } = assigned();
    expect(statusPatch(service, decision, OPTIONS)).to.equal(undefined);
  });

  it('LC-11: an API server that drops ipMode is no reason to write again', () => {
    const { service, decision } = assigned();
    const old = { ...service, status: { ...service.status, loadBalancer: { ingress: [{ ip: '203.0.113.40' }] } } };
    expect(statusPatch(old, decision, OPTIONS)).to.equal(undefined);
  });

  it('LC-11: a finalizer that is there is not added, and none is added where the flag says so', () => {
    const service = serviceOf('a');
    const own = { ...service, metadata: { ...service.metadata, finalizers: ['x.example/y', FINALIZER] } };
    expect(statusPatch(own, decide(own), OPTIONS)?.metadata).to.not.have.property('finalizers');
    expect(statusPatch(service, decide(service), { ...OPTIONS, finalizer: false })?.metadata).to.not.have.property(
      'finalizers',
    );
  });

  it('keeps finalizers and conditions of others', () => {
    const service = serviceOf('a');
    const other = {
      type: 'x.example/Ready',
      status: 'True',
      reason: 'Yes',
      message: '',
      lastTransitionTime: '',
    } as const;
    const shared = {
      ...service,
      metadata: { ...service.metadata, finalizers: ['x.example/y'] },
      status: { conditions: [other] },
    };
    const patch = statusPatch(shared, decide(shared), OPTIONS);
    expect(patch?.metadata.finalizers).to.deep.equal(['x.example/y', FINALIZER]);
    expect(patch?.status?.conditions?.[0]).to.deep.equal(other);
  });

  it('FA-03: a hostname that somebody else gave stays, beside whatever address', () => {
    const service = {
      ...serviceOf('a'),
      status: { loadBalancer: { ingress: [{ hostname: 'lb.example' }, { ip: '203.0.113.40' }] } },
    };
    const patch = statusPatch(service, decide(service), OPTIONS);
    expect(patch?.status).to.not.have.property('loadBalancer');
    expect(patch?.metadata).to.not.have.property('finalizers');
  });

  it('replaces a hostname and foreign addresses beside what Berth gave by exactly our entries', () => {
    const given = serviceOf('a', { given: ['203.0.113.40'] });
    const ingress = [{ hostname: 'lb.example' }, { ip: '192.0.2.200' }];
    const service = { ...given, status: { ...given.status, loadBalancer: { ingress } } };
    expect(statusPatch(service, decide(service), OPTIONS)?.status?.loadBalancer?.ingress).to.deep.equal([
      { ip: '203.0.113.40', ipMode: 'VIP' },
    ]);
  });

  it('moves the time of the condition when its status changes, and not with its message', () => {
    const { service, decision } = assigned();
    const other = { ...decision, condition: { ...decision.condition, message: 'something else' } };
    const later = { ...OPTIONS, nowMs: 60_000 };
    expect(statusPatch(service, other, later)?.status?.conditions?.[0]?.lastTransitionTime).to.equal(
      '1970-01-01T00:00:00.000Z',
    );
    const failed = { ...decision, condition: { ...decision.condition, status: 'False' as const } };
    expect(statusPatch(service, failed, later)?.status?.conditions?.[0]?.lastTransitionTime).to.equal(
      '1970-01-01T00:01:00.000Z',
    );
  });

  it('GR-07: dates the condition anew when an address joins, not when one goes or when a condition is worded anew', () => {
    const config = configOf({ lan: { addresses: ['203.0.113.40/31', '2001:db8::40/127'] } });
    const allocator = new Allocator({ config, namespaces: new Map() });
    const server = new FakeApiServer();
    const sinceOf = () => server.services.get('shop/a')?.status?.conditions?.[0]?.lastTransitionTime;
    const shownAt = (minute: number, sketch: ServiceSketch) => {
      server.edit('shop/a', (service) => ({ ...service, spec: serviceOf('a', sketch).spec ?? {} }));
      const before = server.services.get('shop/a') ?? {};
      const patch = statusPatch(before, decide(before, allocator), { ...OPTIONS, nowMs: minute * 60_000 });
      if (patch !== undefined) server.patchService('shop/a', patch);
      return [server.services.get('shop/a')?.status?.loadBalancer?.ingress?.length, sinceOf()?.slice(11, 16)];
    };
    server.put(serviceOf('a'));
    const both = { clusterIPs: DUAL, ipFamilyPolicy: 'PreferDualStack' };
    expect(shownAt(1, {})).to.deep.equal([1, '00:01']);
    expect(shownAt(20, both)).to.deep.equal([2, '00:20']);
    allocator.setSurroundings({ config: configOf({}), namespaces: new Map() });
    expect(shownAt(40, both)).to.deep.equal([2, '00:20']);
    expect(shownAt(60, {})).to.deep.equal([1, '00:20']);
  });

  it('GR-07: dates the condition anew when the Service gets another address', () => {
    const { service } = assigned();
    const moved = {
      ...service,
      metadata: { ...service.metadata, annotations: { 'berth.dev/renumber': '203.0.113.40' } },
    };
    const decision = { ...decide(moved), addresses: [{ address: ip('203.0.113.41'), pool: 'lan' }] };
    const condition = { ...decision.condition, message: '203.0.113.41 from pool lan' };
    const patch = statusPatch(moved, { ...decision, condition }, { ...OPTIONS, nowMs: 60_000 });
    expect(patch?.status?.conditions?.[0]?.lastTransitionTime).to.equal('1970-01-01T00:01:00.000Z');
  });

  it('GR-07: dates the condition of an address that somebody else gave by the age of the Service, also where another one joins it', () => {
    const config = configOf({ lan: { addresses: ['203.0.113.40/31', '2001:db8::40/127'] } });
    const allocator = new Allocator({ config, namespaces: new Map() });
    const sketch = { clusterIPs: DUAL, ipFamilyPolicy: 'PreferDualStack', shown: ['203.0.113.40'] };
    const service = serviceOf('a', { ...sketch, creationTimestamp: '2026-01-02T03:04:05Z' });
    const patch = statusPatch(service, decide(service, allocator), { ...OPTIONS, nowMs: Date.UTC(2026, 10, 24) });
    expect(patch?.status?.loadBalancer?.ingress).to.have.length(2);
    expect(patch?.status?.conditions?.[0]?.lastTransitionTime).to.equal('2026-01-02T03:04:05.000Z');
  });

  it('FA-01: an address that is taken over after it was found to be foreign was in use', () => {
    const server = new FakeApiServer();
    server.put(serviceOf('a', { shown: ['203.0.113.50'] }));
    const look = (allocator: Allocator, nowMs: number) => {
      const service = server.services.get('shop/a') ?? {};
      const patch = statusPatch(service, decide(service, allocator), { ...OPTIONS, nowMs });
      if (patch !== undefined) server.patchService('shop/a', patch);
      return usageOf(server.services.get('shop/a') ?? {});
    };
    expect(look(new Allocator({ config: LAN, namespaces: new Map() }), 0)?.given).to.deep.equal([]);
    const wider = configOf({ lan: { addresses: ['203.0.113.40-203.0.113.50'] } });
    const usage = look(new Allocator({ config: wider, namespaces: new Map() }), 60_000);
    expect(usage?.given.map(String)).to.deep.equal(['203.0.113.50']);
    expect(usage?.used.map(String)).to.deep.equal(['203.0.113.50']);
  });

  it('takes the renumber annotation away once it is done', () => {
    const service = serviceOf('a', { annotations: { 'berth.dev/renumber': '203.0.113.99' } });
    expect(statusPatch(service, decide(service), OPTIONS)?.metadata.annotations).to.include({
      'berth.dev/renumber': null,
    });
  });

  it('a mark that a user edits is set right and decides nothing', () => {
    const { service, decision } = assigned();
    const edited = {
      ...service,
      metadata: { ...service.metadata, annotations: { 'berth.dev/ip-allocated-from-pool': 'core' } },
    };
    expect(decide(edited).addresses).to.deep.equal(decision.addresses);
    expect(statusPatch(edited, decision, OPTIONS)?.metadata.annotations).to.deep.equal({
      'berth.dev/ip-allocated-from-pool': 'lan',
    });
  });

  it('LC-20: neither decision nor patch modifies the Service', () => {
    const service = frozen(
      serviceOf('a', {
        annotations: { 'share-key': 'front', 'berth.dev/renumber': '203.0.113.40' },
        shown: ['203.0.113.40'],
      }),
    );
    const decision = decide(service);
    statusPatch(service, decision, OPTIONS);
    decisionEvents(service, decision);
    removalPatch(service, { rule: RULE, isOurs: true });
    expect(Object.isFrozen(service)).to.equal(true);
  });
});

describe('removalPatch', () => {
  it('clears only what the status shows while the ledger still has the address', () => {
    const { service } = assigned();
    expect(removalPatch(service, { rule: RULE, held: [ip('203.0.113.40')] })).to.deep.equal({
      metadata: { resourceVersion: service.metadata?.resourceVersion },
      status: { loadBalancer: { ingress: null } },
    });
  });

  it('then takes finalizer, conditions and marks', () => {
    const { service } = assigned({ annotations: { 'berth.dev/renumber': '' } });
    const cleared = { ...service, status: { ...service.status, loadBalancer: {} } };
    expect(removalPatch(cleared, { rule: RULE })).to.deep.equal({
      metadata: {
        resourceVersion: service.metadata?.resourceVersion,
        finalizers: [],
        annotations: { 'berth.dev/ip-allocated-from-pool': null },
      },
      status: { conditions: [] },
    });
  });

  it('LC-11: a finalizer that is gone already is not taken away', () => {
    expect(removalPatch(serviceOf('a'), { rule: RULE, isOurs: true })).to.equal(undefined);
    expect(removalPatch(serviceOf('a'), { rule: RULE })).to.equal(undefined);
  });

  it('leaves a Service alone that never was ours, whatever its status and finalizers', () => {
    const service = serviceOf('a', { loadBalancerClass: 'acme.example/lb', shown: ['203.0.113.40'] });
    const foreign = { ...service, metadata: { ...service.metadata, finalizers: [FINALIZER] } };
    expect(removalPatch(foreign, { rule: RULE })).to.equal(undefined);
  });

  it('SE-03: a pool mark that a user copied makes nothing ours', () => {
    const annotations = { 'berth.dev/ip-allocated-from-pool': 'lan' };
    const service = serviceOf('a', { loadBalancerClass: 'acme.example/lb', shown: ['203.0.113.40'], annotations });
    const foreign = { ...service, metadata: { ...service.metadata, finalizers: [FINALIZER] } };
    expect(removalPatch(foreign, { rule: RULE })).to.equal(undefined);
  });
});

describe('removal of what is not ours alone', () => {
  const flipped = (given: string[], shown: string[], loadBalancerClass = 'berth.dev/l2'): KubeService => {
    const service = serviceOf('a', { loadBalancerClass: 'acme.example/lb', shown, given });
    const usage = { loadBalancerClass, given: given.map(ip), used: [] };
    const conditions = [{ ...usageCondition(usage), lastTransitionTime: '' }];
    const metadata = { ...service.metadata, finalizers: [FINALIZER] };
    return { ...service, metadata, status: { ...service.status, conditions } };
  };

  const factsOf = (patch: ReturnType<typeof removalPatch>) => patch?.status?.conditions?.map(({ message }) => message);

  it('FA-05: only addresses that Berth gave go, and the finalizer stays where another one is left', () => {
    const patch = removalPatch(flipped(['203.0.113.40'], ['203.0.113.40', '192.0.2.9']), { rule: RULE });
    expect(patch?.status?.loadBalancer).to.deep.equal({ ingress: [{ ip: '192.0.2.9', ipMode: 'VIP' }] });
    expect(factsOf(patch)).to.deep.equal(['{"class":"berth.dev/l2","given":[],"used":[]}']);
    expect(patch?.metadata).to.not.have.property('finalizers');
  });

  it('FA-05: what another product shows after a class flip is not emptied', () => {
    const service = flipped(['203.0.113.40'], ['192.0.2.9']);
    const patch = removalPatch(service, { rule: RULE });
    expect(patch?.status).to.not.have.property('loadBalancer');
    expect(patch?.metadata).to.not.have.property('finalizers');
    const after = { ...service, status: { ...service.status, ...patch?.status } } as KubeService;
    expect(removalPatch(after, { rule: RULE })).to.equal(undefined);
    expect(removalPatch(service, { rule: RULE, isLast: true })?.status).to.deep.equal({ conditions: [] });
  });

  it('FA-05: the finalizer that stayed goes once the other address has gone', () => {
    const gone = flipped([], []);
    expect(removalPatch(gone, { rule: RULE })?.metadata.finalizers).to.deep.equal([]);
  });

  it('FA-05: where no other address is left the finalizer goes', () => {
    const patch = removalPatch(flipped(['203.0.113.40'], []), { rule: RULE });
    expect(patch?.metadata.finalizers).to.deep.equal([]);
  });

  it('FA-06: conditions of another installation are left alone', () => {
    expect(removalPatch(flipped(['192.0.2.9'], ['192.0.2.9'], 'acme.example/lb'), { rule: RULE })).to.equal(undefined);
  });

  it('FA-05: a Service of a version before the fact is known by the ledger until all of it is gone', () => {
    const { conditions: _, ...status } = flipped([], ['203.0.113.40', '192.0.2.9']).status ?? {};
    const old = { ...flipped([], []), status };
    const first = removalPatch(old, { rule: RULE, held: [ip('203.0.113.40')] });
    expect(first?.status?.loadBalancer).to.deep.equal({ ingress: [{ ip: '192.0.2.9', ipMode: 'VIP' }] });
    const after = { ...old, status: { ...status, ...first?.status, loadBalancer: { ingress: [] } } };
    expect(removalPatch(after, { rule: RULE })?.metadata.finalizers).to.deep.equal([]);
  });
});

describe('decisionEvents', () => {
  it('one Normal Event for an address, none when it is shown already', () => {
    const { service, decision } = assigned();
    expect(decisionEvents(serviceOf('a'), decision)).to.deep.equal([
      { type: 'Normal', reason: 'IPAllocated', message: '203.0.113.40 from pool lan' },
    ]);
    expect(decisionEvents(service, decision)).to.deep.equal([]);
  });

  it('one Warning for a refusal, none for the retry', () => {
    const sketch = { annotations: { 'req-ips': '192.0.2.9' } };
    const { service, decision } = assigned(sketch);
    expect(decisionEvents(serviceOf('a', sketch), decision).map(({ reason }) => reason)).to.deep.equal([
      'AllocationFailed',
    ]);
    expect(decisionEvents(service, decision)).to.deep.equal([]);
  });

  it('one Warning that names the oddity where an address is kept that would not be given anew', () => {
    const { service, decision } = assigned();
    const request = readServiceRequest(service);
    const allocator = new Allocator({ config: LAN, namespaces: new Map() });
    if (request === undefined) throw new Error('no request');
    allocator.decide(request, 0);
    allocator.setSurroundings({ config: configOf({}), namespaces: new Map() });
    const kept = allocator.decide(request, 0);
    expect(kept.addresses.map(({ address }) => address)).to.deep.equal(
      decision.addresses.map(({ address }) => address),
    );
    expect(decisionEvents(service, kept).map(({ type, reason }) => `${type} ${reason}`)).to.deep.equal([
      'Warning OutsidePools',
    ]);
  });

  it('an Event when an address is taken away', () => {
    const service = serviceOf('a', { shown: ['192.0.2.200'], given: ['192.0.2.200'] });
    const reasons = decisionEvents(service, decide(service)).map(({ reason }) => reason);
    expect(reasons).to.deep.equal(['ClearAssignment', 'IPAllocated']);
  });
});
