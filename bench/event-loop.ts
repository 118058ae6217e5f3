// SPDX-License-Identifier: Apache-2.0

// The whole controller on an API server in memory, with 20,000 Services in one namespace: for how long does an event
// stop everything else?

import { Controller } from '@berth/controller';
import { poolDocuments, serviceOf } from '@berth/core/testing';
import { configMaps, type NewObject, namespaces, type Service, services } from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import { systemClock } from '@berth/runtime';
import { type BenchOptions, type BenchReport, figure, thisMachine } from './report.ts';

const SERVICES = 20_000;
const DEFAULT_ROUNDS = 5;
const SYSTEM = 'berth-system';
const LONGEST_MS = 50;
/** All that an event causes is done by then. */
const WATCHED_MS = 5_000;
const POLL_MS = 500;

const NOTHING = () => {};

/** One pool that looks at labels of namespaces; the second entry makes each edit another one. */
function pools(round: number): string {
  const serviceAllocation = { namespaceSelectors: [{ matchLabels: { team: 'red' } }] };
  return poolDocuments({ lan: { addresses: ['10.0.0.0/14', `10.8.0.0/${16 + round}`], serviceAllocation } });
}

export async function run(options: BenchOptions): Promise<BenchReport> {
  const rounds = options.rounds ?? DEFAULT_ROUNDS;
  const cluster = new Cluster();
  options.progress(`giving addresses to ${SERVICES} Services`);
  await cluster.fill();
  const events = {
    'at rest': async () => {},
    'the namespace of all is labelled': (round: number) => cluster.label(round),
    'another namespace comes': (round: number) => cluster.addNamespace(round),
    'the pools are edited': (round: number) => cluster.configure(round + 1),
  };
  const figures = [];
  for (const [name, act] of Object.entries(events)) {
    options.progress(name);
    const samples = [];
    for (let round = 0; round < rounds; round++) samples.push(await longestBlock(() => act(round)));
    figures.push(figure({ name, unit: 'ms', samples, target: { on: 'worst', atMost: LONGEST_MS } }));
  }
  await cluster.stop();
  return { bench: 'event-loop', scenario: `${SERVICES} Services`, machine: thisMachine(), rounds, figures };
}

/**
 * Most processor time of the main thread in one turn of the event loop, in milliseconds: what it is blocked for, less
 * what other programs take of a busy machine.
 */
async function longestBlock(act: () => Promise<unknown>): Promise<number> {
  let [last, longest, isOver] = [mainThreadMs(), 0, false];
  const turn = () => {
    const now = mainThreadMs();
    longest = Math.max(longest, now - last);
    last = now;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await act();
  await new Promise((resolve) => setTimeout(resolve, WATCHED_MS));
  isOver = true;
  return longest;
}

function mainThreadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

class Cluster {
  readonly #api = new FakeApi();
  readonly #controller = new Controller({
    clock: systemClock,
    api: this.#api,
    log: { error: NOTHING, warn: NOTHING, info: NOTHING, debug: NOTHING },
    namespace: SYSTEM,
    identity: 'bench',
    loadBalancerClass: 'berth.dev/l2',
    finalizer: true,
  });

  /** Resolves when all Services have an address and nothing is left to do. */
  async fill(): Promise<void> {
    await this.#api.create(namespaces, { metadata: { name: 'shop', labels: { team: 'red' } } });
    await this.configure(0);
    for (let index = 0; index < SERVICES; index++) {
      const { metadata: { resourceVersion: _, ...metadata } = {}, ...rest } = serviceOf(`service-${index}`);
      await this.#api.create(services, { ...rest, metadata } as unknown as NewObject<Service>);
    }
    this.#controller.start();
    const isServed = () => this.#api.all(services).every(({ status }) => status?.loadBalancer?.ingress?.length);
    while (!isServed()) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    await new Promise((resolve) => setTimeout(resolve, WATCHED_MS));
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

  stop(): Promise<void> {
    return this.#controller.stop();
  }
}
