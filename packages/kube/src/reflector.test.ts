// SPDX-License-Identifier: Apache-2.0

import { FakeClock, settle } from '@berth/runtime/testing';
import { expect } from 'chai';
import { KubeError, type KubeErrorCode } from './errors.ts';
import type { ConfigMap } from './object.ts';
import { Reflector } from './reflector.ts';
import { configMaps } from './resources.ts';
import { Store } from './store.ts';
import { FakeApi, type FakeCall } from './testing/index.ts';

function setUp() {
  const clock = new FakeClock();
  const api = new FakeApi();
  const store = new Store<ConfigMap>();
  const errors: { code: string; retryInMs: number }[] = [];
  const events: string[] = [];
  store.subscribe((event) => events.push(`${event.type} ${event.object.metadata.name}`));
  const reflector = new Reflector({
    api,
    kind: configMaps,
    store,
    clock,
    random: () => 0,
    onError: (error, retryInMs) => errors.push({ code: error.code, retryInMs }),
  });
  const add = (name: string) => api.create(configMaps, { metadata: { namespace: 'shop', name } });
  const count = (verb: FakeCall['verb']) => api.calls.filter((call) => call.verb === verb && call.limit !== 1).length;
  return { clock, api, store, reflector, errors, events, add, count };
}

/** Fails the next `times` calls of a verb. */
function failing(verb: FakeCall['verb'], code: KubeErrorCode, times: number) {
  let left = times;
  return (call: FakeCall) => {
    if (call.verb !== verb || left === 0) return;
    left -= 1;
    throw new KubeError(code, `${verb}: made to fail`);
  };
}

describe('Reflector', () => {
  it('fills the store from a list and follows the watch', async () => {
    const { reflector, add, events } = setUp();
    await add('a');
    expect(reflector.hasSynced).to.equal(false);
    reflector.start();
    await reflector.ready;
    expect(reflector.hasSynced).to.equal(true);
    await add('b');
    await settle();
    expect(events).to.deep.equal(['added a', 'added b']);
    await reflector.stop();
  });

  it('reads a list of many pages whole', async () => {
    const { reflector, add, store, count } = setUp();
    for (let n = 0; n < 1_201; n += 1) await add(`m-${n}`);
    reflector.start();
    await reflector.ready;
    expect(store.size).to.equal(1_201);
    expect(count('list')).to.equal(3);
    await reflector.stop();
  });

  it('is ready with an empty list', async () => {
    const { reflector } = setUp();
    reflector.start();
    await reflector.ready;
    await reflector.stop();
  });

  it('resumes a closed watch from where it was, without a list', async () => {
    const { reflector, add, api, clock, events, count } = setUp();
    reflector.start();
    await reflector.ready;
    await add('a');
    await settle();
    api.closeWatches();
    await add('b');
    await clock.advance(1_000);
    expect(events).to.deep.equal(['added a', 'added b']);
    expect(count('list')).to.equal(1);
    await reflector.stop();
  });

  it('lists again after 410 and tells only the differences', async () => {
    const { reflector, add, api, clock, events, count } = setUp();
    await add('a');
    await add('b');
    reflector.start();
    await reflector.ready;
    api.before = failing('watch', 'network', 1);
    api.closeWatches();
    await api.delete(configMaps, { namespace: 'shop', name: 'a' });
    await add('c');
    api.compact();
    await clock.advance(1_000);
    expect(events).to.deep.equal(['added a', 'added b', 'added c', 'deleted a']);
    expect(count('list')).to.equal(2);
    await reflector.stop();
  });

  it('keeps trying after every kind of error, with growing and capped waits', async () => {
    const codes: KubeErrorCode[] = [
      'network',
      'server',
      'timeout',
      'unauthorized',
      'forbidden',
      'not-found',
      'invalid',
    ];
    for (const code of codes) {
      const { reflector, api, clock, errors, store, add } = setUp();
      await add('a');
      api.before = failing('list', code, 9);
      reflector.start();
      await clock.advance(60_000);
      expect(errors.map((error) => error.retryInMs)).to.deep.equal([
        100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000,
      ]);
      expect(store.size, code).to.equal(1);
      await reflector.stop();
    }
  });

  it('does not ask in a tight loop when each watch ends at once', async () => {
    const { reflector, api, clock, count } = setUp();
    api.before = (call) => {
      if (call.verb === 'watch') void Promise.resolve().then(() => api.closeWatches());
    };
    reflector.start();
    await clock.advance(10_000);
    expect(count('watch')).to.be.at.most(9);
    await reflector.stop();
  });

  it('waits as long as the server asks', async () => {
    const { reflector, api, clock, errors } = setUp();
    api.before = (call) => {
      if (call.verb === 'list') throw new KubeError('too-many-requests', 'slow', { retryAfterMs: 7_000 });
    };
    reflector.start();
    await clock.advance(6_999);
    expect(errors).to.deep.equal([{ code: 'too-many-requests', retryInMs: 7_000 }]);
    await clock.advance(1);
    expect(errors).to.have.length(2);
    await reflector.stop();
  });

  it('makes a silent watch anew and resumes', async () => {
    const { reflector, add, clock, store, errors, count } = setUp();
    reflector.start();
    await reflector.ready;
    await clock.advance(150_000);
    await add('a');
    await clock.advance(0);
    expect(count('watch')).to.equal(2);
    expect(count('list')).to.equal(1);
    expect(store.size).to.equal(1);
    expect(errors).to.deep.equal([]);
    await reflector.stop();
  });

  it('gives up a version that the server does not know, after some 5xx', async () => {
    const { reflector, api, clock, count } = setUp();
    reflector.start();
    await reflector.ready;
    api.before = failing('watch', 'server', 8);
    api.closeWatches();
    await clock.advance(60_000);
    expect(count('list')).to.equal(3);
    await reflector.stop();
  });

  it('refreshes a store whose watch is behind, and drops the late news', async () => {
    const { reflector, add, api, clock, events, store } = setUp();
    await add('a');
    reflector.start();
    await reflector.ready;
    api.before = failing('watch', 'network', 1);
    api.closeWatches();
    await settle();
    await api.delete(configMaps, { namespace: 'shop', name: 'a' });
    await add('b');
    await reflector.refresh(new AbortController().signal);
    expect(events).to.deep.equal(['added a', 'added b', 'deleted a']);
    await clock.advance(10_000);
    expect(events).to.deep.equal(['added a', 'added b', 'deleted a']);
    expect([...store.values()].map((object) => object.metadata.name)).to.deep.equal(['b']);
    await reflector.stop();
  });

  it('a refresh that is older than what the watch has brought changes nothing', async () => {
    const { reflector, add, api, store } = setUp();
    await add('gone');
    reflector.start();
    await reflector.ready;
    await settle();
    api.after = async (call) => {
      if (call.verb !== 'list') return;
      api.after = () => {};
      await api.delete(configMaps, { namespace: 'shop', name: 'gone' });
      await add('late');
      await settle();
    };
    await reflector.refresh(new AbortController().signal);
    expect([...store.values()].map((object) => object.metadata.name)).to.deep.equal(['late']);
    await reflector.stop();
  });

  describe('after a restore of etcd', () => {
    const names = (store: Store<ConfigMap>) => [...store.values()].map((object) => object.metadata.name);

    it('OL-06: lists again when the server is older than the store, and follows from there', async () => {
      const { reflector, add, api, clock, events, store } = setUp();
      await add('kept');
      const backup = api.backUp();
      reflector.start();
      await reflector.ready;
      for (let n = 0; n < 20; n += 1) await add(`lost-${n}`);
      await settle();
      api.restore(backup);
      await clock.advance(5_000);
      expect(names(store)).to.deep.equal(['kept']);
      await add('new');
      await clock.advance(0);
      expect(names(store)).to.deep.equal(['kept', 'new']);
      expect(events.filter((event) => event.startsWith('deleted'))).to.have.length(20);
      await reflector.stop();
    });

    it('OL-06: an object whose version is given a second time is taken over with its new content', async () => {
      const { reflector, add, api, clock, store } = setUp();
      await add('web');
      const backup = api.backUp();
      reflector.start();
      await reflector.ready;
      const label = (value: string) =>
        api.patch(
          configMaps,
          { namespace: 'shop', name: 'web' },
          { type: 'merge', body: { metadata: { labels: { value } } } },
        );
      await label('before');
      await add('later');
      await settle();
      api.restore(backup);
      await label('after');
      await clock.advance(5_000);
      expect([...store.values()].map(({ metadata }) => metadata.labels?.value)).to.deep.equal(['after']);
      await reflector.stop();
    });

    it('OL-06: a refresh that finds an older server takes its state over and begins a new watch', async () => {
      const { reflector, add, api, clock, store } = setUp();
      await add('kept');
      const backup = api.backUp();
      reflector.start();
      await reflector.ready;
      for (const name of ['a', 'b', 'c']) await add(name);
      await settle();
      api.before = failing('watch', 'network', 3);
      api.restore(backup);
      await reflector.refresh(new AbortController().signal);
      expect(names(store)).to.deep.equal(['kept']);
      await clock.advance(5_000);
      await add('new');
      await clock.advance(0);
      expect(names(store)).to.deep.equal(['kept', 'new']);
      await reflector.stop();
    });
  });

  it('stops without an error and leaves no timer', async () => {
    const { reflector, clock, errors, count } = setUp();
    reflector.start();
    await reflector.ready;
    await settle();
    await reflector.stop();
    await clock.advance(600_000);
    expect(errors).to.deep.equal([]);
    expect(count('watch')).to.equal(1);
    expect(clock.pendingTimers).to.equal(0);
  });
});
