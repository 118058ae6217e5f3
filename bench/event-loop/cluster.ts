// SPDX-License-Identifier: Apache-2.0

// An API server in memory with thousands of Services in one namespace, and a controller in a process of its own.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { poolDocuments, serviceOf } from '@berth/core/testing';
import { configMaps, type NewObject, namespaces, type Service, services } from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import { serveApi } from './served-api.ts';

const SYSTEM = 'berth-system';
const POLL_MS = 2_000;

/** One pool that looks at labels of namespaces; the second entry makes each edit another one. */
function pools(round: number): string {
  const serviceAllocation = { namespaceSelectors: [{ matchLabels: { team: 'red' } }] };
  return poolDocuments({ lan: { addresses: ['10.0.0.0/14', `10.8.0.0/${16 + round}`], serviceAllocation } });
}

export class Cluster {
  readonly #api: FakeApi;
  readonly #controller: ChildProcess;
  readonly #close: () => void;

  private constructor(api: FakeApi, controller: ChildProcess, close: () => void) {
    this.#api = api;
    this.#controller = controller;
    this.#close = close;
  }

  /** Resolves when all Services have an address. */
  static async filled(count: number): Promise<Cluster> {
    const api = new FakeApi();
    const { url, close } = await serveApi(api);
    const file = fileURLToPath(import.meta.resolve('./controller.ts'));
    await fill(api, count);
    const controller = fork(file, [url, SYSTEM], { execArgv: await optionsOfNode() });
    const cluster = new Cluster(api, controller, close);
    await cluster.configure(0);
    while (!api.all(services).every(({ status }) => status?.loadBalancer?.ingress?.length)) await sleep(POLL_MS);
    return cluster;
  }

  /** Longest turn of the controller's event loop since this was asked last, in milliseconds. */
  async longestTurnMs(): Promise<number> {
    this.#controller.send('longest turn');
    const [longestMs] = (await once(this.#controller, 'message')) as [number];
    return longestMs;
  }

  async configure(round: number): Promise<void> {
    const metadata = { namespace: SYSTEM, name: 'ip-address-pools' };
    const present = this.#api.all(configMaps).find((one) => one.metadata.name === metadata.name);
    const data = { 'pools.yaml': pools(round) };
    if (present) await this.#api.replace(configMaps, { ...present, data });
    else await this.#api.create(configMaps, { metadata, data });
  }

  async label(round: number): Promise<void> {
    const shop = this.#api.all(namespaces).find((one) => one.metadata.name === 'shop');
    const labels = { team: 'red', round: String(round) };
    if (shop) await this.#api.replace(namespaces, { ...shop, metadata: { ...shop.metadata, labels } });
  }

  async addNamespace(round: number): Promise<void> {
    await this.#api.create(namespaces, { metadata: { name: `other-${round}`, labels: { team: 'red' } } });
  }

  async stop(): Promise<void> {
    const ended = once(this.#controller, 'exit');
    this.#controller.disconnect();
    await ended;
    this.#close();
  }
}

async function fill(api: FakeApi, count: number): Promise<void> {
  await api.create(namespaces, { metadata: { name: 'shop', labels: { team: 'red' } } });
  for (let index = 0; index < count; index++) {
    const { metadata: { resourceVersion: _, ...metadata } = {}, ...rest } = serviceOf(`service-${index}`);
    await api.create(services, { ...rest, metadata } as unknown as NewObject<Service>);
  }
}

/** The options with which the manifest starts Node: a heap of another size is collected in other pieces. */
async function optionsOfNode(): Promise<string[]> {
  const manifest = await readFile(new URL('../../manifests/controller.yaml', import.meta.url), 'utf8');
  return [...manifest.matchAll(/^ +- (--\S+)$/gm)].map(([, option = '']) => option);
}
