// SPDX-License-Identifier: Apache-2.0
import { deployments, KubeError, metallbAdvertisements, metallbPools } from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { MetallbObjects } from './metallb-objects.ts';

const NAMESPACE = 'metallb-system';

function world(namespace: string | undefined = NAMESPACE) {
  const clock = new FakeClock();
  const api = new FakeApi();
  const errors: string[] = [];
  const seen: string[] = [];
  const objects = new MetallbObjects({ api, clock, namespace });
  objects.failures.subscribe((what, { code }) => errors.push(`${what} ${code}`));
  const words = () => {
    const { current } = objects;
    if (current.kind !== 'read') return current.kind === 'unread' ? current.why : 'unknown';
    return [...current.text.matchAll(/^ {2}name: (.*)$/gm)].map(([, name]) => name).join(',');
  };
  objects.subscribe(() => seen.push(words()));
  const pool = (name: string, at = NAMESPACE) =>
    api.create(metallbPools, { metadata: { namespace: at, name }, spec: { addresses: ['192.0.2.0/28'] } });
  const policy = (name: string) => api.create(metallbAdvertisements, { metadata: { namespace: NAMESPACE, name } });
  const drop = (name: string) => api.delete(metallbPools, { namespace: NAMESPACE, name });
  const metallb = (labels: Record<string, string>, replicas: number) =>
    api.create(deployments, { metadata: { namespace: NAMESPACE, name: 'controller', labels }, spec: { replicas } });
  return { clock, api, errors, seen, objects, words, pool, policy, drop, metallb };
}

function failing(api: FakeApi, code: 'not-found' | 'forbidden' | 'server'): void {
  api.before = () => {
    throw new KubeError(code, code);
  };
}

describe('MetallbObjects', () => {
  it('MB-01: follows pools and policies of its namespace', async () => {
    const { clock, objects, words, pool, policy } = world();
    await pool('lan');
    await policy('all');
    await pool('elsewhere', 'default');
    objects.start();
    await clock.advance(100);
    await objects.ready;
    expect(words()).to.equal('lan,all');
    await pool('edge');
    await clock.advance(100);
    expect(words()).to.equal('edge,lan,all');
    await objects.stop();
    expect(clock.pendingTimers).to.equal(0);
  });

  for (const [code, why] of [
    ['not-found', 'NoCrds'],
    ['forbidden', 'Forbidden'],
  ] as const)
    it(`MB-02: without CRDs or rights (${code}) one question is asked every ten minutes, and nothing is a failure`, async () => {
      const { clock, api, errors, objects, words, pool } = world();
      failing(api, code);
      objects.start();
      await objects.ready;
      await clock.advance(599_000);
      expect([api.calls.length, errors, words()]).to.deep.equal([1, [], why]);
      api.before = () => {};
      await pool('lan');
      await clock.advance(2_000);
      expect(words()).to.equal('lan');
      await objects.stop();
      expect(clock.pendingTimers).to.equal(0);
    });

  it('MB-02: asks nothing where it is switched off', async () => {
    const { clock, api, objects, words } = world();
    const off = new MetallbObjects({ api, clock, namespace: undefined });
    off.start();
    await off.ready;
    expect([api.calls.length, off.current]).to.deep.equal([0, { kind: 'unread', why: 'Off' }]);
    expect(words()).to.equal('unknown');
    await Promise.all([off.stop(), objects.stop()]);
  });

  it('MB-04: a server that fails for a moment has lost nothing, and nobody waits for it', async () => {
    const { clock, api, errors, objects, words, pool } = world();
    await pool('lan');
    failing(api, 'server');
    objects.start();
    await objects.ready;
    expect([errors, words()]).to.deep.equal([['ipaddresspools server'], 'unknown']);
    api.before = () => {};
    await clock.advance(1_000);
    expect(words()).to.equal('lan');
    await objects.stop();
  });

  it('MB-04: objects that go one after the other are seen to be gone together', async () => {
    const { clock, objects, words, seen, pool, drop } = world();
    for (const name of ['a', 'b', 'c']) await pool(name);
    objects.start();
    await clock.advance(100);
    seen.length = 0;
    for (const name of ['a', 'b', 'c']) {
      await drop(name);
      await clock.advance(2_000);
    }
    expect([seen, words()]).to.deep.equal([[], 'a,b,c']);
    await clock.advance(1_500);
    expect(seen).to.deep.equal(['']);
    await objects.stop();
  });

  const products = [
    { app: 'metallb', component: 'controller' },
    { 'app.kubernetes.io/name': 'metallb', 'app.kubernetes.io/component': 'controller' },
  ];
  for (const labels of products)
    it(`MB-06: nothing is read while MetalLB's controller is to run (${Object.keys(labels)[0]})`, async () => {
      const { clock, api, objects, words, pool, metallb } = world();
      await pool('lan');
      await metallb(labels, 1);
      objects.start();
      await clock.advance(100);
      expect(words()).to.equal('MetallbRuns');
      const scale = async (replicas: number) => {
        const at = { namespace: NAMESPACE, name: 'controller' };
        await api.patch(deployments, at, { type: 'merge', body: { spec: { replicas } } });
      };
      await scale(0);
      await clock.advance(2_000);
      expect(words()).to.equal('MetallbRuns');
      await clock.advance(2_000);
      expect(words()).to.equal('lan');
      await scale(2);
      await clock.advance(100);
      expect(words()).to.equal('MetallbRuns');
      await objects.stop();
    });

  it('MB-06: other Deployments are no reason', async () => {
    const { clock, objects, words, pool, metallb } = world();
    await pool('lan');
    await metallb({ app: 'metallb', component: 'operator' }, 1);
    objects.start();
    await clock.advance(100);
    expect(words()).to.equal('lan');
    await objects.stop();
  });
});
