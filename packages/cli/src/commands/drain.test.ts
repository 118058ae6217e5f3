// SPDX-License-Identifier: Apache-2.0
import {
  encodeNodeHealth,
  encodeNodeState,
  MacAddress,
  NODE_HEALTH_ANNOTATION,
  NODE_STATE_ANNOTATION,
  NODE_STATE_LABEL,
  type NodeHealth,
  type NodeState,
} from '@berth/core';
import { IDLE_NODE_STATE } from '@berth/core/testing';
import { leases, nodes } from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { drain } from './drain.ts';

const NAMESPACE = 'berth-system';
const NODE = 'edge-1';
const DRAINED: NodeState = {
  ...IDLE_NODE_STATE,
  ineligible: 'drained',
  segments: [{ interface: 'lan0', mac: MacAddress.ZERO, phase: 'active', members: [] }],
};

describe('kubectl berth drain', () => {
  let api: FakeApi;
  let clock: FakeClock;
  let said: string;

  beforeEach(async () => {
    api = new FakeApi();
    clock = new FakeClock();
    said = '';
    await api.create(nodes, { metadata: { name: NODE } });
  });

  it('MV-16: with --wait it goes on until the node keeps no connection, and says how many there are', async () => {
    await say({ ...DRAINED, keeping: 2 }, { latestMs: 3, lapses: 0, spread: { forwarded: 0, strays: 7 } });
    const done = start('until the last connection has ended');
    await clock.advance(10_000);
    expect(said).to.equal(
      'edge-1 is drained: it owned nothing\nedge-1 still keeps 7 connections of 2 VIPs that other nodes answer for now\n',
    );
    await say({ ...DRAINED, keeping: 1 });
    await clock.advance(5_000);
    expect(said).to.match(/\nedge-1 still keeps connections of 1 VIP that other nodes answer for now\n$/);
    await say(DRAINED);
    await clock.advance(2_000);
    expect(await done).to.equal(0);
    expect(said).to.match(/\nedge-1 keeps no connection\n$/);
  });

  it('MV-16: without --wait it ends once the node owns nothing', async () => {
    await say({ ...DRAINED, keeping: 2 });
    expect(await start('until it owns nothing')).to.equal(0);
    expect(said).to.equal('edge-1 is drained: it owned nothing\n');
  });

  it('MV-16: with --wait it ends with an error when the node reports nothing any more', async () => {
    await say({ ...DRAINED, keeping: 2 });
    const ended = start('until the last connection has ended').catch(String);
    await clock.advance(120_000);
    expect(await ended).to.include('edge-1 no longer reports which connections it keeps');
  });

  function start(how: 'until it owns nothing' | 'until the last connection has ended'): Promise<number> {
    const cluster = {
      ...{ access: {}, requestTimeoutMs: undefined },
      ...{ berthNamespace: NAMESPACE, loadBalancerClass: 'berth.dev/l2' },
    };
    const out = (text: string) => {
      said += text;
    };
    return drain(
      {
        ...{ kind: 'drain', node: NODE, isForced: false, isDryRun: false, timeoutSeconds: 30, cluster },
        isPatient: how !== 'until it owns nothing',
      },
      { out, err: out, readFile: async () => '', connect: async () => ({ api, namespace: 'default' }), clock },
    );
  }

  async function say(state: NodeState, health: NodeHealth = { latestMs: 3, lapses: 0 }): Promise<void> {
    const at = { namespace: NAMESPACE, name: `node-${NODE}` };
    const annotations = {
      [NODE_STATE_ANNOTATION]: encodeNodeState(state),
      [NODE_HEALTH_ANNOTATION]: encodeNodeHealth(health),
    };
    const spec = { holderIdentity: NODE, renewTime: clock.date().toISOString() };
    if (api.all(leases).some(({ metadata }) => metadata.name === at.name))
      await api.patch(leases, at, { type: 'merge', body: { metadata: { annotations }, spec } });
    else await api.create(leases, { metadata: { ...at, labels: { [NODE_STATE_LABEL]: NODE }, annotations }, spec });
  }
});
