// SPDX-License-Identifier: Apache-2.0
import { encodeNodeState, hasMovingVip, NODE_STATE_ANNOTATION, nodeLeaseName } from '@berth/core';
import { IDLE_NODE_STATE, SAMPLE_MS, sampleCluster, sampleVip } from '@berth/core/testing';
import { leases } from '@berth/kube';
import { fakeApiOf } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { readSettledFacts } from './cluster-facts.ts';

const NAMESPACE = 'berth-system';
const CLUSTER = {
  ...{ access: {}, requestTimeoutMs: undefined },
  ...{ berthNamespace: NAMESPACE, loadBalancerClass: 'berth.dev/l2' },
};

/** A VIP has just moved from edge-1 to edge-2, which has not written that yet. */
async function moving() {
  const clock = new FakeClock(new Date(SAMPLE_MS));
  const api = await fakeApiOf(sampleCluster({ nodes: 2, vips: 1, states: { 'edge-1': { owned: [] } } }));
  const read = readSettledFacts(api, CLUSTER, clock);
  return { clock, api, read };
}

async function arrive(api: Awaited<ReturnType<typeof fakeApiOf>>): Promise<void> {
  const owned = {
    vip: sampleVip(0),
    interface: 'lan0',
    term: 2,
    sinceSeconds: SAMPLE_MS / 1000,
    why: 'handed-over',
  } as const;
  const state = encodeNodeState({ ...IDLE_NODE_STATE, owned: [owned] });
  const place = { namespace: NAMESPACE, name: nodeLeaseName('edge-2') };
  await api.patch(leases, place, {
    type: 'merge',
    body: { metadata: { annotations: { [NODE_STATE_ANNOTATION]: state } } },
  });
}

describe('readSettledFacts', () => {
  it('MV-36: looks again while a VIP is on its way from one node to the next', async () => {
    const { clock, api, read } = await moving();
    await clock.advance(600);
    await arrive(api);
    await clock.advance(600);
    const facts = await read;
    expect(facts.claims.ownersOf(String(sampleVip(0))).map(({ node }) => node)).to.deep.equal(['edge-2']);
  });

  it('MV-36: and takes it as it is after three seconds', async () => {
    const { clock, read } = await moving();
    for (let passedMs = 0; passedMs < 3_500; passedMs += 100) await clock.advance(100);
    expect(hasMovingVip(await read)).to.equal(true);
  });
});
