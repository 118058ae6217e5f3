// SPDX-License-Identifier: Apache-2.0
import { KubeError, type KubeErrorCode, serviceCidrs } from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { ServiceRanges } from './service-ranges.ts';

function world() {
  const clock = new FakeClock();
  const api = new FakeApi();
  const errors: string[] = [];
  const ranges = new ServiceRanges({ api, clock });
  ranges.failures.subscribe(({ code }) => errors.push(code));
  const known = () => [...ranges.store.values()].flatMap(({ spec }) => spec?.cidrs ?? []).sort();
  const add = (name: string, cidr: string) => api.create(serviceCidrs, { metadata: { name }, spec: { cidrs: [cidr] } });
  const fail = (code: KubeErrorCode) => {
    api.before = () => {
      throw new KubeError(code, code);
    };
  };
  return { clock, api, errors, ranges, known, add, fail };
}

describe('ServiceRanges', () => {
  it('FA-09: follows ranges that are added and taken away later', async () => {
    const { clock, api, ranges, known, add } = world();
    await add('kubernetes', '10.96.0.0/16');
    ranges.start();
    await ranges.ready;
    expect(known()).to.deep.equal(['10.96.0.0/16']);
    await add('more', '10.97.0.0/16');
    await clock.advance(1_000);
    expect(known()).to.deep.equal(['10.96.0.0/16', '10.97.0.0/16']);
    await api.delete(serviceCidrs, { name: 'kubernetes' });
    await clock.advance(1_000);
    expect(known()).to.deep.equal(['10.97.0.0/16']);
    await ranges.stop();
    expect(clock.pendingTimers).to.equal(0);
  });

  for (const code of ['not-found', 'forbidden'] as const)
    it(`FA-09: an API server that does not tell them (${code}) is asked every ten minutes, and is no failure`, async () => {
      const { clock, api, errors, ranges, known, add, fail } = world();
      fail(code);
      ranges.start();
      await ranges.ready;
      await clock.advance(599_000);
      expect([api.calls.length, errors]).to.deep.equal([1, []]);
      api.before = () => {};
      await add('kubernetes', '10.96.0.0/16');
      await clock.advance(2_000);
      expect(known()).to.deep.equal(['10.96.0.0/16']);
      await ranges.stop();
      expect(clock.pendingTimers).to.equal(0);
    });

  it('FA-09: one that fails for a moment is tried again soon, and nobody waits for it', async () => {
    const { clock, errors, api, ranges, known, add, fail } = world();
    await add('kubernetes', '10.96.0.0/16');
    fail('server');
    ranges.start();
    await ranges.ready;
    expect(errors).to.deep.equal(['server']);
    api.before = () => {};
    await clock.advance(1_000);
    expect(known()).to.deep.equal(['10.96.0.0/16']);
    await ranges.stop();
  });
});
