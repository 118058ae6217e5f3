// SPDX-License-Identifier: Apache-2.0
import { configMaps, KubeError, type KubeErrorCode, services } from '@berth/kube';
import type { FakeCall } from '@berth/kube/testing';
import { sleep } from '@berth/runtime';
import { expect } from 'chai';
import { FakeCluster, isOfLedger, isOfService } from './fake-cluster.ts';

const LAN = { lan: { addresses: ['203.0.113.0/24'] } };

const isStatusOf = (name: string) => (call: FakeCall) =>
  isOfService(call) && call.verb === 'patch' && call.at.name === name;
const isPatch = (call: FakeCall) => isOfService(call) && call.verb === 'patch';
const isLedgerWrite = (call: FakeCall) => isOfLedger(call) && (call.verb === 'patch' || call.verb === 'create');

const denied = () =>
  new KubeError('invalid', 'PATCH: 400 admission webhook "guard" denied the request', { status: 400 });

/** Errors that end when whoever refuses is mended. */
const ERRORS: readonly [KubeErrorCode, number][] = [
  ['invalid', 400],
  ['invalid', 422],
  ['forbidden', 403],
  ['server', 500],
  ['timeout', 0],
];

describe('errors of the API server', () => {
  let cluster: FakeCluster;

  beforeEach(async () => {
    cluster = await new FakeCluster().start();
    await cluster.pools(LAN);
    await cluster.clock.advance(1_000);
  });

  afterEach(() => cluster.stop());

  for (const [code, status] of ERRORS) {
    it(`ER-01: a status that is refused (${code} ${status}) for minutes is tried with growing delays, and served within 10 s after`, async () => {
      const mend = cluster.refuse(isStatusOf('web'), () => new KubeError(code, 'no', { status }));
      await cluster.add('web');
      await cluster.clock.advance(60_000);
      const early = cluster.api.calls.filter(isStatusOf('web')).length;
      await cluster.clock.advance(540_000);
      const tries = cluster.api.calls.filter(isStatusOf('web')).length;
      expect(early).to.be.within(8, 14);
      expect(tries).to.be.within(60, 90);
      expect(cluster.told()).to.include('UpdateFailed web');
      mend();
      await cluster.clock.advance(10_000);
      expect(cluster.shown('web')).to.equal('203.0.113.0');
    });

    it(`ER-01: a deleted Service whose status is refused (${code} ${status}) goes within 10 s after`, async () => {
      await cluster.add('web');
      await cluster.clock.advance(1_000);
      const mend = cluster.refuse(isPatch, () => new KubeError(code, 'no', { status }));
      await cluster.api.delete(services, { namespace: 'shop', name: 'web' });
      await cluster.clock.advance(600_000);
      expect(cluster.get('web')).to.not.equal(undefined);
      mend();
      await cluster.clock.advance(10_000);
      expect(cluster.get('web')).to.equal(undefined);
    });
  }

  it('ER-02: one Service that is refused, and one whose patch hangs, hold up none of their batch and of later ones', async () => {
    let letGo = () => {};
    const hanging = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    cluster.api.before = (call) => {
      if (isStatusOf('refused')(call)) throw denied();
      return isStatusOf('hangs')(call) ? hanging : undefined;
    };
    const names = Array.from({ length: 40 }, (_, n) => `s-${n}`);
    for (const name of ['refused', 'hangs', ...names.slice(0, 20)]) await cluster.add(name);
    await cluster.clock.advance(1_000);
    for (const name of names.slice(20)) await cluster.add(name);
    await cluster.clock.advance(1_000);
    expect(names.filter((name) => cluster.shown(name) === '')).to.deep.equal([]);
    letGo();
  });

  it('ER-02: 40 Services whose patches fail after ten seconds each hold up no other one', async () => {
    const slow = Array.from({ length: 40 }, (_, n) => `slow-${n}`);
    cluster.api.before = async (call) => {
      if (!slow.some((name) => isStatusOf(name)(call))) return;
      await sleep(cluster.clock, 10_000);
      throw new KubeError('timeout', 'PATCH: no answer in 10000 ms');
    };
    for (const name of slow) await cluster.add(name);
    await cluster.clock.advance(120_000);
    for (const name of ['a', 'b', 'c']) {
      await cluster.add(name);
      await cluster.clock.advance(1_000);
      expect(cluster.shown(name)).to.not.equal('');
    }
    cluster.api.before = () => {};
    await cluster.clock.advance(20_000);
    expect(slow.filter((name) => cluster.shown(name) === '')).to.deep.equal([]);
  }).timeout(60_000);

  it('ER-02: 300 Services whose patches fail after ten seconds each: others are served in seconds at the first try, and in one after it', async () => {
    await cluster.pools({ lan: { addresses: ['198.18.0.0/16'] } });
    let tries = 0;
    cluster.api.before = async (call) => {
      if (!isPatch(call) || !call.at.name?.startsWith('slow-')) return;
      tries += 1;
      await sleep(cluster.clock, 10_000);
      throw new KubeError('timeout', 'PATCH: no answer in 10000 ms');
    };
    // So that it is known how long a patch takes that goes through.
    await cluster.add('before');
    await cluster.clock.advance(1_000);
    const slow = Array.from({ length: 300 }, (_, n) => `slow-${n}`);
    for (const name of slow) await cluster.add(name, { namespace: 'bad' });
    await cluster.add('elsewhere');
    await cluster.add('beside', { namespace: 'bad' });
    await cluster.clock.advance(1_000);
    expect(cluster.shown('elsewhere')).to.not.equal('');
    await cluster.clock.advance(4_000);
    expect(cluster.shown('beside')).to.not.equal('');
    for (let index = 0; index < 5; index++) {
      await cluster.add(`later-${index}`, { namespace: 'bad' });
      await cluster.clock.advance(1_000);
      expect(cluster.shown(`later-${index}`)).to.not.equal('');
    }
    const before = tries;
    await cluster.clock.advance(60_000);
    expect(tries - before, 'tries in a minute').to.be.within(100, 600);
    cluster.api.before = () => {};
    await cluster.clock.advance(20_000);
    expect(slow.filter((name) => cluster.shown(name) === '')).to.deep.equal([]);
  }).timeout(120_000);

  it('ER-02: 100 Services that are refused are tried ten times a second at most, and all are served within 10 s after', async () => {
    await cluster.pools({ lan: { addresses: ['198.18.0.0/16'] } });
    const mend = cluster.refuse(isPatch, denied);
    const names = Array.from({ length: 100 }, (_, n) => `s-${n}`);
    for (const name of names) await cluster.add(name);
    await cluster.clock.advance(60_000);
    const before = cluster.api.calls.filter(isPatch).length;
    await cluster.clock.advance(60_000);
    expect(cluster.api.calls.filter(isPatch).length - before).to.be.within(300, 660);
    mend();
    await cluster.clock.advance(10_000);
    expect(names.filter((name) => cluster.shown(name) === '')).to.deep.equal([]);
  }).timeout(60_000);

  it('ER-08: last-good-pools that cannot be written is told on the configuration, in pool-status and as a metric, and mended within 10 s', async () => {
    const isLastGood = ({ verb, kind, at }: FakeCall) =>
      kind === 'ConfigMap' && at.name === 'last-good-pools' && (verb === 'create' || verb === 'replace');
    const dataOf = (name: string) => cluster.api.all(configMaps).find((one) => one.metadata.name === name)?.data ?? {};
    const before = dataOf('last-good-pools');
    const mend = cluster.refuse(isLastGood, denied);
    await cluster.pools({ lan: { addresses: ['203.0.113.0/25'] } });
    await cluster.clock.advance(60_000);
    expect(cluster.api.calls.filter(isLastGood).length).to.be.within(8, 14);
    expect(cluster.told()).to.include('LastGoodUnwritable ip-address-pools');
    expect(dataOf('pool-status').problems).to.include('speakers go on with the configuration before');
    expect(await cluster.controller.metrics.text()).to.match(/unwritable_config_maps\{name="last-good-pools"\} 1/);
    expect(dataOf('last-good-pools')).to.deep.equal(before);
    mend();
    await cluster.clock.advance(10_000);
    expect(dataOf('last-good-pools')['pools.yaml']).to.include('203.0.113.0/25');
    expect(dataOf('pool-status').problems).to.equal('');
    expect(await cluster.controller.metrics.text()).to.not.include('unwritable_config_maps{');
  });

  it('ER-03: a conflict that no watch explains is looked at again at once', async () => {
    let conflicts = 0;
    cluster.api.before = async (call) => {
      if (!isStatusOf('web')(call) || conflicts === 1) return;
      conflicts += 1;
      const conditions = [{ type: 'example.com/Other', status: 'True', reason: 'Said', message: String(conflicts) }];
      await cluster.api.patch(
        services,
        { namespace: 'shop', name: 'web' },
        { type: 'merge', body: { status: { conditions } } },
      );
    };
    await cluster.add('web');
    await cluster.clock.advance(100);
    expect(conflicts).to.equal(1);
    expect(cluster.shown('web')).to.equal('203.0.113.0');
  });

  describe('of the ledger', () => {
    it('ER-04: refused for a minute it is told on the Services that wait, counted, and made good within 10 s', async () => {
      await cluster.add('served');
      await cluster.clock.advance(1_000);
      const mend = cluster.refuse(isLedgerWrite, denied);
      await cluster.add('web');
      await cluster.clock.advance(50_000);
      expect(cluster.told()).to.not.include('LedgerUnwritable web');
      await cluster.clock.advance(20_000);
      expect(cluster.told()).to.include('LedgerUnwritable web');
      expect(cluster.told()).to.not.include('LedgerUnwritable served');
      const text = await cluster.controller.metrics.text();
      expect(text).to.match(/berth_controller_unwritable_services\{what="ledger"\} 1/);
      expect(Number(/api_errors_total\{code="invalid"\} (\d+)/.exec(text)?.[1])).to.be.greaterThan(5);
      await cluster.clock.advance(600_000);
      const tries = cluster.api.calls.filter(isLedgerWrite).length;
      expect(tries).to.be.within(60, 100);
      mend();
      await cluster.clock.advance(10_000);
      expect(cluster.shown('web')).to.equal('203.0.113.1');
      expect(await cluster.controller.metrics.text()).to.match(/unwritable_services\{what="ledger"\} 0/);
    });

    it('ER-04: a status that cannot be written is counted', async () => {
      cluster.refuse(isPatch, denied);
      await cluster.add('web');
      await cluster.clock.advance(60_000);
      const text = await cluster.controller.metrics.text();
      expect(text).to.match(/berth_controller_unwritable_services\{what="status"\} 1/);
      expect(text).to.match(/api_errors_total\{code="invalid"\} [1-9]/);
    });
  });

  for (const cooldown of ['24d', '25d', '3650d']) {
    it(`ER-06: a Service that waits for an address that rests for ${cooldown} causes no work`, async () => {
      await cluster.pools({ lan: { addresses: ['203.0.113.9/32'], cooldown } });
      await cluster.add('first');
      await cluster.clock.advance(1_000);
      await cluster.api.delete(services, { namespace: 'shop', name: 'first' });
      await cluster.clock.advance(1_000);
      await cluster.add('second');
      await cluster.clock.advance(1_000);
      const before = cluster.writes().length;
      await cluster.clock.advance(60_000);
      expect(cluster.writes().length).to.equal(before);
      expect(cluster.shown('second')).to.equal('');
    });
  }
});
