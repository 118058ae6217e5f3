// SPDX-License-Identifier: Apache-2.0
import { type ConfigMap, configMaps, KubeClient, Reflector, Store } from '@berth/kube';
import { systemClock } from '@berth/runtime';
import { expect } from 'chai';
import { type Cluster, makeNamespace, restartApiServer, sharedCluster } from '../support/cluster.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { until } from '../support/until.ts';

const isWatch = (_: string, url: string) => url.includes('watch=1');
const isList = (method: string, url: string) => method === 'GET' && !url.includes('watch=1');

describe('Reflector against an API server that misbehaves', () => {
  let cluster: Cluster;
  let proxy: FaultProxy;
  let client: KubeClient;
  let store: Store<ConfigMap>;
  let reflector: Reflector<ConfigMap>;
  let namespace: string;
  let events: string[];
  let errors: { code: string; retryInMs: number }[];

  before(async () => {
    cluster = await sharedCluster();
  });

  beforeEach(async () => {
    namespace = await makeNamespace(cluster.client);
    proxy = await FaultProxy.start(cluster.access);
    client = new KubeClient({ clock: systemClock, access: proxy.access });
    store = new Store<ConfigMap>();
    events = [];
    errors = [];
    store.subscribe(({ type, object }) => events.push(`${type} ${object.metadata.name}`));
    reflector = makeReflector();
  });

  afterEach(async () => {
    await reflector.stop();
    client.close();
    await proxy.stop();
  });

  function makeReflector(options: { staleAfterMs?: number } = {}): Reflector<ConfigMap> {
    return new Reflector({
      clock: systemClock,
      api: client,
      kind: configMaps,
      store,
      selection: { namespace, labelSelector: 'of=test' },
      onError: ({ code }, retryInMs) => errors.push({ code, retryInMs }),
      ...options,
    });
  }

  const add = (name: string) =>
    cluster.client.create(configMaps, { metadata: { namespace, name, labels: { of: 'test' } } });
  const remove = (name: string) => cluster.client.delete(configMaps, { namespace, name });
  const sees = (...wanted: string[]) => until(() => expect(events).to.deep.equal(wanted));
  const isWatching = (count: number) => until(() => expect(proxy.watches).to.equal(count));

  async function startWithOne(): Promise<void> {
    await add('a');
    reflector.start();
    await reflector.ready;
    await isWatching(1);
  }

  it('lists, then follows', async () => {
    await startWithOne();
    await add('b');
    await remove('a');
    await sees('added a', 'added b', 'deleted a');
    expect(store.get(`${namespace}/b`)?.metadata).to.not.have.property('managedFields');
  });

  it('asks for bookmarks and a time limit of 5 to 10 minutes', async () => {
    await startWithOne();
    const query = new URL(`http://x${proxy.requests.find((line) => line.includes('watch=1'))?.slice(4)}`).searchParams;
    expect(query.get('allowWatchBookmarks')).to.equal('true');
    expect(Number(query.get('timeoutSeconds'))).to.be.within(300, 600);
  });

  it('resumes a watch that was closed, without listing again', async () => {
    await startWithOne();
    proxy.close();
    await add('b');
    await sees('added a', 'added b');
    expect(proxy.lists).to.equal(1);
  });

  it('resumes a watch whose connection was reset, without listing again', async () => {
    await startWithOne();
    proxy.reset();
    await add('b');
    await sees('added a', 'added b');
    expect(proxy.lists).to.equal(1);
  });

  it('goes on trying while connections are refused', async () => {
    await startWithOne();
    proxy.refusing = true;
    await add('b');
    await until(() => expect(errors.length).to.be.greaterThan(2));
    proxy.refusing = false;
    await sees('added a', 'added b');
    const waits = errors.map((error) => error.retryInMs);
    expect(waits.at(-1)).to.be.greaterThan(waits[0] ?? 0);
  });

  it('notices a dead connection and resumes on a new one', async () => {
    reflector = makeReflector({ staleAfterMs: 1_000 });
    await startWithOne();
    proxy.swallowing = true;
    await add('b');
    await isWatching(2);
    proxy.swallowing = false;
    proxy.reset();
    await sees('added a', 'added b');
    expect(proxy.lists).to.equal(1);
  });

  it('lists again after 410 on the watch request, and tells only the differences', async () => {
    await startWithOne();
    proxy.answer(isWatch, { status: 410, body: '{"kind":"Status","code":410,"reason":"Expired"}' });
    proxy.refusing = true;
    await remove('a');
    await add('b');
    await add('c');
    proxy.refusing = false;
    await sees('added a', 'added b', 'added c', 'deleted a');
    expect(proxy.lists).to.equal(2);
  });

  it('lists again after 410 inside the watch', async () => {
    await startWithOne();
    const gone = { type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } };
    proxy.answer(isWatch, { status: 200, body: `${JSON.stringify(gone)}\n` });
    proxy.reset();
    await until(() => expect(proxy.lists).to.equal(2));
    await add('b');
    await sees('added a', 'added b');
  });

  it('waits as long as 429 asks, for lists and watches', async () => {
    const busy = { status: 429, headers: { 'Retry-After': '1' } };
    proxy.answer(isList, busy);
    proxy.answer(isWatch, busy);
    const startedAt = performance.now();
    reflector.start();
    await isWatching(2);
    expect(performance.now() - startedAt).to.be.greaterThan(1_990);
    expect(errors.map((error) => error.code)).to.deep.equal(['too-many-requests', 'too-many-requests']);
  });

  for (const status of [500, 502, 503, 504]) {
    it(`recovers from ${status} on list and watch`, async () => {
      proxy.answer(isList, { status, body: 'upstream is not well' }, 2);
      proxy.answer(isWatch, { status }, 2);
      await startWithOneAfterFaults();
      await add('b');
      await sees('added a', 'added b');
      expect(errors.map((error) => error.code)).to.deep.equal(['server', 'server', 'server', 'server']);
    });
  }

  async function startWithOneAfterFaults(): Promise<void> {
    await add('a');
    reflector.start();
    await isWatching(3);
  }

  it('recovers from an answer that is not JSON', async () => {
    proxy.answer(isList, { status: 200, body: '<html>portal</html>' });
    proxy.answer(isWatch, { status: 200, body: '<html>portal</html>\n' });
    await add('a');
    reflector.start();
    await sees('added a');
    await isWatching(2);
    expect(errors.map((error) => error.code)).to.deep.equal(['bad-response', 'bad-response']);
  });

  it('stops at once and in silence', async () => {
    await startWithOne();
    await reflector.stop();
    const before = proxy.requests.length;
    await add('b');
    expect(events).to.deep.equal(['added a']);
    expect(errors).to.deep.equal([]);
    expect(proxy.requests.length).to.equal(before);
  });

  for (const how of ['gently', 'crash'] as const) {
    it(`goes on after the API server was restarted (${how})`, async () => {
      await startWithOne();
      await restartApiServer(cluster, how);
      await add('b');
      await sees('added a', 'added b');
      expect(store.size).to.equal(2);
    });
  }
});
