// SPDX-License-Identifier: Apache-2.0
import { loadBalancerClassRule } from '@berth/core';
import { configMaps, leases, type NewObject, type Service, services } from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import { FakeClock, RecordingLog } from '@berth/runtime/testing';
import { expect } from 'chai';
import { ApiOutages } from './cluster/api-outages.ts';
import { ClusterView } from './cluster/cluster-view.ts';
import { LeaderTerm } from './leader-term.ts';
import { Metrics } from './metrics.ts';

const NAMESPACE = 'berth-system';
const POOL =
  '{ apiVersion: berth.dev/v1, kind: IPAddressPool, metadata: { name: lan }, spec: { addresses: [192.0.2.8/31] } }';

describe('LeaderTerm', () => {
  let api: FakeApi;
  let clock: FakeClock;
  let log: RecordingLog;
  let view: ClusterView;
  let end: AbortController;
  let term: LeaderTerm;
  let running: Promise<void>;
  let metrics: Metrics;

  beforeEach(async () => {
    api = new FakeApi();
    clock = new FakeClock();
    log = new RecordingLog();
    view = new ClusterView({ api, clock, namespace: NAMESPACE });
    view.start();
    await clock.advance(100);
    begin();
  });

  afterEach(async () => {
    await finish();
    await view.stop();
  });

  function begin(): void {
    end = new AbortController();
    metrics = newMetrics();
    term = new LeaderTerm(
      {
        ...{ api, view, clock, log, namespace: NAMESPACE, identity: 'one', finalizer: true },
        classRule: loadBalancerClassRule(),
        metrics,
        outages: new ApiOutages(),
      },
      end.signal,
    );
    running = term.run();
  }

  async function finish(): Promise<void> {
    end.abort();
    await clock.advance(2_000);
    await running;
  }

  function newMetrics(): Metrics {
    return new Metrics({
      isLeader: () => true,
      pools: () => term.pools,
      usage: () => term.usage(),
      refusals: () => term.refusals(),
      unwritable: () => term.unwritable(),
      unwritableMaps: () => term.unwritableMaps(),
      speakers: () => undefined,
      silent: () => term.silent(),
      queueLength: () => term.queueLength,
    });
  }

  async function configure(text: string): Promise<void> {
    const metadata = { namespace: NAMESPACE, name: 'ip-address-pools' };
    const present = api.all(configMaps).find((one) => one.metadata.name === metadata.name);
    if (present) await api.replace(configMaps, { ...present, data: { 'pools.yaml': text } });
    else await api.create(configMaps, { metadata, data: { 'pools.yaml': text } });
    await clock.advance(2_000);
  }

  async function add(name: string): Promise<void> {
    await api.create(services, {
      metadata: { namespace: 'shop', name },
      spec: { type: 'LoadBalancer', clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'], ipFamilies: ['IPv4'] },
    } as NewObject<Service>);
    await clock.advance(2_000);
  }

  const shown = (name: string) =>
    api
      .all(services)
      .find((one) => one.metadata.name === name)
      ?.status?.loadBalancer?.ingress?.map(({ ip }) => ip);
  const names = () => api.all(configMaps).map(({ metadata }) => metadata.name);

  it('HA-01: decides nothing before there is a configuration, then gives addresses', async () => {
    await add('web');
    expect(shown('web')).to.equal(undefined);
    expect(names()).not.to.include.members(['ledger']);
    await configure(POOL);
    expect(shown('web')).to.deep.equal(['192.0.2.8']);
    expect(names()).to.include.members(['ledger', 'last-good-pools', 'pool-status']);
    const text = await metrics.text();
    expect(text).to.match(/^berth_service_address_seconds_count 1$/m);
    expect(text).to.match(/^berth_controller_ledger_write_seconds_count 1$/m);
    expect(term.usage().map(({ pool, used, total }) => `${pool} ${used} of ${total}`)).to.deep.equal(['lan 1 of 2']);
  });

  it('keeps the last good configuration in force while the ConfigMap is refused, also for the next term', async () => {
    await configure(POOL);
    await configure('{ kind: Nonsense');
    expect([term.pools.report, term.pools.config?.pools.map(({ name }) => name)]).to.deep.equal(['Invalid', ['lan']]);
    await finish();
    begin();
    await add('web');
    expect(shown('web')).to.deep.equal(['192.0.2.8']);
  });

  it('gives a freed address to who waits for one', async () => {
    await configure(POOL);
    for (const name of ['a', 'b', 'late']) await add(name);
    expect([shown('late'), [...term.refusals()]]).to.deep.equal([undefined, [['OutOfAddresses', 1]]]);
    const [first] = api.all(services).filter(({ metadata }) => metadata.name === 'a');
    if (first) await api.patch(services, first.metadata, { type: 'merge', body: { spec: { type: 'ClusterIP' } } });
    await clock.advance(5_000);
    expect(shown('late')).to.deep.equal(['192.0.2.8']);
    expect([...term.refusals()]).to.deep.equal([]);
  });

  it('reads the ledger anew when somebody else has written it', async () => {
    await configure(POOL);
    await add('web');
    const [ledger] = api.all(configMaps).filter(({ metadata }) => metadata.name === 'ledger');
    const text = JSON.stringify({ pool: 'lan', services: [{ name: 'shop/other' }] });
    if (ledger) await api.replace(configMaps, { ...ledger, data: { ...ledger.data, '192.0.2.9': text } });
    await clock.advance(2_000);
    await add('more');
    // A holder that is no Service gives its address back, which is read from the ledger that the other wrote.
    expect(shown('more')).to.deep.equal(['192.0.2.9']);
  });

  it('leaves no timer behind at its end', async () => {
    await configure(POOL);
    await add('web');
    await finish();
    await view.stop();
    expect(clock.pendingTimers).to.equal(0);
    expect(api.all(leases)).to.deep.equal([]);
  });
});
