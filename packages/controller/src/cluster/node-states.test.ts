// SPDX-License-Identifier: Apache-2.0
import { encodeNodeState, NODE_STATE_ANNOTATION, NODE_STATE_LABEL } from '@berth/core';
import { IDLE_NODE_STATE } from '@berth/core/testing';
import { KubeError, leases } from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { type NodeStateChange, NodeStates } from './node-states.ts';

const NAMESPACE = 'berth-system';

describe('NodeStates', () => {
  let api: FakeApi;
  let clock: FakeClock;
  let changes: NodeStateChange[];
  let states: NodeStates;

  beforeEach(() => {
    api = new FakeApi();
    clock = new FakeClock();
    changes = [];
    states = new NodeStates({ api, clock, namespace: NAMESPACE });
    states.subscribe((change) => changes.push(change));
  });

  afterEach(() => states.stop());

  it('takes a node for unproven until it is heard, and for stale when it has been silent for 30 s', async () => {
    await add('edge-1');
    await add('edge-2');
    states.start();
    await clock.advance(10_000);
    expect(freshness()).to.deep.equal({ 'edge-1': 'unproven', 'edge-2': 'unproven' });
    await renew('edge-1', '1');
    expect(freshness()).to.deep.equal({ 'edge-1': 'fresh', 'edge-2': 'unproven' });
    await clock.advance(20_001);
    expect(freshness()).to.deep.equal({ 'edge-1': 'fresh', 'edge-2': 'stale' });
    await clock.advance(10_000);
    expect(freshness()).to.deep.equal({ 'edge-1': 'stale', 'edge-2': 'stale' });
    await renew('edge-2', '2');
    expect(freshness()).to.deep.equal({ 'edge-1': 'stale', 'edge-2': 'fresh' });
  });

  it('takes nobody for stale while the API server is away', async () => {
    await add('edge-1');
    states.start();
    await clock.advance(0);
    api.before = () => {
      throw new KubeError('network', 'connection refused');
    };
    api.closeWatches();
    await clock.advance(120_000);
    expect(freshness()).to.deep.equal({ 'edge-1': 'unproven' });
    api.before = () => {};
    await clock.advance(45_000);
    expect(freshness()).to.deep.equal({ 'edge-1': 'stale' });
  });

  it('tells changes, and renewals are none', async () => {
    states.start();
    await clock.advance(0);
    await add('edge-1');
    await renew('edge-1', '1');
    await renew('edge-1', '2');
    expect(changes.map(({ before, after }) => [before?.freshness, after?.freshness])).to.deep.equal([
      [undefined, 'fresh'],
    ]);
    await write('edge-1', encodeNodeState({ ...IDLE_NODE_STATE, ineligible: 'drained' }));
    expect(changes.at(-1)?.after?.state?.ineligible).to.equal('drained');
    await api.delete(leases, at('edge-1'));
    await clock.advance(0);
    expect(changes.at(-1)?.after).to.equal(undefined);
    expect(states.reports.size).to.equal(0);
  });

  it('says why a state cannot be read', async () => {
    await add('edge-1', 'nonsense');
    states.start();
    await clock.advance(0);
    const report = states.reports.get('edge-1');
    expect(report?.state).to.equal(undefined);
    expect(report?.problem).to.include('node state');
  });

  it('takes the name of the Lease where its holder is no name of a node', async () => {
    const labels = { [NODE_STATE_LABEL]: 'x' };
    const spec = { holderIdentity: `\u001b[2J${'x'.repeat(1000)}` };
    await api.create(leases, { metadata: { namespace: NAMESPACE, name: 'planted', labels }, spec });
    states.start();
    await clock.advance(0);
    expect([...states.reports.keys()]).to.deep.equal(['planted']);
  });

  it('looks at Leases of nodes only', async () => {
    await api.create(leases, { metadata: { namespace: NAMESPACE, name: 'controller' }, spec: { holderIdentity: 'x' } });
    states.start();
    await clock.advance(0);
    expect(states.reports.size).to.equal(0);
  });

  function freshness(): Record<string, string> {
    return Object.fromEntries([...states.reports].map(([node, report]) => [node, report.freshness]));
  }

  async function add(node: string, text = encodeNodeState(IDLE_NODE_STATE)): Promise<void> {
    const labels = { [NODE_STATE_LABEL]: node };
    const annotations = { [NODE_STATE_ANNOTATION]: text };
    await api.create(leases, { metadata: { ...at(node), labels, annotations }, spec: { holderIdentity: node } });
    await clock.advance(0);
  }

  async function renew(node: string, renewTime: string): Promise<void> {
    await api.patch(leases, at(node), { type: 'merge', body: { spec: { renewTime } } });
    await clock.advance(0);
  }

  async function write(node: string, text: string): Promise<void> {
    const body = { metadata: { annotations: { [NODE_STATE_ANNOTATION]: text } } };
    await api.patch(leases, at(node), { type: 'merge', body });
    await clock.advance(0);
  }
});

function at(node: string) {
  return { namespace: NAMESPACE, name: `node-${node}` };
}
