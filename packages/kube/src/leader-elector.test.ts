// SPDX-License-Identifier: Apache-2.0

import { FakeClock, settle } from '@berth/runtime/testing';
import { expect } from 'chai';
import { KubeError } from './errors.ts';
import { LeaderElector } from './leader-elector.ts';
import { leases } from './resources.ts';
import { FakeApi, type FakeCall } from './testing/index.ts';

const LEASE = { namespace: 'berth-system', name: 'controller' };

/** A candidate that writes down when its terms begin and end. */
function candidate(api: FakeApi, clock: FakeClock, identity: string) {
  const log: string[] = [];
  const terms: AbortSignal[] = [];
  let finishWork = () => {};
  const elector = new LeaderElector({
    api: viewOf(api, identity),
    clock,
    random: () => 0,
    lease: LEASE,
    identity,
    lead: (term) => {
      log.push('begin');
      terms.push(term);
      return new Promise((resolve) => {
        finishWork = resolve;
        term.addEventListener('abort', () => {
          log.push('end');
          resolve();
        });
      });
    },
  });
  elector.start();
  return { elector, log, terms, finishWork: () => finishWork() };
}

/** Cuts one candidate off by name. */
const cut = new Set<string>();

function viewOf(api: FakeApi, identity: string): FakeApi {
  const guard = async (): Promise<void> => {
    if (cut.has(identity)) throw new KubeError('network', 'cut off');
  };
  return new Proxy(api, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (name === 'watch') return member.bind(target);
      return async (...args: unknown[]) => {
        await guard();
        return (member as (...all: unknown[]) => unknown).apply(target, args);
      };
    },
  });
}

const writes = (api: FakeApi) => api.calls.filter((call) => call.verb === 'replace' || call.verb === 'create').length;
const requests = (api: FakeApi, ...verbs: FakeCall['verb'][]) => api.calls.filter((c) => verbs.includes(c.verb)).length;

describe('LeaderElector', () => {
  let api: FakeApi;
  let clock: FakeClock;

  beforeEach(() => {
    api = new FakeApi();
    clock = new FakeClock();
    cut.clear();
  });

  it('makes the Lease, leads, and renews it every 5 s without reading it', async () => {
    const a = candidate(api, clock, 'a');
    await clock.advance(30_000);
    expect(a.log).to.deep.equal(['begin']);
    expect(writes(api)).to.equal(7);
    expect(requests(api, 'get')).to.equal(0);
    await a.elector.stop();
  });

  it('HA-04: lets one of two lead; the other sends nothing while it waits', async () => {
    const a = candidate(api, clock, 'a');
    await settle();
    const b = candidate(api, clock, 'b');
    await clock.advance(60_000);
    expect([a.log, b.log]).to.deep.equal([['begin'], []]);
    expect(api.all(leases)[0]?.spec?.holderIdentity).to.equal('a');
    expect(writes(api)).to.equal(13);
    await b.elector.stop();
    await a.elector.stop();
  });

  it('gives the Lease back on stop, and the other leads at once', async () => {
    const a = candidate(api, clock, 'a');
    await settle();
    const b = candidate(api, clock, 'b');
    await clock.advance(1_000);
    await a.elector.stop();
    expect(a.log).to.deep.equal(['begin', 'end']);
    await clock.advance(0);
    expect(b.log).to.deep.equal(['begin']);
    await b.elector.stop();
  });

  it('stops leading before anybody else may lead when it cannot renew', async () => {
    const a = candidate(api, clock, 'a');
    await settle();
    const b = candidate(api, clock, 'b');
    await clock.advance(5_000);
    cut.add('a');
    await clock.advance(10_000);
    expect([a.log, b.log]).to.deep.equal([['begin', 'end'], []]);
    await clock.advance(6_000);
    expect(b.log).to.deep.equal(['begin']);
    await b.elector.stop();
    await a.elector.stop();
  });

  it('HA-05: starts again with a lease that it lost and got back', async () => {
    const a = candidate(api, clock, 'a');
    await settle();
    cut.add('a');
    await clock.advance(20_000);
    cut.delete('a');
    await clock.advance(6_000);
    expect(a.log).to.deep.equal(['begin', 'end', 'begin']);
    await a.elector.stop();
  });

  it('HA-05: late clean-up of the old term does not cancel the new one', async () => {
    const log: string[] = [];
    const finish: (() => void)[] = [];
    const elector = new LeaderElector({
      api: viewOf(api, 'a'),
      clock,
      random: () => 0,
      lease: LEASE,
      identity: 'a',
      lead: async (term) => {
        const number = finish.length + 1;
        log.push(`begin ${number}`);
        term.addEventListener('abort', () => log.push(`abort ${number}`));
        await new Promise<void>((resolve) => finish.push(resolve));
        log.push(`cleaned up ${number}`);
      },
    });
    elector.start();
    await settle();
    cut.add('a');
    await clock.advance(20_000);
    cut.delete('a');
    await clock.advance(6_000);
    finish[0]?.();
    await clock.advance(30_000);
    expect(log).to.deep.equal(['begin 1', 'abort 1', 'begin 2', 'cleaned up 1']);
    expect(elector.isLeader).to.equal(true);
    finish[1]?.();
    await elector.stop();
  });

  it('HO-23: a wall clock that jumps makes no second leader and ends no term', async () => {
    const a = candidate(api, clock, 'a');
    await settle();
    const b = candidate(api, clock, 'b');
    await clock.advance(10_000);
    clock.shiftWall(3_600_000);
    await clock.advance(20_000);
    clock.shiftWall(-7_200_000);
    await clock.advance(20_000);
    expect([a.log, b.log]).to.deep.equal([['begin'], []]);
    await b.elector.stop();
    await a.elector.stop();
  });

  it('ends its term at once when it sees another holder', async () => {
    const a = candidate(api, clock, 'a');
    await clock.advance(1_000);
    const spec = { holderIdentity: 'intruder', leaseDurationSeconds: 15 };
    await api.patch(leases, LEASE, { type: 'merge', body: { spec } });
    await settle();
    expect(a.log).to.deep.equal(['begin', 'end']);
    await clock.advance(16_000);
    expect(a.log).to.deep.equal(['begin', 'end', 'begin']);
    await a.elector.stop();
  });

  it('FO-07: comes back to one leader when the Lease is deleted or its holder blanked', async () => {
    const a = candidate(api, clock, 'a');
    await settle();
    const b = candidate(api, clock, 'b');
    await clock.advance(1_000);
    for (const disturb of [
      () => api.delete(leases, LEASE),
      () => api.patch(leases, LEASE, { type: 'merge', body: { spec: { holderIdentity: '' } } }),
    ]) {
      await disturb();
      await clock.advance(20_000);
      expect([a.elector.isLeader, b.elector.isLeader].filter(Boolean)).to.have.length(1);
      const holder = api.all(leases)[0]?.spec?.holderIdentity;
      expect(holder).to.equal(a.elector.isLeader ? 'a' : 'b');
    }
    await b.elector.stop();
    await a.elector.stop();
  });

  describe('after a restore of etcd', () => {
    it('OL-05: the leader goes on with the Lease of the backup, or leads again within 30 s', async () => {
      const a = candidate(api, clock, 'a');
      await clock.advance(60_000);
      const backup = api.backUp();
      await clock.advance(300_000);
      api.restore(backup);
      await clock.advance(30_000);
      expect(a.elector.isLeader).to.equal(true);
      await a.elector.stop();
    });

    it('OL-05: with a Lease of somebody who is gone since, one of two leads within 30 s', async () => {
      const gone = candidate(api, clock, 'gone');
      await clock.advance(60_000);
      const backup = api.backUp();
      await gone.elector.stop();
      const [a, b] = [candidate(api, clock, 'a'), candidate(api, clock, 'b')];
      await clock.advance(300_000);
      api.restore(backup);
      await clock.advance(30_000);
      expect([a.elector.isLeader, b.elector.isLeader].filter(Boolean)).to.have.length(1);
      await Promise.all([a.elector.stop(), b.elector.stop()]);
    });

    it('OL-05: with a backup from before the first Lease, there is a leader within 30 s', async () => {
      const backup = api.backUp();
      const a = candidate(api, clock, 'a');
      await clock.advance(300_000);
      api.restore(backup);
      await clock.advance(30_000);
      expect(a.elector.isLeader).to.equal(true);
      await a.elector.stop();
    });
  });
});
