// SPDX-License-Identifier: Apache-2.0
import {
  announcedConditionOf,
  CONDITION_ANNOUNCED,
  CONDITION_GIVEN,
  CONDITION_REACHABLE,
  encodeNodeState,
  type KubeCondition,
  loadBalancerClassRule,
  MacAddress,
  NODE_STATE_ANNOTATION,
  NODE_STATE_LABEL,
  type NodeState,
  parsePoolConfig,
  reachableConditionOf,
  usageCondition,
  usageOf,
} from '@berth/core';
import { IDLE_NODE_STATE, ip } from '@berth/core/testing';
import { ApiBudget, type EventNote, leases, type Service, services } from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { ClusterView } from '../cluster/cluster-view.ts';
import { StatusPatcher } from '../cluster/status-patcher.ts';
import { Announcements } from './announcements.ts';

const NAMESPACE = 'berth-system';

describe('Announcements', () => {
  let api: FakeApi;
  let clock: FakeClock;
  let view: ClusterView;
  let notes: EventNote[];
  /** How often the address of a Service was looked at. */
  let looks: number;
  let announcements: Announcements;

  beforeEach(async () => {
    api = new FakeApi();
    clock = new FakeClock();
    notes = [];
    looks = 0;
    await addService('web', '192.0.2.7');
    view = new ClusterView({ api, clock, namespace: NAMESPACE });
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
    expect(notes.map(({ reason }) => reason)).to.deep.equal(['NotAnnounced']);
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
      await forge((one) => [one.type === CONDITION_GIVEN ? one : { ...one, ...forged }]);
      await clock.advance(15_000);
      expect(condition()).to.deep.equal(told);
    }
  });

  it('ST-09: puts a mark of somebody else about reachability right without other news', async () => {
    const sayBoth = async (seconds: number) => {
      await say('edge-1', { ...owning('edge-2', ['192.0.2.7', 1]), testedSeconds: seconds });
      await say('edge-2', { ...owning('edge-1'), testedSeconds: seconds });
    };
    await sayBoth(20);
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
      // The same again, with growing delays.
      for (let renewal = 0; renewal < 6; renewal++) {
        await sayBoth(30 + renewal);
        await clock.advance(10_000);
      }
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
    expect(announcements.findingFor(service, [ip('192.0.2.9')])).to.include({ status: 'False', reason: 'NotHeard' });
    expect(announcements.findingFor(service, [])).to.equal(undefined);
  });

  it('FA-01: notes in the fact that the address was announced, in the same patch', async () => {
    await say('edge-1', owning('edge-2', ['192.0.2.7', 1]));
    await begin();
    expect(usageOf(web())?.used.map(String)).to.deep.equal(['192.0.2.7']);
    expect(patches()).to.equal(1);
  });

  it('FA-02: says nothing on a Service that shows what Berth did not give', async () => {
    await api.patch(services, at('web'), { type: 'merge', body: { status: { conditions: null } } });
    await clock.advance(0);
    const before = patches();
    await say('edge-1', owning('edge-2', ['192.0.2.7', 1]));
    await begin();
    expect([condition(), patches()]).to.deep.equal([undefined, before]);
  });

  it('FA-07: what somebody else takes away again and again is said with growing delays', async () => {
    await say('edge-1', owning('edge-2', ['192.0.2.7', 1]));
    await begin();
    const before = patches();
    for (let round = 0; round < 100; round++) {
      await forge((one) => (one.type === CONDITION_ANNOUNCED ? [] : [one]));
      await clock.advance(100);
    }
    // 100 of the other one, and of ours one at most in ten seconds.
    expect(patches() - before).to.be.within(101, 102);
  });

  it('looks at thousands that nobody announces the more rarely the more they are', async () => {
    for (let index = 0; index < 1_999; index++) await addService(`s${index}`, `192.0.2.${index % 200}`);
    await clock.advance(0);
    await begin();
    // What they say is settled by then.
    await say('edge-1', owning('edge-2', ['198.51.100.9', 1]));
    await clock.advance(20_000);
    expect([...announcements.silent.counts().values()]).to.deep.equal([2_000]);
    const before = looks;
    for (let second = 0; second < 8; second++) {
      await say('edge-1', owning('edge-2', ['198.51.100.9', second + 2]));
      await clock.advance(1_000);
    }
    // Twice for what they say, and some for a test that they wait for; each second would be eight times.
    expect(looks - before).to.be.within(2_000, 7_000);
  });

  it('counts who is not announced, by reason', async () => {
    await begin();
    expect(announcements.silent.counts()).to.deep.equal(new Map([['NotHeard', 1]]));
    await api.delete(services, at('web'));
    await clock.advance(0);
    expect(announcements.silent.counts().size).to.equal(0);
  });

  async function begin(): Promise<void> {
    announcements.start();
    await clock.advance(0);
  }

  function newAnnouncements(): Announcements {
    const pools = parsePoolConfig({ 'pools.yaml': POOLS });
    if (!pools.ok) throw new Error('pools');
    const patcher = new StatusPatcher({ api, clock, budget: new ApiBudget({ clock }) });
    patcher.patches.subscribe((patched) => view.learn(patched));
    return new Announcements({
      ...{ clock, view, patcher },
      events: { record: (_, note) => notes.push(note) },
      classRule: loadBalancerClassRule('berth.dev/l2'),
      config: () => pools.config,
      nodeWith: () => {
        looks += 1;
        return undefined;
      },
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
    const usage = { loadBalancerClass: 'berth.dev/l2', given: [ip(address)], used: [] };
    const conditions = [{ ...usageCondition(usage), lastTransitionTime: '1970-01-01T00:00:00Z' }];
    const status = { loadBalancer: { ingress: [{ ip: address, ipMode: 'VIP' }] }, conditions };
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
