// SPDX-License-Identifier: Apache-2.0
import {
  encodeNodeState,
  HISTORY_MAP,
  type HistoryEntry,
  IpAddress,
  NODE_STATE_ANNOTATION,
  NODE_STATE_LABEL,
  type NodeState,
  readHistory,
} from '@berth/core';
import { IDLE_NODE_STATE, poolDocuments, serviceOf } from '@berth/core/testing';
import { configMaps, leases, type Service, services } from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { Controller } from './controller.ts';

const NAMESPACE = 'berth-system';
const SILENT = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };

describe('Controller', () => {
  let api: FakeApi;
  let clock: FakeClock;

  beforeEach(() => {
    api = new FakeApi();
    clock = new FakeClock();
  });

  it('HI-07: keeps a history of a takeover, of a refused configuration, and of who leads', async () => {
    const first = await begin('controller-0');
    await apply('192.0.2.1-192.0.2.9');
    await api.create(services, serviceOf('web') as Service);
    await clock.advance(2000);
    await say('edge-1', owning(1, { why: 'new' }));
    await clock.advance(7000);
    await say('edge-2', owning(2, { why: 'orphaned', moved: { from: 'edge-1', cause: 'silent', unansweredMs: 131 } }));
    await apply('192.0.2.9-192.0.2.1');
    await clock.advance(10_000);
    await first.stop();
    const second = await begin('controller-1');
    await apply('192.0.2.1-192.0.2.9');
    await clock.advance(10_000);
    await second.stop();
    const texts = entries().map(({ text }) => text.replace(/refused: .*/, 'refused'));
    expect(texts).to.have.members([
      'controller-0 leads',
      'edge-1 answers for 192.0.2.1: no one had it before',
      'edge-2 answers for 192.0.2.1: edge-1 fell silent; no one answered for 131 ms',
      'the configuration is refused',
      'controller-1 leads',
      'the configuration is accepted again',
    ]);
    expect(entries().find(({ to }) => to === 'edge-2')?.services).to.deep.equal(['shop/web']);
  });

  async function begin(identity: string): Promise<Controller> {
    const controller = new Controller({
      ...{ api, clock, log: SILENT, namespace: NAMESPACE, identity },
      ...{ loadBalancerClass: 'berth.dev/l2', finalizer: false },
    });
    controller.start();
    await clock.advance(100);
    expect(controller.isLeader).to.equal(true);
    return controller;
  }

  async function apply(addresses: string): Promise<void> {
    const metadata = { namespace: NAMESPACE, name: 'ip-address-pools' };
    const data = { 'pools.yaml': poolDocuments({ lan: { addresses: [addresses] } }) };
    const isThere = api.all(configMaps).some((map) => map.metadata.name === metadata.name);
    if (isThere) await api.patch(configMaps, metadata, { type: 'merge', body: { data } });
    else await api.create(configMaps, { metadata, data });
    await clock.advance(0);
  }

  async function say(node: string, state: NodeState): Promise<void> {
    await api.create(leases, {
      metadata: {
        ...{ namespace: NAMESPACE, name: `node-${node}`, labels: { [NODE_STATE_LABEL]: node } },
        annotations: { [NODE_STATE_ANNOTATION]: encodeNodeState(state) },
      },
      spec: { holderIdentity: node },
    });
    await clock.advance(0);
  }

  function owning(term: number, rest: Pick<NodeState['owned'][number], 'why' | 'moved'>): NodeState {
    const sinceSeconds = Math.floor(clock.date().getTime() / 1000);
    const vip = IpAddress.of('IPv4', 0xc0000201n);
    return { ...IDLE_NODE_STATE, owned: [{ vip, interface: 'lan0', term, sinceSeconds, ...rest }] };
  }

  function entries(): readonly HistoryEntry[] {
    const map = api.all(configMaps).find(({ metadata }) => metadata.name === HISTORY_MAP);
    return readHistory(map ? [map] : []).entries;
  }
});
