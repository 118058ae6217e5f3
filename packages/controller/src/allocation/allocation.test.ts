// SPDX-License-Identifier: Apache-2.0
import { loadBalancerClassRule } from '@berth/core';
import { configOf, type ServiceSketch, serviceOf } from '@berth/core/testing';
import { ApiBudget, configMaps, KubeError, keyOf, type Service, Store } from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { Allocation } from './allocation.ts';
import { Ledger } from './ledger.ts';
import type { Round } from './round.ts';

const NAMESPACE = 'berth-system';
const ONE_ADDRESS = configOf({ lan: { addresses: ['203.0.113.40/32'] } });
const TWO_ADDRESSES = configOf({ lan: { addresses: ['203.0.113.40-203.0.113.41'] } });

describe('Allocation', () => {
  let api: FakeApi;
  let clock: FakeClock;
  let services: Store<Service>;
  let end: AbortController;
  let allocation: Allocation;
  let news: string[];

  beforeEach(() => {
    api = new FakeApi();
    clock = new FakeClock();
    services = new Store<Service>();
    end = new AbortController();
    news = [];
    allocation = new Allocation({
      view: { services, refreshServices: async () => {} },
      ledger: new Ledger({ api, budget: new ApiBudget({ clock }), namespace: NAMESPACE }),
      classRule: loadBalancerClassRule(),
      clock,
      surroundings: { config: ONE_ADDRESS, namespaces: new Map() },
      quarantines: { apply: () => [], committed: () => {} },
      random: () => 0,
    });
    allocation.reloads.subscribe(() => news.push('reload'));
    allocation.lostRaces.subscribe(() => news.push('lost race'));
    allocation.failures.subscribe((error, retryInMs) => news.push(`${(error as KubeError).code} ${retryInMs}`));
  });

  function add(name: string, sketch: ServiceSketch = {}): string {
    const service = serviceOf(name, sketch) as Service;
    services.upsert(service);
    return keyOf(service);
  }

  function present(key: string): Service {
    const service = services.get(key);
    if (service === undefined) throw new Error(`no Service ${key}`);
    return service;
  }

  const decide = (...keys: readonly string[]) => allocation.decide(keys, end.signal);

  /** What each Service of a round gets, or why it gets nothing. */
  function outcome({ tasks }: Round): string[] {
    return [...tasks].map(([key, task]) => {
      if (task.kind !== 'assign') return `${key} ${task.kind}`;
      const { addresses, refusal } = task.decision;
      return `${key} ${addresses.length > 0 ? addresses.map(({ address }) => address).join() : refusal}`;
    });
  }

  /** What the ledger in the API server holds: the addresses that have an entry. */
  const stored = () => api.all(configMaps).flatMap(({ data = {} }) => Object.keys(data));

  /** Another controller writes the ledger once, just before our next write of it. */
  function interfere(): void {
    api.before = async ({ verb, kind }) => {
      if (kind !== 'ConfigMap' || (verb !== 'create' && verb !== 'patch')) return;
      api.before = () => {};
      const [ledger] = api.all(configMaps);
      const at = { namespace: NAMESPACE, name: 'ledger' };
      if (ledger === undefined) await api.create(configMaps, { metadata: at, data: {} });
      else await api.patch(configMaps, at, { type: 'merge', body: { metadata: { annotations: { by: 'another' } } } });
    };
  }

  it('gives the one free address to the older Service, and the ledger holds it by then', async () => {
    const young = add('young', { creationTimestamp: '2026-01-02T00:00:00Z' });
    const old = add('old', { creationTimestamp: '2026-01-01T00:00:00Z' });
    const round = await decide(young, old);
    expect(outcome(round)).to.deep.equal(['shop/old 203.0.113.40', 'shop/young OutOfAddresses']);
    expect([round.isChange, stored()]).to.deep.equal([true, ['203.0.113.40']]);
  });

  it('frees the address of a Service that is gone for one that waits in the same batch', async () => {
    const first = add('first');
    await decide(first);
    services.delete(present(first));
    expect(outcome(await decide(first, add('second')))).to.deep.equal(['shop/first gone', 'shop/second 203.0.113.40']);
  });

  it('reads all anew and decides again when somebody else wrote the ledger first', async () => {
    const key = add('web');
    interfere();
    const deciding = decide(key);
    await clock.advance(100);
    expect(outcome(await deciding)).to.deep.equal(['shop/web 203.0.113.40']);
    expect(news).to.deep.equal(['reload', 'lost race', 'reload']);
    expect((await deciding).isReloaded).to.equal(true);
  });

  it('tries again with growing delays while the ledger cannot be written', async () => {
    const key = add('web');
    let failures = 2;
    api.before = ({ verb }) => {
      if (verb === 'create' && failures-- > 0) throw new KubeError('server', 'create configmap: 500');
    };
    const deciding = decide(key);
    await clock.advance(5_000);
    expect(outcome(await deciding)).to.deep.equal(['shop/web 203.0.113.40']);
    expect(news.filter((one) => one.startsWith('server'))).to.have.length(2);
    const [first = 0, second = 0] = news.flatMap((one) => (one.startsWith('server') ? Number(one.split(' ')[1]) : []));
    expect(second).to.be.greaterThan(first);
  });

  it('rejects when its term ends while it waits for the ledger', async () => {
    api.before = ({ verb }) => {
      if (verb === 'create') throw new KubeError('server', 'create configmap: 500');
    };
    const failure = decide(add('web')).catch((error: unknown) => error);
    await clock.advance(100);
    end.abort();
    await clock.advance(10_000);
    expect(await failure).to.be.instanceOf(Error);
    expect(stored()).to.deep.equal([]);
  });

  it('knows its own versions of the ledger, and reads it anew after one of somebody else', async () => {
    await decide(add('web'));
    const [ledger] = api.all(configMaps);
    expect(await allocation.isForeign(ledger?.metadata.resourceVersion)).to.equal(false);
    expect(await allocation.isForeign('9999')).to.equal(true);
    expect((await decide()).isReloaded).to.equal(true);
  });

  it('sees other pools with the next batch', async () => {
    await decide(add('first'));
    const second = add('second');
    expect(outcome(await decide(second))).to.deep.equal(['shop/second OutOfAddresses']);
    allocation.setSurroundings({ config: TWO_ADDRESSES, namespaces: new Map() });
    expect(outcome(await decide(second))).to.deep.equal(['shop/second 203.0.113.41']);
  });

  it('uses the ledger that was read ahead, once', async () => {
    allocation.readAhead(end.signal);
    await decide(add('web'));
    expect(api.calls.filter(({ verb, kind }) => verb === 'list' && kind === 'ConfigMap')).to.have.length(1);
    expect(allocation.isLedgerRead).to.equal(true);
  });
});
