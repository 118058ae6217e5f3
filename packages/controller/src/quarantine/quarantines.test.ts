// SPDX-License-Identifier: Apache-2.0
import {
  type AddressConflict,
  type KubeCondition,
  MacAddress,
  type NodeReport,
  type NodeState,
  QUARANTINE_MS,
  readServiceRequest,
  usageCondition,
} from '@berth/core';
import { allocatorOf, configOf, give, ip, serviceOf } from '@berth/core/testing';
import { type Service, Store } from '@berth/kube';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import type { NodeStateChange } from '../cluster/node-states.ts';
import { describeIsolated, Quarantines } from './quarantines.ts';

const NOW_MS = Date.parse('2026-01-01T00:00:00Z');
const MAC = MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, 1)) ?? MacAddress.ZERO;
const OWN_MAC = MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, 2)) ?? MacAddress.ZERO;

const conflict = (vip: string, more: Partial<AddressConflict> = {}): AddressConflict => ({
  ...{ vip: ip(vip), interface: 'eth0', mac: MAC, sinceSeconds: 1, kind: 'before-use' },
  ...more,
});

/** The nodes' reports as a test tells them. */
class Nodes {
  readonly reports = new Map<string, NodeReport>();
  #listener: (change: NodeStateChange) => void = () => {};

  subscribe(listener: (change: NodeStateChange) => void): () => void {
    this.#listener = listener;
    return () => {};
  }

  /** `mac` is that of its one segment. */
  say(
    node: string,
    conflicts: readonly AddressConflict[],
    {
      freshness = 'fresh',
      mac = OWN_MAC,
    }: { readonly freshness?: NodeReport['freshness']; readonly mac?: MacAddress } = {},
  ): void {
    const before = this.reports.get(node);
    const segments = [{ interface: 'eth0', mac, phase: 'active', members: [] }];
    const after = { node, state: { conflicts, segments } as unknown as NodeState, problem: undefined, freshness };
    this.reports.set(node, after);
    this.#listener({ node, before, after });
  }
}

describe('Quarantines', () => {
  const nodes = new Nodes();
  let clock: FakeClock;
  let services: Store<Service>;
  let quarantines: Quarantines;
  let allocator: ReturnType<typeof allocatorOf>;
  let told: string[];
  let dues: number;

  beforeEach(() => {
    nodes.reports.clear();
    clock = new FakeClock();
    services = new Store<Service>();
    allocator = allocatorOf(configOf({ lan: { addresses: ['203.0.113.40-203.0.113.43'] } }));
    [told, dues] = [[], 0];
    quarantines = new Quarantines({
      clock,
      view: { services, nodeStates: nodes } as unknown as ConstructorParameters<typeof Quarantines>[0]['view'],
    });
    quarantines.due.subscribe(() => {
      dues += 1;
    });
    quarantines.news.subscribe(({ isolated, ended }) => {
      told.push(...isolated.map(describeIsolated), ...ended.map((address) => `${address} over`));
    });
    quarantines.start();
  });

  afterEach(() => quarantines.stop());

  /** One batch: what the quarantines do becomes durable. */
  const batch = (): readonly string[] => {
    const moving = quarantines.apply(allocator, NOW_MS);
    allocator.commit(allocator.writes().map((_, index) => String(index)));
    quarantines.committed(allocator);
    return moving;
  };
  const inIt = () => allocator.table.quarantined().map(({ address }) => String(address));
  /** A Service to which Berth gave an address; it is not announced yet unless the conditions say so. */
  const hold = (name: string, said: readonly object[] = []) => {
    const shown = [String(give(allocator, { [name]: {} })[name])];
    const given = usageCondition({ loadBalancerClass: 'berth.dev/l2', given: shown.map(ip), used: [] });
    const conditions = said.length > 0 ? said : [given];
    const service = serviceOf(name, { shown }) as unknown as Service;
    services.upsert({ ...service, status: { ...service.status, conditions } } as Service);
  };

  it('CF-15: calls the address of a node that', () => {
    nodes.say('edge-1', [conflict('203.0.113.41', { mac: OWN_MAC, user: 'node' })]);
    batch();
    expect(told).to.deep.equal(['203.0.113.41 is an address of node edge-1 itself, on eth0']);
  });

  it('GR-07: keeps an address that a node found taken before its first use, and moves who was given it', () => {
    hold('web');
    nodes.say('n1', [conflict('203.0.113.40'), conflict('203.0.113.43')]);
    expect(dues).to.equal(2);
    expect(batch()).to.deep.equal(['shop/web']);
    expect(inIt()).to.deep.equal(['203.0.113.40', '203.0.113.43']);
    expect(told).to.deep.equal([
      '203.0.113.40 is used by 00:00:5e:00:53:01, seen by node n1 on eth0',
      '203.0.113.43 is used by 00:00:5e:00:53:01, seen by node n1 on eth0',
    ]);
    expect(batch()).to.deep.equal([]);
    expect(told).to.have.length(2);
  });

  const announced = (vip: string) => ({
    ...usageCondition({ loadBalancerClass: 'berth.dev/l2', given: [ip(vip)], used: [ip(vip)] }),
    lastTransitionTime: '2026-01-01T00:00:00Z',
  });
  const assigned = (at: string) => ({ type: 'berth.dev/AddressAssigned', status: 'True', lastTransitionTime: at });
  const spared = [
    { name: 'an address in use', conflicts: [conflict('203.0.113.40', { kind: 'in-use' })], conditions: [] },
    {
      name: 'a Service that is announced with it',
      conflicts: [conflict('203.0.113.40')],
      conditions: [announced('203.0.113.40')],
    },
    {
      name: 'a Service that has had its address for long',
      conflicts: [conflict('203.0.113.40')],
      conditions: [assigned('2025-12-31T00:00:00Z')],
    },
    { name: 'an address of no pool', conflicts: [conflict('192.0.2.1')], conditions: [] },
  ];
  for (const { name, conflicts, conditions } of spared) {
    it(`GR-07: leaves ${name} alone`, () => {
      hold('web', conditions);
      nodes.say('n1', conflicts);
      expect([batch(), inIt(), told]).to.deep.equal([[], [], []]);
    });
  }

  it('GR-07: moves a Service from a later address that was not announced yet', () => {
    hold('web', [assigned('2025-12-31T23:59:00Z'), announced('203.0.113.43')]);
    nodes.say('n1', [conflict('203.0.113.40')]);
    expect([batch(), inIt()]).to.deep.equal([['shop/web'], ['203.0.113.40']]);
  });

  const quarantine = () =>
    allocator.quarantine(ip('203.0.113.40'), { mac: MAC, node: 'n1', interface: 'eth0', sinceMs: 0 });

  for (const { name, conditions, stays } of [
    {
      name: 'ends a quarantine whose holder was announced with the address',
      conditions: [announced('203.0.113.40')],
      stays: [],
    },
    {
      name: 'keeps a quarantine whose holder was announced with another address',
      conditions: [assigned('2025-12-31T23:59:00Z'), announced('203.0.113.43')],
      stays: ['203.0.113.40'],
    },
  ]) {
    it(`GR-07: a leader that is new ${name}`, () => {
      hold('web', conditions);
      quarantine();
      nodes.say('n1', [conflict('203.0.113.40')]);
      batch();
      expect(batch()).to.deep.equal([]);
      expect(inIt()).to.deep.equal(stays);
      expect(told).to.deep.equal(stays.length === 0 ? ['203.0.113.40 over'] : []);
    });
  }

  it('GR-07: leaves a live Service its address where an old ledger has it in quarantine and the Service without one', () => {
    quarantine();
    batch();
    const web = serviceOf('web', { shown: ['203.0.113.40'] });
    const conditions = [announced('203.0.113.40')] as unknown as readonly KubeCondition[];
    services.upsert({ ...web, status: { ...web.status, conditions } } as unknown as Service);
    const request = readServiceRequest(web);
    if (request === undefined) throw new Error('no request');
    const adoption = { requests: [request], departing: [], nowMs: NOW_MS };
    expect(allocator.adopt({ ...adoption, wasAnnounced: () => true }).adopted).to.deep.equal(['shop/web']);
    quarantines.apply(allocator, NOW_MS);
    const { addresses } = allocator.decide(request, NOW_MS);
    expect(addresses.map(({ address }) => String(address))).to.deep.equal(['203.0.113.40']);
    expect(inIt()).to.deep.equal([]);
  });

  it('believes only who was heard since it began to watch', () => {
    nodes.say('n1', [conflict('203.0.113.40')], { freshness: 'unproven' });
    batch();
    expect(inIt()).to.deep.equal([]);
    nodes.say('n1', [conflict('203.0.113.40')]);
    batch();
    expect(inIt()).to.deep.equal(['203.0.113.40']);
  });

  it('takes no node for a stranger, except by its own word', () => {
    nodes.say('n2', [], { mac: MAC });
    nodes.say('n1', [conflict('203.0.113.40')]);
    batch();
    expect(inIt()).to.deep.equal([]);
    nodes.say('n2', [conflict('203.0.113.41')], { mac: MAC });
    batch();
    expect(inIt()).to.deep.equal(['203.0.113.41']);
  });

  it('GR-07: ends a quarantine some time after the last report, and not before', async () => {
    nodes.say('n1', [conflict('203.0.113.40')]);
    nodes.say('n2', [conflict('203.0.113.40')]);
    batch();
    await clock.advance(3 * QUARANTINE_MS);
    nodes.say('n1', []);
    batch();
    await clock.advance(3 * QUARANTINE_MS);
    batch();
    nodes.say('n2', []);
    batch();
    const before = dues;
    await clock.advance(QUARANTINE_MS - 1);
    batch();
    expect(inIt()).to.deep.equal(['203.0.113.40']);
    expect(dues).to.be.greaterThan(before);
    await clock.advance(1);
    batch();
    expect([inIt(), told.at(-1)]).to.deep.equal([[], '203.0.113.40 over']);
  });

  it('gives a leader that is new to a quarantine the whole time', async () => {
    quarantine();
    batch();
    await clock.advance(QUARANTINE_MS - 1);
    batch();
    expect(inIt()).to.have.length(1);
    await clock.advance(1);
    batch();
    expect(inIt()).to.deep.equal([]);
  });

  it('ends a quarantine with its pool', () => {
    nodes.say('n1', [conflict('203.0.113.40')]);
    batch();
    allocator.setSurroundings({ config: configOf({ lan: { addresses: ['203.0.113.42/32'] } }), namespaces: new Map() });
    batch();
    expect(inIt()).to.deep.equal([]);
  });

  it('GR-07: heeds a release by somebody until a node finds the address taken anew', () => {
    nodes.say('n1', [conflict('203.0.113.40')]);
    batch();
    allocator.endQuarantine(ip('203.0.113.40'));
    batch();
    nodes.say('n2', []);
    batch();
    expect(inIt()).to.deep.equal([]);
    nodes.say('n1', [conflict('203.0.113.40', { sinceSeconds: 90 })]);
    batch();
    expect(inIt()).to.deep.equal(['203.0.113.40']);
  });
});
