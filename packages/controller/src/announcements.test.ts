// SPDX-License-Identifier: Apache-2.0
import {
  announcedConditionOf,
  CONDITION_REACHABLE,
  encodeNodeState,
  IpAddress,
  type KubeCondition,
  loadBalancerClassRule,
  MacAddress,
  NODE_STATE_ANNOTATION,
  NODE_STATE_LABEL,
  type NodeState,
  parsePoolConfig,
  reachableConditionOf,
} from '@berth/core';
import { IDLE_NODE_STATE } from '@berth/core/testing';
import { ApiBudget, type EventNote, leases, type Service, services } from '@berth/kube';
import { FakeApi, FakeClock } from '@berth/kube/testing';
import { expect } from 'chai';
import { Announcements } from './announcements.ts';
import { ClusterView } from './cluster-view.ts';

const NAMESPACE = 'berth-system';

describe('Announcements', () => {
  let api: FakeApi;
  let clock: FakeClock;
  let view: ClusterView;
  let notes: EventNote[];
  let announcements: Announcements;

  beforeEach(async () => {
    api = new FakeApi();
    clock = new FakeClock();
    notes = [];
    await addService('web', '192.0.2.7');
    view = new ClusterView({ api, clock, namespace: NAMESPACE, onError: () => {} });
    view.start();
    await clock.advance(0);
    announcements = newAnnouncements();
  });

  afterEach(async () => {
    await announcements.stop();
    await view.stop();
  });

  it('ST-07: names who announces, and follows a failover', async () => {
    await say('edge-1', owning('edge-2', ['192.0.2.7', 1]));
    await begin();
    expect(condition()).to.deep.equal([
      'True',
      'Announced',
      '192.0.2.7 from edge-1 on lan0 since 1970-01-01T00:00:09Z',
    ]);
    // The dead node's last word stays; its successor's term is higher.
    await say('edge-2', owning('edge-1', ['192.0.2.7', 2]));
    expect(condition()?.[2]).to.include('from edge-2');
    expect(patches()).to.equal(2);
  });

  it('ST-07: is False when nobody announces any more, but not during a move', async () => {
    await say('edge-1', owning('edge-2', ['192.0.2.7', 1]));
    await say('edge-2', owning('edge-1'));
    await begin();
    await clock.advance(12_000);
    await say('edge-1', owning('edge-2'));
    await clock.advance(1000);
    await say('edge-2', owning('edge-1', ['192.0.2.7', 2]));
    expect(patches()).to.equal(2);
    await say('edge-2', owning('edge-1'));
    await clock.advance(2900);
    expect(condition()?.[0]).to.equal('True');
    await clock.advance(200);
    expect(condition()?.slice(0, 2)).to.deep.equal(['False', 'NotHeard']);
    expect(notes.map(({ reason }) => reason)).to.deep.equal(['notAnnounced']);
  });

  it('is False once the only node that announced is silent', async () => {
    await say('edge-1', owning('edge-2', ['192.0.2.7', 1]));
    await begin();
    await clock.advance(34_000);
    expect(condition()?.slice(0, 2)).to.deep.equal(['False', 'NotHeard']);
  });

  it('writes nothing when it begins anew and nothing has changed', async () => {
    await addService('idle', '192.0.2.8');
    await say('edge-1', owning('edge-2', ['192.0.2.7', 1]));
    await begin();
    await announcements.stop();
    const before = patches();
    announcements = newAnnouncements();
    await begin();
    await clock.advance(5000);
    expect(patches()).to.equal(before);
  });

  it('takes nothing back before the nodes had the time to be heard', async () => {
    await say('edge-1', owning('edge-2', ['192.0.2.7', 1]));
    await begin();
    await announcements.stop();
    await api.delete(leases, { namespace: NAMESPACE, name: 'node-edge-1' });
    await clock.advance(0);
    announcements = newAnnouncements();
    await begin();
    await clock.advance(11_000);
    expect(condition()?.[0]).to.equal('True');
    await clock.advance(2000);
    expect(condition()?.[0]).to.equal('False');
  });

  it('ST-09: its own mark, coming back with the watch, is no work; a mark of somebody else is put right', async () => {
    await say('edge-1', owning('edge-2', ['192.0.2.7', 1]));
    await begin();
    const before = patches();
    await clock.advance(1000);
    expect(patches()).to.equal(before);
    const told = condition();
    for (const forged of [{ message: 'from nowhere' }, { status: 'False' as const }]) {
      await forge((one) => [{ ...one, ...forged }]);
      await clock.advance(15_000);
      expect(condition()).to.deep.equal(told);
    }
  });

  it('ST-09: puts a mark of somebody else about reachability right without other news', async () => {
    await say('edge-1', { ...owning('edge-2', ['192.0.2.7', 1]), testedSeconds: 20 });
    await say('edge-2', { ...owning('edge-1'), testedSeconds: 20 });
    await begin();
    await clock.advance(15_000);
    const told = reachable();
    expect(told?.slice(0, 2)).to.deep.equal(['True', 'Answered']);
    const before = patches();
    await clock.advance(1000);
    expect(patches()).to.equal(before);
    for (const forged of [{ message: 'from nowhere' }, { status: 'False' as const, reason: 'NoAnswer' }, undefined]) {
      await forge((one) => {
        if (one.type !== CONDITION_REACHABLE) return [one];
        return forged ? [{ ...one, ...forged }] : [];
      });
      await clock.advance(1000);
      expect(reachable()).to.deep.equal(told);
    }
    expect(patches()).to.equal(before + 6);
  });

  it('ST-03: warns once when the policy names an interface that no node has', async () => {
    await say('edge-1', { ...IDLE_NODE_STATE, notAnnounced: [{ vip: ip('192.0.2.7'), why: 'no-interface' }] });
    await begin();
    await clock.advance(20_000);
    expect(condition()?.slice(0, 2)).to.deep.equal(['False', 'NoInterface']);
    await say('edge-2', { ...IDLE_NODE_STATE, notAnnounced: [{ vip: ip('192.0.2.7'), why: 'no-interface' }] });
    await clock.advance(1000);
    expect(condition()?.[2]).to.include('edge-1 edge-2');
    expect(notes.map(({ reason }) => reason)).to.deep.equal(['announceFailed']);
  });

  it('goes with the patch that gives an address', () => {
    const [service] = view.services.values();
    if (!service) throw new Error('no Service');
    expect(announcements.verdictFor(service, [ip('192.0.2.9')])).to.include({ status: 'False', reason: 'NotHeard' });
    expect(announcements.verdictFor(service, [])).to.equal(undefined);
  });

  it('counts who is not announced, by reason', async () => {
    await begin();
    expect(announcements.silent()).to.deep.equal(new Map([['NotHeard', 1]]));
    await api.delete(services, at('web'));
    await clock.advance(0);
    expect(announcements.silent().size).to.equal(0);
  });

  async function begin(): Promise<void> {
    announcements.start();
    await clock.advance(0);
  }

  function newAnnouncements(): Announcements {
    const pools = parsePoolConfig({ 'pools.yaml': POOLS });
    if (!pools.ok) throw new Error('pools');
    return new Announcements({
      ...{ api, clock, view },
      budget: new ApiBudget({ clock }),
      events: { record: (_, note) => notes.push(note) },
      classRule: loadBalancerClassRule('berth.dev/l2'),
      config: () => pools.config,
      onPatch: (patched) => view.learn(patched),
      onFailure: () => {},
    });
  }

  function web(): Service {
    const service = api.all(services).find(({ metadata }) => metadata.name === 'web');
    if (!service) throw new Error('no Service');
    return service;
  }

  function condition(): string[] | undefined {
    return wordsOf(announcedConditionOf(web()));
  }

  function reachable(): string[] | undefined {
    return wordsOf(reachableConditionOf(web()));
  }

  /** Changes each condition, as somebody else's hand. */
  async function forge(change: (one: KubeCondition) => readonly KubeCondition[]): Promise<void> {
    const conditions = web().status?.conditions?.flatMap(change);
    await api.patch(services, at('web'), { type: 'merge', body: { status: { conditions } } });
  }

  function patches(): number {
    return api.calls.filter(({ verb, kind }) => verb === 'patch' && kind === 'Service').length;
  }

  async function addService(name: string, address: string): Promise<void> {
    const spec: Service['spec'] = { type: 'LoadBalancer' };
    const status = { loadBalancer: { ingress: [{ ip: address, ipMode: 'VIP' }] } };
    await api.create(services, { metadata: at(name), spec, status });
  }

  async function say(node: string, state: NodeState): Promise<void> {
    const metadata = {
      ...{ namespace: NAMESPACE, name: `node-${node}` },
      labels: { [NODE_STATE_LABEL]: node },
      annotations: { [NODE_STATE_ANNOTATION]: encodeNodeState(state) },
    };
    const isKnown = api.all(leases).some(({ metadata: { name } }) => name === metadata.name);
    if (isKnown) await api.patch(leases, metadata, { type: 'merge', body: { metadata } });
    else await api.create(leases, { metadata, spec: { holderIdentity: node } });
    await clock.advance(0);
  }
});

const POOLS = `
apiVersion: berth.dev/v1
kind: IPAddressPool
metadata: { name: lan }
spec: { addresses: [192.0.2.0/28] }
`;

function wordsOf(present: KubeCondition | undefined): string[] | undefined {
  return present && [present.status, present.reason, present.message];
}

function at(name: string) {
  return { namespace: 'shop', name };
}

function owning(peer: string, ...vips: readonly (readonly [string, number])[]): NodeState {
  const members = [{ node: peer, hearing: 'both' as const }];
  const owned = vips.map(([vip, term]) => ({
    ...{ vip: ip(vip), interface: 'lan0', term, sinceSeconds: 9, why: 'new' as const },
  }));
  return {
    ...IDLE_NODE_STATE,
    owned,
    segments: [{ interface: 'lan0', mac: MacAddress.ZERO, phase: 'active', members }],
  };
}

function ip(text: string): IpAddress {
  const address = IpAddress.parse(text);
  if (!address.ok) throw new Error(address.reason);
  return address.value;
}
