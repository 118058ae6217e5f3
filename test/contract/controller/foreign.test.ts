// SPDX-License-Identifier: Apache-2.0

// Beside other LoadBalancers: what Berth did not give stays as it is, and no one fights.

import { KubeClient, services } from '@berth/kube';
import { systemClock } from '@berth/runtime';
import { expect } from 'chai';
import { conditionOf, FINALIZER, ipsOf, Rig, useRig } from '../support/rig.ts';
import { remains, until } from '../support/until.ts';

const LAN = { lan: { addresses: ['203.0.113.40-203.0.113.49'] } };
const OTHER_CLASS = 'acme.example/lb';

const shown = (...ips: string[]) => ({ loadBalancer: { ingress: ips.map((ip) => ({ ip, ipMode: 'VIP' })) } });

/** Patches of one Service by all controllers of a rig. */
function writesOn(rig: Rig, name: string): number {
  return rig.running.reduce(
    (sum, { observed }) => sum + observed.writes('Service').filter(({ at }) => at.name === name).length,
    0,
  );
}

describe('beside other LoadBalancers', () => {
  const use = useRig();

  it('FA-02: a first start leaves foreign addresses as they are, takes over those of a pool, and tells the ways on', async () => {
    const { rig } = use;
    await rig.service('outside');
    await rig.editStatus('outside', shown('192.0.2.99'));
    await rig.service('named');
    await rig.editStatus('named', { loadBalancer: { ingress: [{ hostname: 'lb.example' }] } });
    await rig.service('inside');
    await rig.editStatus('inside', shown('203.0.113.41'));
    await rig.pools(LAN);
    await rig.start();
    await rig.service('new');
    const outside = await rig.hasReason('outside', 'ForeignAddress', 'False');
    expect(conditionOf(outside)?.message)
      .to.include('192.0.2.99')
      .and.to.include(`kubectl berth adopt ${rig.shop}/outside`);
    expect(outside.metadata.finalizers ?? []).to.deep.equal([]);
    await rig.hasReason('named', 'ForeignAddress', 'False');
    await rig.has('inside', '203.0.113.41');
    await rig.hasReason('inside', 'Assigned', 'True');
    await rig.has('new', '203.0.113.40');
    const [told] = await rig.hasEvents('outside', ['ForeignAddress']);
    expect([told?.type, told?.message?.includes('192.0.2.99')]).to.deep.equal(['Warning', true]);
    await remains(async () => expect(ipsOf(await rig.get('outside'))).to.deep.equal(['192.0.2.99']), 3_000);
    expect([writesOn(rig, 'outside'), writesOn(rig, 'named')]).to.deep.equal([1, 1]);
    await rig.pools({ ...LAN, more: { addresses: ['192.0.2.96/28'] } });
    await rig.hasReason('outside', 'Assigned', 'True');
    expect(ipsOf(await rig.get('outside'))).to.deep.equal(['192.0.2.99']);
  });

  it('FA-04: an annotation takes over what is in no pool, or replaces it, and goes', async () => {
    const { rig } = use;
    for (const name of ['kept', 'replaced']) {
      await rig.service(name);
      await rig.editStatus(name, shown(name === 'kept' ? '192.0.2.98' : '192.0.2.99'));
    }
    await rig.pools(LAN);
    await rig.start();
    for (const name of ['kept', 'replaced']) await rig.hasReason(name, 'ForeignAddress');
    await rig.edit('kept', { metadata: { annotations: { 'berth.dev/adopt': '192.0.2.98' } } });
    await rig.edit('replaced', { metadata: { annotations: { 'berth.dev/renumber': '192.0.2.99' } } });
    await rig.hasReason('kept', 'OutsidePools', 'True');
    await rig.has('kept', '192.0.2.98');
    await rig.has('replaced', '203.0.113.40');
    await rig.ledgerHolds({ '192.0.2.98': 'kept', '203.0.113.40': 'replaced' });
    for (const name of ['kept', 'replaced'])
      await until(async () => {
        const { annotations = {} } = (await rig.get(name)).metadata;
        expect(annotations).to.not.have.any.keys('berth.dev/adopt', 'berth.dev/renumber');
      });
  });

  it('FA-01: a Service of a version before the fact keeps its address and gets the fact, in one write', async () => {
    const { rig } = use;
    const first = await rig.start();
    await rig.pools(LAN);
    await rig.service('web');
    const served = await rig.has('web', '203.0.113.40');
    await rig.stop(first);
    const conditions = served.status?.conditions?.filter(({ type }) => type !== 'berth.dev/Given');
    await rig.editStatus('web', { conditions });
    const second = await rig.start();
    const service = await until(async () => {
      const found = await rig.get('web');
      expect(found.status?.conditions?.map(({ type }) => type)).to.include('berth.dev/Given');
      return found;
    });
    expect(ipsOf(service)).to.deep.equal(['203.0.113.40']);
    expect(second.observed.writes('Service')).to.have.length(1);
    await rig.ledgerHolds({ '203.0.113.40': 'web' });
  });

  it('FA-05: a class flip while Berth is down costs the other product neither address nor finalizer', async () => {
    const { rig } = use;
    const first = await rig.start();
    await rig.pools(LAN);
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    await rig.stop(first);
    await rig.edit('web', { spec: { type: 'ClusterIP', allocateLoadBalancerNodePorts: null } });
    await rig.edit('web', { spec: { type: 'LoadBalancer', loadBalancerClass: OTHER_CLASS } });
    await rig.editStatus('web', shown('192.0.2.99'));
    await rig.start();
    await rig.ledgerHolds({});
    const service = await until(async () => {
      const found = await rig.get('web');
      expect(conditionOf(found)).to.equal(undefined);
      return found;
    });
    expect(ipsOf(service)).to.deep.equal(['192.0.2.99']);
    expect(service.metadata.finalizers).to.deep.equal([FINALIZER]);
    // What remembers that the finalizer was ours.
    expect(service.status?.conditions?.map(({ type }) => type)).to.deep.equal(['berth.dev/Given']);
    await rig.editStatus('web', { loadBalancer: { ingress: null } });
    await until(async () => {
      const { metadata, status } = await rig.get('web');
      expect([metadata.finalizers ?? [], status?.conditions ?? []]).to.deep.equal([[], []]);
    });
  });

  it('FA-06: two installations of different classes leave each other’s Services alone', async () => {
    const { rig } = use;
    const other = await Rig.open();
    try {
      await rig.start();
      await other.start({ loadBalancerClass: OTHER_CLASS });
      await rig.pools(LAN);
      await other.pools({ lan: { addresses: ['198.51.100.40/32'] } });
      await rig.service('ours');
      await rig.service('theirs', { spec: { loadBalancerClass: OTHER_CLASS } });
      await rig.service('pending', { spec: { loadBalancerClass: OTHER_CLASS } });
      await rig.has('ours', '203.0.113.40');
      await rig.has('theirs', '198.51.100.40');
      await rig.hasReason('pending', 'OutOfAddresses');
      await remains(() => {
        expect([writesOn(rig, 'ours'), writesOn(rig, 'theirs'), writesOn(rig, 'pending')]).to.deep.equal([1, 0, 0]);
        expect([writesOn(other, 'ours'), writesOn(other, 'theirs'), writesOn(other, 'pending')]).to.deep.equal([
          0, 1, 1,
        ]);
      }, 5_000);
    } finally {
      await other.close();
    }
  });

  it('FA-07: a second writer of the same status is set right with growing delays, and named', async () => {
    const { rig } = use;
    await rig.start();
    await rig.pools(LAN);
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    const before = writesOn(rig, 'web');
    const endMs = performance.now() + 15_000;
    let fights = 0;
    while (performance.now() < endMs) {
      if (ipsOf(await rig.get('web'))[0] !== '192.0.2.9') {
        await rig.editStatus('web', shown('192.0.2.9'));
        fights += 1;
      }
    }
    expect(fights).to.be.greaterThan(0);
    expect(writesOn(rig, 'web') - before).to.equal(1);
    const told = await until(async () => {
      const all = (await rig.eventsOf('web')).filter(({ reason }) => reason === 'SecondWriter');
      expect(all).to.not.deep.equal([]);
      return all;
    });
    expect(told[0]?.message).to.include('"berth-contract"').and.to.include('192.0.2.9').and.to.include('203.0.113.40');
    // Once the other one has stopped.
    await until(async () => expect(ipsOf(await rig.get('web'))).to.deep.equal(['203.0.113.40']), 30_000);
  }).timeout(60_000);

  it('FA-07: two writers in turn are as one, and both are named', async () => {
    const { rig } = use;
    const { observed } = await rig.start();
    await rig.pools(LAN);
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    let written = 0;
    // Those that come too late, since the others are as fast as they can, write nothing.
    observed.after = ({ verb, kind }) => {
      if (verb === 'patch' && kind === 'Service') written += 1;
    };
    const { access } = rig.cluster;
    const rivals = ['rival-a', 'rival-b'].map((userAgent) => new KubeClient({ clock: systemClock, access, userAgent }));
    const deeds = [shown('192.0.2.9'), { ...shown('192.0.2.10'), conditions: null }];
    // Long enough for a second write, and too short for a third: ten seconds after the first, 20 after the second.
    const endMs = performance.now() + 15_000;
    for (let turn = 0; performance.now() < endMs; turn++) {
      const patch = { type: 'merge', body: { status: deeds[turn % 2] } } as const;
      await rivals[turn % 2]?.patch(services, { namespace: rig.shop, name: 'web' }, patch, { subresource: 'status' });
    }
    for (const rival of rivals) rival.close();
    expect(written).to.be.within(1, 2);
    await until(async () => {
      const told = (await rig.eventsOf('web')).filter(({ reason }) => reason === 'SecondWriter');
      expect(told.map(({ message }) => message).join('\n'))
        .to.match(/"rival-a" \(192\.0\.2\.9\)/)
        .and.match(/"rival-b" \(192\.0\.2\.10\)/);
    });
  }).timeout(60_000);

  it('FA-07: a user who changes the type four times is served each time, and no second writer is told of', async () => {
    const { rig } = use;
    await rig.start();
    await rig.pools(LAN);
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    for (let flip = 0; flip < 4; flip++) {
      await rig.edit('web', { spec: { type: 'ClusterIP', allocateLoadBalancerNodePorts: null } });
      await rig.edit('web', { spec: { type: 'LoadBalancer' } });
      await until(async () => expect(ipsOf(await rig.get('web'))).to.deep.equal(['203.0.113.40']), 5_000);
    }
    expect((await rig.eventsOf('web')).map(({ reason }) => reason)).to.not.include('SecondWriter');
  }).timeout(60_000);

  it('FA-08: without any configuration nothing is written on Services that somebody serves, and pending ones say so', async () => {
    const { rig } = use;
    await rig.service('served');
    await rig.editStatus('served', shown('192.0.2.99'));
    await rig.start();
    await rig.service('pending');
    const pending = await rig.hasReason('pending', 'NoConfiguration', 'False');
    expect(conditionOf(pending)?.message).to.include(`${rig.system}/ip-address-pools`);
    expect(writesOn(rig, 'served')).to.equal(0);
    expect((await rig.get('served')).status?.conditions ?? []).to.deep.equal([]);
    await rig.pools(LAN);
    await rig.has('pending', '203.0.113.40');
  }).timeout(30_000);

  it('FA-09: external IPs of other Services are not given unasked, and refused with the holder’s name', async () => {
    const { rig } = use;
    const spec = { type: 'ClusterIP', allocateLoadBalancerNodePorts: null, externalIPs: ['203.0.113.40'] };
    await rig.service('external', { spec });
    await rig.pools(LAN);
    await rig.start();
    await rig.service('web');
    await rig.has('web', '203.0.113.41');
    await rig.service('asks', { annotations: { 'berth.dev/loadBalancerIPs': '203.0.113.40' } });
    const refused = await rig.hasReason('asks', 'AddressInUse', 'False');
    expect(conditionOf(refused)?.message).to.include(`${rig.shop}/external`);
    await rig.edit('external', { spec: { externalIPs: null } });
    await rig.has('asks', '203.0.113.40');
  });

  it('FA-10: an annotation of another product is named, with what to write', async () => {
    const { rig } = use;
    await rig.start();
    await rig.pools(LAN);
    await rig.service('web', { annotations: { 'lbipam.cilium.io/ips': '203.0.113.45' } });
    const service = await rig.has('web', '203.0.113.40');
    expect(conditionOf(service)?.message).to.include(
      'lbipam.cilium.io/ips is not read, write berth.dev/loadBalancerIPs',
    );
    await rig.hasEvents('web', ['IPAllocated', 'UnreadAnnotation']);
  });
});
