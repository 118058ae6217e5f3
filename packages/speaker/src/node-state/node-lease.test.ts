// SPDX-License-Identifier: Apache-2.0
import { decodeNodeState, NODE_STATE_ANNOTATION, NODE_STATE_LABEL, type NodeState } from '@berth/core';
import { IDLE_NODE_STATE } from '@berth/core/testing';
import { KubeError, leases } from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import { FakeClock, settle } from '@berth/runtime/testing';
import { expect } from 'chai';
import { ip, node } from '../testing.ts';
import { NodeLease } from './node-lease.ts';

const NAMESPACE = 'berth-system';

describe('NodeLease', () => {
  let api: FakeApi;
  let clock: FakeClock;
  let owned: string[];
  let problems: string[];
  let lease: NodeLease;

  beforeEach(() => {
    api = new FakeApi();
    clock = new FakeClock();
    owned = [];
    problems = [];
    lease = new NodeLease({
      api,
      clock,
      namespace: NAMESPACE,
      nodeName: 'edge-1',
      node: () => ({ ...node('edge-1'), metadata: { name: 'edge-1', uid: 'uid-of-edge-1' } }),
      state: () => stateOf(owned),
      health: () => ({ latestMs: 3, lapses: 0 }),
    });
    lease.failures.subscribe(({ code }) => problems.push(code));
  });

  afterEach(() => lease.stop());

  it('is made when it is not there, with a label, and belongs to the Node', async () => {
    lease.start();
    await clock.advance(0);
    const [object] = api.all(leases);
    expect(object?.metadata.name).to.equal('node-edge-1');
    expect(object?.metadata.labels).to.deep.equal({ [NODE_STATE_LABEL]: 'edge-1' });
    expect(object?.metadata).to.have.deep.property('ownerReferences', [
      { apiVersion: 'v1', kind: 'Node', name: 'edge-1', uid: 'uid-of-edge-1' },
    ]);
    expect(object?.spec?.holderIdentity).to.equal('edge-1');
  });

  it('tells a change at once, and further ones once a second together', async () => {
    lease.start();
    await clock.advance(5000);
    const before = api.calls.length;
    owned = ['192.0.2.7'];
    lease.changed('now');
    await clock.advance(0);
    expect(written()).to.deep.equal(['192.0.2.7']);
    for (const last of [8, 9, 10]) {
      owned.push(`192.0.2.${last}`);
      lease.changed('now');
      await clock.advance(100);
    }
    expect(written()).to.deep.equal(['192.0.2.7']);
    await clock.advance(700);
    expect(written()).to.have.length(4);
    expect(api.calls.length - before).to.equal(2);
  });

  it('is renewed every ten seconds, without the state', async () => {
    lease.start();
    await clock.advance(9_900);
    const before = api.calls.length;
    await clock.advance(100);
    const renewals = api.calls.slice(before);
    expect(renewals).to.have.length(1);
    expect(JSON.stringify(renewals[0]?.body)).not.to.include(NODE_STATE_ANNOTATION);
    expect(api.all(leases)[0]?.spec?.renewTime).to.equal('2026-01-01T00:00:10.000000Z');
  });

  it('writes nothing when the news change nothing', async () => {
    lease.start();
    await clock.advance(5000);
    const before = api.calls.length;
    lease.changed('now');
    await clock.advance(4_900);
    expect(api.calls.length).to.equal(before);
    await clock.advance(200);
    expect(api.calls.length).to.equal(before + 1);
  });

  it('tries again with growing waits while the server is away, and then tells what is so by then', async () => {
    lease.start();
    await clock.advance(0);
    api.before = () => {
      throw new KubeError('network', 'connection refused');
    };
    owned = ['192.0.2.7'];
    lease.changed('now');
    await clock.advance(60_000);
    expect(problems.length).to.be.within(5, 14);
    owned = ['192.0.2.8'];
    api.before = () => {};
    await clock.advance(20_000);
    expect(written()).to.deep.equal(['192.0.2.8']);
  });

  it('comes back when somebody deleted it', async () => {
    lease.start();
    await clock.advance(0);
    await api.delete(leases, { namespace: NAMESPACE, name: 'node-edge-1' });
    await clock.advance(10_000);
    expect(api.all(leases)).to.have.length(1);
  });

  it('says the last word when the process ends, and nothing after it', async () => {
    lease.start();
    owned = ['192.0.2.7'];
    await clock.advance(0);
    owned = [];
    await lease.stop();
    expect(written()).to.deep.equal([]);
    const after = api.calls.length;
    lease.changed('now');
    await clock.advance(60_000);
    expect(api.calls.length).to.equal(after);
  });

  it('writes what changed while a write was under way', async () => {
    let answer = () => {};
    lease.start();
    await clock.advance(5000);
    api.before = () => new Promise<void>((resolve) => (answer = resolve));
    owned = ['192.0.2.7'];
    lease.changed('now');
    await clock.advance(0);
    owned = ['192.0.2.8'];
    lease.changed('now');
    api.before = () => {};
    answer();
    await settle();
    await clock.advance(1000);
    expect(written()).to.deep.equal(['192.0.2.8']);
  });

  function written(): string[] | undefined {
    const text = api.all(leases)[0]?.metadata.annotations?.[NODE_STATE_ANNOTATION];
    const state = decodeNodeState(text ?? '');
    return state.ok ? state.value.owned.map(({ vip }) => String(vip)) : undefined;
  }
});

function stateOf(owned: readonly string[]): NodeState {
  const rows = owned.map((vip) => ({ vip: ip(vip), interface: 'lan0', term: 1, sinceSeconds: 0, why: 'new' as const }));
  return { ...IDLE_NODE_STATE, owned: rows };
}
