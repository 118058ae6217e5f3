// SPDX-License-Identifier: Apache-2.0
import {
  ApiBudget,
  type ApiCall,
  configMaps,
  EventRecorder,
  events,
  type KubeApi,
  KubeClient,
  KubeError,
  services,
} from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import { systemClock } from '@berth/runtime';
import { expect } from 'chai';
import { run } from '../../lab/run.ts';
import { type Cluster, makeNamespace, sharedCluster } from '../support/cluster.ts';

const FINALIZER = 'service.kubernetes.io/load-balancer-cleanup';

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no error',
    (error: unknown) => (error instanceof KubeError ? error.code : error),
  );

/** What everything in this repository relies on, for the real API server and for the fake of the unit tests. */
function describeApi(name: string, open: () => Promise<{ api: KubeApi; namespace: string }>): void {
  describe(name, () => {
    let api: KubeApi;
    let namespace: string;

    beforeEach(async () => {
      ({ api, namespace } = await open());
    });

    const add = (text: string, data: Readonly<Record<string, string>> = {}) =>
      api.create(configMaps, { metadata: { namespace, name: text }, data });
    const addService = () =>
      api.create(services, {
        metadata: { namespace, name: 'web' },
        // Of a class that no one serves: other tests run controllers.
        spec: { type: 'LoadBalancer', loadBalancerClass: 'example.com/none', ports: [{ port: 80, protocol: 'TCP' }] },
      });

    it('gives back what was created, and refuses a second one', async () => {
      const made = await add('a', { key: 'value' });
      expect(made).to.deep.include({ apiVersion: 'v1', kind: 'ConfigMap', data: { key: 'value' } });
      expect((await api.get(configMaps, { namespace, name: 'a' })).metadata.uid).to.equal(made.metadata.uid);
      expect(await codeOf(add('a'))).to.equal('already-exists');
    });

    it('replaces only the version that was read', async () => {
      const first = await add('a');
      const second = await api.replace(configMaps, { ...first, data: { n: '2' } });
      expect(second.metadata.resourceVersion).to.not.equal(first.metadata.resourceVersion);
      expect(await codeOf(api.replace(configMaps, { ...first, data: { n: '3' } }))).to.equal('conflict');
    });

    it('merge-patches only the version that the patch names', async () => {
      const { metadata } = await add('a', { keep: 'x', drop: 'y' });
      const at = { namespace, name: 'a' };
      const body = { metadata: { resourceVersion: metadata.resourceVersion }, data: { drop: null, new: 'z' } };
      const patched = await api.patch(configMaps, at, { type: 'merge', body });
      expect(patched.data).to.deep.equal({ keep: 'x', new: 'z' });
      expect(await codeOf(api.patch(configMaps, at, { type: 'merge', body }))).to.equal('conflict');
    });

    it('says that an object is not there', async () => {
      const at = { namespace, name: 'nowhere' };
      expect(await codeOf(api.get(configMaps, at))).to.equal('not-found');
      expect(await codeOf(api.patch(configMaps, at, { type: 'merge', body: {} }))).to.equal('not-found');
      expect(await codeOf(api.delete(configMaps, at))).to.equal('not-found');
    });

    it('takes finalizer, annotation, address and condition in one patch of the status', async () => {
      await addService();
      const condition = { type: 'berth.dev/AddressAssigned', status: 'True', reason: 'Assigned', message: '' };
      const body = {
        metadata: { finalizers: [FINALIZER], annotations: { 'berth.dev/ip-allocated-from-pool': 'lan' } },
        status: {
          loadBalancer: { ingress: [{ ip: '203.0.113.40', ipMode: 'VIP' }] },
          conditions: [{ ...condition, lastTransitionTime: '2026-01-01T00:00:00Z' }],
        },
      };
      await api.patch(services, { namespace, name: 'web' }, { type: 'merge', body }, { subresource: 'status' });
      const service = await api.get(services, { namespace, name: 'web' });
      expect(service.metadata.finalizers).to.deep.equal([FINALIZER]);
      expect(service.metadata.annotations).to.deep.include(body.metadata.annotations);
      expect(service.status?.loadBalancer?.ingress?.[0]).to.deep.include({ ip: '203.0.113.40', ipMode: 'VIP' });
      expect(service.status?.conditions?.[0]?.type).to.equal(condition.type);
    });

    it('keeps a deleted object until its finalizer is gone', async () => {
      await addService();
      const at = { namespace, name: 'web' };
      const finalizers = (list: string[] | null) =>
        api.patch(services, at, { type: 'merge', body: { metadata: { finalizers: list } } }, { subresource: 'status' });
      await finalizers([FINALIZER]);
      await api.delete(services, at);
      expect((await api.get(services, at)).metadata.deletionTimestamp).to.be.a('string');
      await finalizers(null);
      expect(await codeOf(api.get(services, at))).to.equal('not-found');
    });

    it('lists in pages, each object with its kind', async () => {
      for (const text of ['a', 'b', 'c']) await add(text);
      const seen: string[] = [];
      let continueToken: string | undefined;
      do {
        const page = await api.list(configMaps, { namespace, limit: 2, ...(continueToken ? { continueToken } : {}) });
        for (const item of page.items) seen.push(`${item.kind} ${item.metadata.name}`);
        continueToken = page.continueToken;
      } while (continueToken !== undefined);
      expect(seen).to.include.members(['ConfigMap a', 'ConfigMap b', 'ConfigMap c']);
    });

    it('lists metadata alone, of objects with a label or without it', async () => {
      const labels = { part: 'ledger' };
      await api.create(configMaps, { metadata: { namespace, name: 'l', labels }, data: { much: 'text' } });
      await add('other');
      const list = async (labelSelector: string) =>
        (await api.list(configMaps, { namespace, labelSelector, metadataOnly: true })).items;
      expect((await list('part=ledger')).map(({ metadata, data }) => [metadata.name, data])).to.deep.equal([
        ['l', undefined],
      ]);
      expect((await list('part!=ledger')).map(({ metadata }) => metadata.name))
        .to.include('other')
        .and.not.include('l');
    });

    it('watches from where a list ended, until it is stopped', async () => {
      await add('before');
      const { resourceVersion } = await api.list(configMaps, { namespace });
      const stopper = new AbortController();
      const seen: string[] = [];
      const watching = (async () => {
        const options = { namespace, fieldSelector: 'metadata.name=a', resourceVersion, timeoutSeconds: 60 };
        for await (const event of api.watch(configMaps, { ...options, signal: stopper.signal })) {
          if (event.type !== 'BOOKMARK') seen.push(`${event.type} ${event.object.data?.n ?? ''}`);
          if (event.type === 'DELETED') stopper.abort();
        }
      })();
      const made = await add('a', { n: '1' });
      await add('other');
      await api.replace(configMaps, { ...made, data: { n: '2' } });
      await api.delete(configMaps, { namespace, name: 'a' });
      expect(await codeOf(watching)).to.equal('aborted');
      expect(seen).to.deep.equal(['ADDED 1', 'MODIFIED 2', 'DELETED 2']);
    });

    it('stops a call whose signal is aborted', async () => {
      const signal = AbortSignal.abort();
      expect(await codeOf(api.list(configMaps, { namespace, signal }))).to.equal('aborted');
    });
  });
}

describeApi('FakeApi', async () => ({ api: new FakeApi(), namespace: 'shop' }));

describeApi('KubeClient', async () => {
  const { client } = await sharedCluster();
  return { api: client, namespace: await makeNamespace(client) };
});

describe('KubeClient alone', () => {
  let cluster: Cluster;
  let namespace: string;

  before(async () => {
    cluster = await sharedCluster();
    namespace = await makeNamespace(cluster.client);
  });

  it('speaks JSON patch, strategic merge patch and server-side apply', async () => {
    const { client } = cluster;
    const at = { namespace, name: 'patched' };
    await client.create(configMaps, { metadata: at, data: { a: '1' } });
    await client.patch(configMaps, at, { type: 'json', body: [{ op: 'replace', path: '/data/a', value: '2' }] });
    await client.patch(configMaps, at, { type: 'strategic', body: { data: { b: '3' } } });
    const applied = { metadata: at, data: { a: '4' } };
    const refusal = await codeOf(client.patch(configMaps, at, { type: 'apply', body: applied }));
    expect(refusal).to.equal('conflict');
    const result = await client.patch(configMaps, at, { type: 'apply', body: applied, force: true });
    expect(result.data).to.deep.equal({ a: '4', b: '3' });
  });

  it('names what is invalid and what is forbidden', async () => {
    const { client, lab, access } = cluster;
    const invalid = client.create(configMaps, { metadata: { namespace, name: 'Not A Name' } });
    expect(await codeOf(invalid)).to.equal('invalid');
    // An account of its own: the controller manager makes `default` some time after the namespace.
    await lab.kubectl(['create', 'serviceaccount', 'stranger', '-n', namespace]);
    const token = (await lab.kubectl(['create', 'token', 'stranger', '-n', namespace])).trim();
    const { tls } = await access.credentials();
    const credentials = async () => ({ headers: { Authorization: `Bearer ${token}` }, tls });
    const stranger = new KubeClient({
      clock: systemClock,
      access: { server: access.server, namespace, credentials, invalidate: () => {} },
    });
    expect(await codeOf(stranger.list(configMaps, { namespace }))).to.equal('forbidden');
    stranger.close();
  });

  it('writes Events that kubectl describe shows', async () => {
    const { client, lab } = cluster;
    const service = await client.create(services, {
      metadata: { namespace, name: 'told' },
      spec: { ports: [{ port: 80 }] },
    });
    const recorder = new EventRecorder({
      clock: systemClock,
      api: client,
      budget: new ApiBudget({ clock: systemClock }),
      component: 'berth-controller',
      instance: 'test',
    });
    const note = { type: 'Normal', reason: 'IPAllocated', message: 'assigned 203.0.113.40 from pool "lan"' } as const;
    recorder.record(service, note);
    await recorder.flush();
    const text = await lab.kubectl(['describe', 'service', 'told', '-n', namespace]);
    expect(text).to.match(/Normal\s+IPAllocated\s+\S+\s+berth-controller\s+assigned 203\.0\.113\.40/);
    expect((await client.list(events, { namespace })).items).to.have.length(1);
  });

  it('says of each call what it was, how it ended and how long it took', async () => {
    const calls: ApiCall[] = [];
    const client = new KubeClient({ clock: systemClock, access: cluster.access, onCall: (call) => calls.push(call) });
    const at = { namespace, name: 'measured' };
    await codeOf(client.get(configMaps, at));
    await client.create(configMaps, { metadata: at });
    await client.list(configMaps, { namespace });
    await codeOf(client.patch(services, at, { type: 'merge', body: {} }, { subresource: 'status' }));
    await client.delete(configMaps, at);
    expect(calls.map(({ verb, resource, result }) => `${verb} ${resource} ${result}`)).to.deep.equal([
      'get configmaps not-found',
      'create configmaps ok',
      'list configmaps ok',
      'patch services/status not-found',
      'delete configmaps ok',
    ]);
    for (const { milliseconds } of calls) expect(milliseconds).to.be.greaterThan(0);
    client.close();
  });

  it('uses few connections for many requests at a time', async () => {
    const client = new KubeClient({ clock: systemClock, access: cluster.access });
    const own = async () => {
      const sockets = await run(['ss', '-Htnp', 'state', 'established', 'dport', '=', ':6443']);
      return sockets.split('\n').filter((line) => line.includes(`pid=${process.pid},`)).length;
    };
    const before = await own();
    await Promise.all(Array.from({ length: 200 }, () => client.list(configMaps, { namespace })));
    expect((await own()) - before).to.be.at.most(16);
    client.close();
  });
});
