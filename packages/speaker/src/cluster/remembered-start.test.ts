// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type KubeObject,
  type ListOptions,
  type ListPage,
  namespaces,
  type Resource,
  type Service,
  secrets,
  services,
} from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import type { Log } from '@berth/runtime';
import { FakeClock, settle } from '@berth/runtime/testing';
import { expect } from 'chai';
import { node, service } from '../testing.ts';
import { EndpointWatch } from './endpoint-watch.ts';
import { HeartbeatCredentials } from './heartbeat-credentials.ts';
import { knowCluster } from './remembered-start.ts';
import type { SavedState } from './saved-state.ts';
import { Watches } from './watches.ts';

const KEY = Buffer.from('a secret of 32 bytes, and then more');
const versioned = (name: string, vip: string): Service => {
  const made = service(name, vip);
  return { ...made, metadata: { ...made.metadata, resourceVersion: '7' } };
};
const SAVED: SavedState = {
  clusterId: '0123456789abcdef',
  services: [versioned('web', '192.0.2.7'), versioned('gone', '192.0.2.8')],
  nodes: [node('edge-1')],
  accepted: [],
  slices: undefined,
};

/** An API server that does not answer, until it is let. */
class AwayApi extends FakeApi {
  readonly #back = Promise.withResolvers<void>();

  comeBack(): void {
    this.#back.resolve();
  }

  override async list<T extends KubeObject>(kind: Resource<T>, options?: ListOptions): Promise<ListPage<T>> {
    await this.#back.promise;
    return super.list(kind, options);
  }
}

describe('knowCluster', () => {
  let folder: string;
  let api: AwayApi;
  let clock: FakeClock;
  let watches: Watches;
  let credentials: HeartbeatCredentials;
  let endpoints: EndpointWatch;
  let source: string | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'berth-keys-'));
    writeFileSync(join(folder, 'current'), KEY);
    api = new AwayApi();
    clock = new FakeClock();
    source = undefined;
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  async function start(saved: SavedState | undefined, keyFolder: string | undefined = folder): Promise<void> {
    const log: Log = { error() {}, warn() {}, info() {}, debug() {} };
    watches = new Watches({ api, clock, namespace: 'berth-system' });
    credentials = new HeartbeatCredentials({ api, clock, log, namespace: 'berth-system' });
    endpoints = new EndpointWatch({ api, clock });
    watches.start();
    credentials.start();
    const file = { read: async () => saved };
    void knowCluster({ watches, endpoints, credentials, file, keyFolder, clock, log }).then((known) => {
      source = known;
    });
    await settle();
  }

  const names = () => [...watches.services.values()].map(({ metadata }) => metadata.name).sort();

  it('NN-02: gives way to the API server as soon as that answers', async () => {
    await start(SAVED);
    await patience();
    await api.create(services, service('web', '192.0.2.9'));
    api.comeBack();
    await watches.ready;
    expect(names()).to.deep.equal(['web']);
    const [web] = watches.services.values();
    expect(web?.status?.loadBalancer?.ingress?.map(({ ip }) => ip)).to.deep.equal(['192.0.2.9']);
    expect(watches.hasSynced).to.equal(true);
  });

  async function patience(): Promise<void> {
    await clock.advance(3_000);
    // The file is read by the machine, not by the fake clock.
    for (let turn = 0; turn < 50 && source === undefined; turn += 1) await new Promise((next) => setTimeout(next, 2));
  }

  it('NN-02: starts with what was known before when the API server does not answer', async () => {
    await start(SAVED);
    expect(source).to.equal(undefined);
    await patience();
    expect(source).to.equal('file');
    expect(names()).to.deep.equal(['gone', 'web']);
    expect(credentials.clusterId).to.equal(SAVED.clusterId);
    expect(credentials.missing).to.equal(undefined);
    // What is known by the file alone is not saved again as if the API server had said it.
    expect(watches.hasSynced).to.equal(false);
    expect(credentials.confirmedClusterId).to.equal(undefined);
  });

  it('NN-02: does not wait for endpoints that were not saved', async () => {
    await start(SAVED);
    watches.services.subscribe(() => endpoints.begin());
    await patience();
    let isReady = false;
    void endpoints.ready.then(() => {
      isReady = true;
    });
    await settle();
    expect(isReady).to.equal(true);
    expect([...(endpoints.nodesOf('shop/web') ?? ['unknown'])]).to.deep.equal([]);
  });

  for (const [name, saved, keys] of [
    ['a file', undefined, 'keys'],
    ['keys', SAVED, 'no keys'],
  ] as const) {
    it(`NN-02: waits for the API server without ${name}`, async () => {
      if (keys === 'no keys') rmSync(join(folder, 'current'));
      await start(saved);
      await patience();
      expect(source).to.equal(undefined);
      expect(names()).to.deep.equal([]);
    });
  }

  it('does not look at the file where the API server answers', async () => {
    api.comeBack();
    await api.create(namespaces, { metadata: { name: 'kube-system' } });
    await api.create(secrets, {
      metadata: { namespace: 'berth-system', name: 'heartbeat' },
      data: { current: KEY.toString('base64') },
    });
    await api.create(services, service('web', '192.0.2.7'));
    await start(SAVED);
    expect(source).to.equal('api');
    expect(names()).to.deep.equal(['web']);
    expect(credentials.confirmedClusterId).to.match(/^[0-9a-f]{16}$/);
  });
});
