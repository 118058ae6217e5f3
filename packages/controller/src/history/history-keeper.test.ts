// SPDX-License-Identifier: Apache-2.0
import {
  encodeNodeState,
  encodeOrder,
  HISTORY_KEY,
  HISTORY_MAP,
  historyEntries,
  historyIn,
  MacAddress,
  type MoveWhy,
  NODE_STATE_ANNOTATION,
  NODE_STATE_LABEL,
  type NodeState,
  type OwnedState,
} from '@berth/core';
import { IDLE_NODE_STATE, ip } from '@berth/core/testing';
import { configMaps, KubeError, leases, services } from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { ApiOutages } from '../cluster/api-outages.ts';
import { ClusterView } from '../cluster/cluster-view.ts';
import { HistoryKeeper } from './history-keeper.ts';

const NAMESPACE = 'berth-system';
const AT = { namespace: NAMESPACE, name: HISTORY_MAP };

describe('HistoryKeeper', () => {
  let api: FakeApi;
  let clock: FakeClock;
  let view: ClusterView;
  let keepers: HistoryKeeper[];
  let outages: ApiOutages;
  let told: string[];
  let whySilent: MoveWhy | undefined;

  beforeEach(async () => {
    [api, clock, outages, told, keepers, whySilent] = [
      new FakeApi(),
      new FakeClock(),
      new ApiOutages(),
      [],
      [],
      undefined,
    ];
    await addService('web', '192.0.2.7');
    view = new ClusterView({ api, clock, namespace: NAMESPACE });
    view.start();
    await clock.advance(0);
  });

  afterEach(async () => {
    for (const keeper of keepers) await keeper.stop();
    await view.stop();
  });

  it('HI-07: tells of a takeover from whom, why and for how long nobody answered, with the Service', async () => {
    await say('edge-1', owning({ vip: '192.0.2.7' }));
    await begin();
    await say(
      'edge-2',
      owning({ vip: '192.0.2.7', term: 2, since: 40, why: 'orphaned', moved: silentFor('edge-1', 131) }),
    );
    await clock.advance(6000);
    const [first, second] = moves();
    expect(first).to.include({ to: 'edge-1', why: 'new', text: 'edge-1 answers for 192.0.2.7: no one had it before' });
    expect(second).to.deep.include({
      ...{ atMs: 40_000, vip: '192.0.2.7', services: ['shop/web'], interface: 'lan0', from: 'edge-1', to: 'edge-2' },
      ...{ why: 'silent', unansweredMs: 131 },
    });
  });

  it('HI-08: writes a storm of 2,000 takeovers once, and nothing at rest', async () => {
    await begin();
    await clock.advance(10_000);
    const before = writes();
    const vips = Array.from({ length: 2000 }, (_, index) => ({
      vip: vipText(index),
      why: 'orphaned' as const,
      since: 50,
    }));
    await say('edge-1', owning(...vips.slice(0, 1000)));
    await clock.advance(1000);
    await say('edge-2', owning(...vips.slice(1000)));
    await clock.advance(20_000);
    expect(writes() - before).to.equal(1);
    expect(moves().length).to.equal(1000);
    // The nodes are not heard of after that, which is told once.
    await clock.advance(60_000);
    const calls = api.calls.length;
    await clock.advance(3_600_000);
    expect(api.calls.slice(calls).filter(({ verb }) => verb !== 'watch' && verb !== 'list')).to.deep.equal([]);
  });

  it('HI-03: 100,000 changes in an hour do not make it grow, and cost a write every few seconds', async () => {
    await begin();
    const before = writes();
    for (let round = 0; round < 100; round++) {
      const vips = Array.from({ length: 1000 }, (_, index) => ({
        vip: vipText(index),
        since: round * 36,
        term: round + 1,
      }));
      await say('edge-1', owning(...vips));
      await clock.advance(18_000);
      await renew('edge-1');
      await clock.advance(18_000);
    }
    expect(text().length).to.be.below(120_000);
    expect(moves().length).to.equal(1000);
    expect(writes() - before).to.be.within(90, 110);
  });

  it('waits the longer after a write the more it wrote', async () => {
    await begin();
    const vips = Array.from({ length: 1000 }, (_, index) => ({ vip: vipText(index) }));
    await say('edge-1', owning(...vips));
    await clock.advance(6000);
    const [before, restMs] = [writes(), text().length / 4];
    expect(restMs).to.be.within(5000, 12_000);
    await say('edge-1', owning(...vips, { vip: '192.0.2.7', since: 60 }));
    await clock.advance(restMs - 2000);
    expect(writes()).to.equal(before);
    await clock.advance(6000);
    expect(writes()).to.equal(before + 1);
  });

  it('HI-09: a change of leader tells nothing twice, and loses nothing that happened in between', async () => {
    await say('edge-1', owning({ vip: '192.0.2.7', since: 10 }, { vip: '192.0.2.8', since: 10 }));
    const first = await begin();
    await clock.advance(6000);
    await first.stop();
    await say('edge-2', owning({ vip: '192.0.2.7', since: 20, why: 'orphaned', moved: silentFor('edge-1', 140) }));
    await begin('controller-1');
    await clock.advance(6000);
    expect(moves().map(({ vip, to }) => `${vip} ${to}`)).to.deep.equal([
      ...['192.0.2.7 edge-1', '192.0.2.8 edge-1', '192.0.2.7 edge-2'],
    ]);
    expect(texts('leader')).to.deep.equal(['controller-0 leads', 'controller-1 leads']);
  });

  it('HI-09: after a restart of a speaker all that it took is told, although it took as much before', async () => {
    await say('edge-1', owning({ vip: '192.0.2.7', since: 10 }));
    await begin();
    await clock.advance(6000);
    await say('edge-1', { ...owning({ vip: '192.0.2.7', since: 10 }), bootId: 'fedcba9876543210' });
    await clock.advance(10_000);
    expect(moves().length).to.equal(1);
    await say('edge-1', { ...owning({ vip: '192.0.2.7', since: 30 }), bootId: 'fedcba9876543210' });
    await clock.advance(20_000);
    expect(moves().map(({ atMs }) => atMs)).to.deep.equal([10_000, 30_000]);
    expect(texts('speaker')).to.deep.equal(['the speaker of edge-1 started']);
  });

  it('tells that nobody answers any more, and why, once no successor is found', async () => {
    whySilent = 'NoEndpoints';
    await say('edge-1', owning({ vip: '192.0.2.7' }, { vip: '192.0.2.8' }, { vip: '192.0.2.9' }));
    await begin();
    await clock.advance(6000);
    await say('edge-1', owning());
    await say('edge-2', owning({ vip: '192.0.2.9', since: 60, why: 'orphaned', moved: silentFor('edge-1', 1) }));
    await clock.advance(20_000);
    expect(
      moves()
        .filter(({ to }) => to === undefined)
        .map((one) => one.text),
    ).to.deep.equal([
      '192.0.2.7 is answered by no one after edge-1: no node has a usable endpoint',
      '192.0.2.8 is answered by no one after edge-1: no Service has it any more',
    ]);
  });

  it('keeps who answers although its Lease is silent, as long as another node hears it', async () => {
    await say('edge-1', owning({ vip: '192.0.2.7' }));
    await say('edge-2', hearing('edge-1', 'both'));
    await begin();
    for (let waited = 0; waited < 60_000; waited += 10_000) {
      await clock.advance(10_000);
      await renew('edge-2');
    }
    expect(moves().filter(({ to }) => to === undefined)).to.deep.equal([]);
    expect(texts('outage')).to.deep.equal([
      'edge-1 does not reach the API server: its Lease is not renewed, and other nodes hear it',
    ]);
  });

  it('HI-10: tells what a person ordered from what was handed over for balance', async () => {
    await say('edge-1', owning({ vip: '192.0.2.7' }));
    await begin();
    const vip = ip('192.0.2.7');
    const data = { move: encodeOrder({ kind: 'move', id: 'a', vip, node: 'edge-2', atSeconds: 60 }) };
    await api.create(configMaps, { metadata: { namespace: NAMESPACE, name: 'orders' }, data });
    await clock.advance(0);
    await api.replace(configMaps, { metadata: { namespace: NAMESPACE, name: 'orders' }, data: {} });
    const since = Math.floor(clock.date().getTime() / 1000);
    await say(
      'edge-2',
      owning({
        vip: '192.0.2.7',
        since,
        why: 'handed-over',
        moved: { ...silentFor('edge-1', 0), cause: 'handed-over' },
      }),
    );
    await clock.advance(10_000);
    expect(moves().at(-1)?.text).to.equal('edge-2 answers for 192.0.2.7: edge-1 handed it over, as a person wanted');
  });

  it('HI-11: marks conflicts, drains, one-way hearing and silence, when they begin and when they end', async () => {
    await say('edge-1', owning());
    await begin();
    await clock.advance(6000);
    const mac = MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, 9)) ?? MacAddress.ZERO;
    const conflict = { vip: ip('192.0.2.7'), interface: 'lan0', mac, sinceSeconds: 1, kind: 'in-use' as const };
    await say('edge-1', { ...hearing('edge-2', 'one-way'), conflicts: [conflict], ineligible: 'drained' });
    await clock.advance(6000);
    await say('edge-1', owning());
    await clock.advance(6000);
    await clock.advance(40_000);
    await renew('edge-1');
    await clock.advance(20_000);
    const marks = historyEntries(records()).filter(({ kind }) => kind !== 'leader' && kind !== 'moved');
    expect(marks.map((one) => one.text)).to.deep.equal([
      'edge-1 is drained',
      'edge-1 hears edge-2 on lan0, but edge-2 does not hear edge-1',
      '192.0.2.7 is used by 00:00:5e:00:53:09 on lan0, as edge-1 hears',
      'edge-1 is no longer drained',
      'edge-1 and edge-2 hear each other on lan0 again',
      '192.0.2.7: no one else uses it on lan0 any more, as edge-1 hears',
      'nothing is heard of the speaker of edge-1',
      'the speaker of edge-1 is heard of again',
    ]);
  });

  it('HI-12: an outage of the API server is told when it is over, and what happened in it', async () => {
    await say('edge-1', owning({ vip: '192.0.2.7' }));
    const keeper = await begin();
    await clock.advance(6000);
    const away = () => {
      throw new KubeError('network', 'refused');
    };
    api.before = away;
    outages.failed(new KubeError('network', 'refused'), clock.date().getTime(), 1000);
    keeper.outageBegan();
    await clock.advance(20_000);
    outages.failed(new KubeError('network', 'refused'), clock.date().getTime(), 1000);
    api.before = () => {};
    await clock.advance(120_000);
    const marks = historyEntries(records()).filter(({ kind }) => kind === 'outage');
    expect(marks.map(({ state }) => state)).to.deep.equal(['began', 'ended']);
    expect((marks[1]?.atMs ?? 0) - (marks[0]?.atMs ?? 0)).to.be.within(20_000, 21_000);
    expect(told.filter((one) => one.startsWith('failed'))).not.to.deep.equal([]);
  });

  it('HI-04: leaves a ConfigMap alone that is not ours, says so once, and keeps what happens until it is gone', async () => {
    await api.create(configMaps, { metadata: AT, data: { mine: 'x' } });
    await say('edge-1', owning({ vip: '192.0.2.7' }));
    await begin();
    await clock.advance(30_000);
    await say('edge-1', owning({ vip: '192.0.2.7' }, { vip: '192.0.2.8', since: 99 }));
    await clock.advance(900_000);
    expect(told).to.deep.equal(['foreign']);
    expect((await api.get(configMaps, AT)).data).to.deep.equal({ mine: 'x' });
    await api.delete(configMaps, AT);
    await clock.advance(310_000);
    const taken = moves().filter(({ to }) => to !== undefined);
    expect(taken.map(({ vip }) => vip)).to.deep.equal(['192.0.2.7', '192.0.2.8']);
  });

  it('HI-04: leaves the history of a newer version alone', async () => {
    await put('{"v":2}');
    await begin();
    await clock.advance(30_000);
    expect(told).to.deep.equal(['newer']);
    expect(text()).to.equal('{"v":2}');
  });

  it('HI-04: begins anew where its own is damaged, says so, and keeps keys of others', async () => {
    await put('nonsense', { note: 'kept' });
    await say('edge-1', owning({ vip: '192.0.2.7' }));
    await begin();
    await clock.advance(10_000);
    expect(told).to.deep.equal(['damaged']);
    expect(texts('history')).to.deep.equal(['the history begins here: what was there could not be read']);
    expect(moves().length).to.equal(1);
    expect((await api.get(configMaps, AT)).data?.note).to.equal('kept');
  });

  it('HI-13: two leaders at once lose nothing and write nothing twice', async () => {
    await say('edge-1', owning({ vip: '192.0.2.7' }));
    await begin('controller-0');
    await begin('controller-1');
    await clock.advance(10_000);
    await say('edge-2', owning({ vip: '192.0.2.7', since: 60, why: 'orphaned', moved: silentFor('edge-1', 9) }));
    await clock.advance(30_000);
    expect(moves().map(({ to }) => to)).to.deep.equal(['edge-1', 'edge-2']);
    expect(texts('leader').sort()).to.deep.equal(['controller-0 leads', 'controller-1 leads']);
  });

  it('is told of a failure that nobody foresaw, and goes on', async () => {
    await begin();
    await say('edge-1', owning({ vip: '192.0.2.7' }));
    api.before = ({ verb, kind }) => {
      if (verb === 'replace' && kind === 'ConfigMap') throw new TypeError('unforeseen');
    };
    await clock.advance(10_000);
    expect(told).to.include('failed TypeError: unforeseen');
    expect(moves()).to.deep.equal([]);
    api.before = () => {};
    await clock.advance(15_000);
    expect(moves().map(({ to }) => to)).to.deep.equal(['edge-1']);
  });

  it('HI-09: the last word of a leader that ends is written', async () => {
    const keeper = await begin();
    await clock.advance(6000);
    await say('edge-1', owning({ vip: '192.0.2.7' }));
    await keeper.stop();
    expect(moves().length).to.equal(1);
  });

  async function begin(identity = 'controller-0'): Promise<HistoryKeeper> {
    const keeper = new HistoryKeeper({
      ...{ api, clock, view, namespace: NAMESPACE, identity, outages },
      whySilent: () => whySilent,
    });
    keeper.obstacles.subscribe(({ kind }) => told.push(kind));
    keeper.damages.subscribe(() => told.push('damaged'));
    keeper.failures.subscribe((error) =>
      told.push(`failed ${error instanceof KubeError ? error.code : String(error)}`),
    );
    keepers.push(keeper);
    keeper.start();
    await clock.advance(0);
    return keeper;
  }

  async function addService(name: string, ip: string): Promise<void> {
    await api.create(services, {
      metadata: { namespace: 'shop', name },
      spec: { type: 'LoadBalancer' },
      status: { loadBalancer: { ingress: [{ ip }] } },
    });
  }

  async function put(value: string, more: Record<string, string> = {}): Promise<void> {
    const metadata = { ...AT, labels: { 'berth.dev/part': 'history' } };
    await api.create(configMaps, { metadata, data: { ...more, [HISTORY_KEY]: value } });
  }

  async function say(node: string, state: NodeState): Promise<void> {
    const at = { namespace: NAMESPACE, name: `node-${node}` };
    const metadata = {
      ...at,
      labels: { [NODE_STATE_LABEL]: node },
      annotations: { [NODE_STATE_ANNOTATION]: encodeNodeState(state) },
    };
    if (view.nodeStates.reports.has(node)) await api.patch(leases, at, { type: 'merge', body: { metadata } });
    else await api.create(leases, { metadata, spec: { holderIdentity: node } });
    await clock.advance(0);
  }

  async function renew(node: string): Promise<void> {
    const body = { spec: { renewTime: clock.date().toISOString() } };
    await api.patch(leases, { namespace: NAMESPACE, name: `node-${node}` }, { type: 'merge', body });
    await clock.advance(0);
  }

  function stored() {
    return api.all(configMaps).find(({ metadata }) => metadata.name === HISTORY_MAP);
  }

  function text(): string {
    return stored()?.data?.[HISTORY_KEY] ?? '';
  }

  function records() {
    const found = historyIn(stored());
    if (found.kind !== 'kept') throw new Error(`history: ${found.kind}`);
    return found.records;
  }

  function moves() {
    return historyEntries(records()).filter(({ kind }) => kind === 'moved');
  }

  function texts(kind: string): string[] {
    const marks = historyEntries(records()).filter((one) => one.kind === kind);
    return marks.map((one) => one.text);
  }

  function writes(): number {
    return api.calls.filter(({ verb, kind }) => kind === 'ConfigMap' && (verb === 'create' || verb === 'replace'))
      .length;
  }
});

interface OwnedSketch {
  readonly vip: string;
  readonly term?: number;
  readonly since?: number;
  readonly why?: OwnedState['why'];
  readonly moved?: OwnedState['moved'];
}

function owning(...owned: OwnedSketch[]): NodeState {
  const rows = owned.map(({ vip, term = 1, since = 10, why = 'new', moved }): OwnedState => {
    return { vip: ip(vip), interface: 'lan0', term, sinceSeconds: since, why, ...(moved && { moved }) };
  });
  return { ...IDLE_NODE_STATE, owned: rows };
}

function hearing(node: string, how: 'both' | 'one-way'): NodeState {
  const members = [{ node, hearing: how }];
  return {
    ...IDLE_NODE_STATE,
    segments: [{ interface: 'lan0', mac: MacAddress.ZERO, phase: 'active', members, answer: 'engine' }],
  };
}

function silentFor(from: string, unansweredMs: number) {
  return { from, cause: 'silent' as const, unansweredMs };
}

function vipText(index: number): string {
  return `198.18.${index >> 8}.${index & 255}`;
}
