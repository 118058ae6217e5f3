// SPDX-License-Identifier: Apache-2.0
import { decodeNodeHealth, decodeNodeState, NODE_HEALTH_ANNOTATION, NODE_STATE_ANNOTATION } from '@berth/core';
import { leases, type Node, Store } from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import { FakeClock, RecordingLog } from '@berth/runtime/testing';
import { expect } from 'chai';
import type { WantedVip } from '../cluster/wanted-vips.ts';
import { readConfig } from '../config.ts';
import type { Segment } from '../layer2/segments.ts';
import { ip, link, mac, node } from '../testing.ts';
import { NodePublisher, type NodePublisherParts } from './node-publisher.ts';

const [VIP, LOST, REFUSED] = [ip('192.0.2.20'), ip('192.0.2.21'), ip('192.0.2.22')];
const LAN: Segment = { ifindex: 2, ifname: 'eth0', mac: mac(2), families: ['IPv4'] };

describe('NodePublisher', () => {
  let api: FakeApi;
  let clock: FakeClock;
  let nodes: Store<Node>;
  let segments: Segment[];
  let latestMs: number;
  let events: string[];
  let publisher: NodePublisher;

  beforeEach(() => {
    api = new FakeApi();
    clock = new FakeClock(new Date(0));
    nodes = new Store<Node>();
    nodes.upsert(node('node-1'));
    segments = [LAN];
    latestMs = 7;
    events = [];
    publisher = new NodePublisher(parts());
    publisher.start();
  });

  afterEach(() => publisher.stop());

  // One segment on which this node owns VIP, as far as the publisher looks at it.
  function parts(): NodePublisherParts {
    const read = readConfig([], { NODE_NAME: 'node-1' });
    if (!read.ok) throw new Error(read.problems.join());
    const state = {
      phase: 'active',
      members: [],
      company: {},
      timing: { oneWayAfterMs: 1_000 },
      blockedUntilMs: 0,
      claims: new Map([[String(VIP), { vip: VIP, term: 3 }]]),
      desired: new Map(),
    };
    const loop = { state, answerOf: () => ({ why: 'new', since: new Date(5_000) }), signingKeyId: 1 };
    const wanted = (vip: typeof VIP): WantedVip => ({ service: 'shop/web', vip, policies: [], wasAnnounced: true });
    return {
      ...{ config: read.config, clock, log: new RecordingLog(), engine: 'packet-socket' },
      cluster: {
        ...{ api, watches: { nodes }, credentials: { keys: () => ({ newest: { id: 1 } }) } },
        events: {
          record: (object: Node, note: { reason: string }) => events.push(`${object.metadata.name} ${note.reason}`),
        },
      },
      lan: {
        fitting: () => segments,
        links: {
          list: () => [
            link(2, 'eth0', {
              addresses: [{ ifindex: 2, address: ip('192.0.2.2'), prefixLength: 24, isTentative: false }],
            }),
          ],
        },
        wire: { answerOf: () => 'thread' },
      },
      memberships: {
        ...{ loops: [{ segment: LAN, loop }], bootId: 'b007b007b007b007', transport: 'multicast', fitness: 'fit' },
        answering: { isAttached: () => true, lacks: () => false },
        wayOf: () => undefined,
        notReachedOn: () => [],
        beats: { takeLatest: () => latestMs, lapses: 1, lapsedSeconds: [5] },
      },
      guard: { conflicts: () => [], notAnnounced: () => [] },
      reachability: {
        ...{ selfTest: { unreachable: () => [], coveredSeconds: undefined }, check: undefined },
        carryOut: async () => {},
      },
      isLeaking: () => false,
      spreading: { serving: () => [], health: undefined, keeping: 0, moves: 'kept' },
      served: { now: [{ vip: VIP, services: ['shop/web'], interfaces: ['eth0'] }] },
      speaker: {
        wanted: [wanted(VIP), wanted(LOST)],
        refused: [{ vip: REFUSED, service: 'shop/own', owner: 'this node' }],
      },
    } as unknown as NodePublisherParts;
  }

  function written() {
    const annotations = api.all(leases)[0]?.metadata.annotations ?? {};
    const state = decodeNodeState(annotations[NODE_STATE_ANNOTATION] ?? '');
    if (!state.ok) throw new Error(state.reason);
    return { state: state.value, health: decodeNodeHealth(annotations[NODE_HEALTH_ANNOTATION]) };
  }

  const obstacles = () => written().state.notAnnounced.map(({ vip, why }) => `${vip} ${why}`);

  it('tells what this node answers for, and how late its heartbeats were', async () => {
    await clock.advance(0);
    const { state, health } = written();
    expect(
      state.owned.map((one) => `${one.vip} ${one.interface} ${one.term} ${one.sinceSeconds} ${one.why}`),
    ).to.deep.equal([`${VIP} eth0 3 5 new`]);
    expect(state.segments.map((one) => `${one.interface} ${one.answer}`)).to.deep.equal(['eth0 thread']);
    expect([health?.latestMs, publisher.worstDelayMs]).to.deep.equal([7, 7]);
    expect([health?.lapses, health?.lapsedSeconds]).to.deep.equal([1, [5]]);
  });

  it('tells why it does not answer for the other VIPs', async () => {
    segments = [];
    await clock.advance(0);
    expect(obstacles()).to.have.members([`${REFUSED} own-address`, `${VIP} no-segment`, `${LOST} no-segment`]);
  });

  it('says of a cordoned node why it may own nothing', async () => {
    nodes.upsert({
      ...node('node-1', { 'node.kubernetes.io/exclude-from-external-load-balancers': '' }),
      metadata: {
        name: 'node-1',
        labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' },
        resourceVersion: '2',
      },
    });
    await clock.advance(0);
    expect(written().state.ineligible).not.to.equal('');
  });

  it('tells nothing of VIPs that it does not answer for because it ends', async () => {
    segments = [];
    await clock.advance(0);
    await publisher.stop();
    expect(obstacles()).to.deep.equal([]);
  });

  it('records an Event on the node that it lost contact with', async () => {
    nodes.upsert(node('node-2'));
    publisher.reported({ kind: 'owner-answers', state: 'began', node: 'node-2' }, 'eth0');
    expect(events).to.deep.equal(['node-2 HeartbeatsLost']);
  });
});
