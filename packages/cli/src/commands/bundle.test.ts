// SPDX-License-Identifier: Apache-2.0
import { EMPTY_HISTORY, encodeHistory, HISTORY_KEY, HISTORY_LABEL, HISTORY_MAP } from '@berth/core';
import { SAMPLE_MS, sampleCluster } from '@berth/core/testing';
import { configMaps, events, type KubeObject, nodes, pods, type Resource, secrets, services } from '@berth/kube';
import { type FakeApi, fakeApiOf } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { extract } from 'tar-stream';
import { parseCommandLine } from '../command-line.ts';
import { run } from '../run.ts';

const NAMESPACE = 'berth-system';
/** Each planted somewhere; none may come out. */
const PLANTED = {
  secret: 'planted-in-a-secret',
  environment: 'planted-in-the-environment',
  logged: 'planted-in-env-and-logged',
  log: 'planted-in-a-log-line',
  foreignMap: 'planted-in-a-config-map',
  otherKey: 'planted-in-another-key',
  applied: 'planted-in-last-applied',
  annotation: 'planted-in-an-annotation',
  pod: 'planted-in-a-pod-annotation',
  argument: 'planted-in-an-argument',
  message: 'planted-in-an-event',
  node: 'planted-on-a-node',
  foreignEvent: 'planted-in-a-foreign-event',
  otherPod: 'planted-in-another-pod',
};
const APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

async function staged(): Promise<FakeApi> {
  const history = {
    metadata: { namespace: NAMESPACE, name: HISTORY_MAP, labels: HISTORY_LABEL },
    data: { [HISTORY_KEY]: encodeHistory(EMPTY_HISTORY) },
  };
  const api = await fakeApiOf(sampleCluster({ configMaps: [history] }));
  const create = (kind: Resource<KubeObject>, object: object) => api.create(kind, object as KubeObject);
  const at = (name: string) => ({ namespace: NAMESPACE, name });
  await create(secrets, { metadata: at('heartbeat'), data: { current: PLANTED.secret } });
  await create(configMaps, { metadata: at('kube-root-ca.crt'), data: { ca: PLANTED.foreignMap } });
  const merge = (body: object) => ({ type: 'merge', body }) as const;
  await api.patch(configMaps, at('ip-address-pools'), merge({ data: { password: PLANTED.otherKey } }));
  const annotations = {
    [APPLIED]: PLANTED.applied,
    'acme.example/token': PLANTED.annotation,
    'berth.dev/note': 'kept',
  };
  await api.patch(services, { namespace: 'ns-0', name: 's-0' }, merge({ metadata: { annotations } }));
  await api.patch(nodes, { name: 'edge-1' }, merge({ metadata: { annotations: { 'acme.example/x': PLANTED.node } } }));
  const env = [
    { name: 'PROXY', value: PLANTED.environment },
    { name: 'PROXY_TOKEN', value: PLANTED.logged },
  ];
  const labels = { 'app.kubernetes.io/component': 'speaker' };
  const containers = [{ name: 'speaker', image: 'berth:0.1.0', args: [`--token=${PLANTED.argument}`], env }];
  await create(pods, {
    metadata: { ...at('speaker-a'), labels, annotations: { note: PLANTED.pod } },
    spec: { nodeName: 'edge-1', containers },
    status: { containerStatuses: [{ name: 'speaker', restartCount: 1 }] },
  });
  await create(pods, {
    metadata: at('other'),
    spec: { containers: [{ name: 'x', image: PLANTED.otherPod, env: [{ name: 'A', value: PLANTED.otherPod }] }] },
  });
  const about = { kind: 'Service', namespace: 'ns-0', name: 's-0' };
  await create(events, {
    ...{ metadata: { namespace: 'ns-0', name: 'e1' }, involvedObject: about, reason: 'addressAssigned' },
    ...{ message: `password: ${PLANTED.message}`, source: { component: 'berth-controller' } },
  });
  await create(events, {
    ...{ metadata: { namespace: 'ns-0', name: 'e2' }, involvedObject: about },
    ...{ message: PLANTED.foreignEvent, source: { component: 'acme' } },
  });
  api.calls.length = 0;
  return api;
}

interface Bundled {
  readonly code: number;
  readonly err: string;
  readonly name: string;
  readonly files: ReadonlyMap<string, string>;
}

async function bundle(api: FakeApi, ...options: string[]): Promise<Bundled> {
  const said: string[] = [];
  let [name, data] = ['', new Uint8Array()];
  const code = await run(parseCommandLine(['bundle', ...options]), {
    out: (text) => said.push(text),
    err: (text) => said.push(text),
    readFile: async () => '',
    writeFile: async (file, bytes) => {
      [name, data] = [file, bytes as Uint8Array<ArrayBuffer>];
    },
    connect: async () => ({
      ...{ api, namespace: 'shop' },
      logs: async (pod, { container, isPrevious }) =>
        `{"message":"${pod.name} ${container} ${isPrevious ? 'before' : 'now'}","token":"${PLANTED.log}"}\nsees ${PLANTED.logged}\n`,
    }),
    clock: new FakeClock(new Date(SAMPLE_MS)),
  });
  return { code, err: said.join(''), name, files: await unpacked(data) };
}

async function unpacked(data: Uint8Array): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  const tar = extract();
  tar.end(Buffer.from(data));
  for await (const entry of tar) {
    expect(entry.header.mode).to.equal(0o600);
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    files.set(entry.header.name, Buffer.concat(chunks).toString());
  }
  return files;
}

describe('kubectl berth bundle', () => {
  it('CL-11: has in it what status, explain and history read, the logs, and what they say', async () => {
    const { code, err, name, files } = await bundle(await staged());
    expect([code, name]).to.deep.equal([0, 'berth-bundle-20261130T100000Z.tar']);
    expect(err).to.match(/^\d+ files in berth-bundle-\S+\.tar: look through it before you send it\n$/);
    const kinds = ['services', 'nodes', 'namespaces', 'endpointslices', 'leases', 'configmaps', 'events', 'pods'];
    expect([...files.keys()]).to.include.members([
      ...kinds.map((kind) => `berth-bundle/objects/${kind}.json`),
      ...['status', 'vips', 'pools', 'history'].map((command) => `berth-bundle/${command}.txt`),
      ...['berth-bundle/about.json', 'berth-bundle/logs/speaker-a/speaker.log'],
      'berth-bundle/logs/speaker-a/speaker.previous.log',
    ]);
    const [first] = JSON.parse(files.get('berth-bundle/objects/services.json') ?? '');
    expect(first.metadata.annotations).to.deep.equal({ 'berth.dev/note': 'kept' });
    expect(first.status.loadBalancer.ingress[0].ip).to.equal('198.18.0.1');
    expect(files.get('berth-bundle/vips.txt')).to.include('198.18.0.1');
    expect(files.get('berth-bundle/logs/speaker-a/speaker.previous.log')).to.include('speaker-a speaker before');
    const maps = JSON.parse(files.get('berth-bundle/objects/configmaps.json') ?? '') as KubeObject[];
    expect(maps.map(({ metadata }) => metadata.name)).to.have.members(['ip-address-pools', 'ledger', 'history']);
  });

  it('CL-11: has no planted secret in it, and asks for no Secret', async () => {
    const api = await staged();
    const { files } = await bundle(api);
    const all = [...files].map(([name, text]) => `${name}\n${text}`).join('\n');
    for (const [where, secret] of Object.entries(PLANTED)) expect(all.includes(secret), where).to.equal(false);
    expect(all).to.include('PROXY_TOKEN').and.include('(left out)');
    expect(api.calls.filter(({ kind }) => kind === 'Secret')).to.deep.equal([]);
    expect(api.calls.filter(({ verb }) => verb !== 'get' && verb !== 'list')).to.deep.equal([]);
  });

  it('CL-11: leaves every JSON file readable', async () => {
    const { files } = await bundle(await staged());
    for (const [name, text] of files) if (name.endsWith('.json')) expect(() => JSON.parse(text), name).to.not.throw();
  });

  it('CL-11: goes without what may not be read, and says so', async () => {
    const api = await staged();
    api.before = ({ kind }) => {
      if (kind === 'Event' || kind === 'Pod') throw new Error(`${kind}: forbidden`);
    };
    const { code, err, files } = await bundle(api, '-f', '-');
    expect(code).to.equal(0);
    expect(err).to.include('not in it: events: Event: forbidden\n').and.include('files in the archive');
    expect(JSON.parse(files.get('berth-bundle/about.json') ?? '').missing).to.have.length(2);
  });

  it('CL-11: takes no logs with --log-lines 0, and fails where nothing can be read', async () => {
    const api = await staged();
    expect([...(await bundle(api, '--log-lines', '0')).files.keys()].join()).to.not.include('logs/');
    api.before = () => {
      throw new Error('no one is there');
    };
    expect(await bundle(api).catch(String)).to.include('nothing could be read: no one is there');
  });
});
