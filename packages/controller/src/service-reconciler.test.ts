// SPDX-License-Identifier: Apache-2.0
import { type Decision, loadBalancerClassRule } from '@berth/core';
import { KubeError, type ReconcileResult, type Service, Store, success, WorkQueue } from '@berth/kube';
import { FakeClock, RecordingLog, settle } from '@berth/runtime/testing';
import { expect } from 'chai';
import type { Round, ServiceTask } from './allocation/round.ts';
import { ServiceReconciler } from './service-reconciler.ts';

const RULE = loadBalancerClassRule();

function service(name: string, changes: Partial<Service> = {}): Service {
  return {
    metadata: { namespace: 'shop', name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { type: 'LoadBalancer' },
    ...changes,
  };
}

/** A decision that refuses; `isPermanent`: no free address will help. */
function refused(key: string, changes: Partial<Decision> = {}): Decision {
  return {
    ...{ service: key, addresses: [], refusal: 'OutOfAddresses', remarks: [], isPermanent: false, freed: [] },
    ...{ retryAtMs: undefined, isRenumberDone: false, isChange: false },
    condition: { status: 'False', reason: 'OutOfAddresses', message: 'no free address' },
    ...changes,
  };
}

describe('ServiceReconciler', () => {
  let clock: FakeClock;
  let log: RecordingLog;
  let queue: WorkQueue;
  let store: Store<Service>;
  let batches: string[];
  let rounds: Partial<Round>[];
  let decisions: Map<string, Decision>;
  let results: Map<string, ReconcileResult>;
  let failing: string[];
  let decided: number;
  let flushes: number;
  let isForeign: boolean;
  let term: AbortController;
  let reconciler: ServiceReconciler;

  beforeEach(() => {
    clock = new FakeClock(new Date(0));
    log = new RecordingLog();
    queue = new WorkQueue({ clock });
    store = new Store<Service>();
    batches = [];
    rounds = [];
    decisions = new Map();
    results = new Map();
    failing = [];
    decided = 0;
    flushes = 0;
    isForeign = true;
    term = new AbortController();
    reconciler = new ServiceReconciler(
      {
        ...{ clock, log, queue, view: { services: store }, classRule: RULE },
        allocation: {
          restMs: 0,
          decide: async (keys) => {
            batches.push(keys.join('+'));
            const round = { sharers: new Set<string>(), isChange: false, isReloaded: false, ...rounds.shift() };
            return { tasks: new Map(keys.map((key) => [key, taskOf(key)])), ...round };
          },
          isForeign: async () => isForeign,
          mustReload: () => batches.push('reload'),
        },
        occupancy: {
          flush: () => {
            flushes += 1;
          },
        },
        writer: {
          write: async (task) => ('service' in task ? (results.get(nameOf(task)) ?? success) : success),
        },
        outages: { statusFailed: (key) => failing.push(key), statusWorks: () => {} },
      },
      term.signal,
    );
    reconciler.decided.subscribe(() => {
      decided += 1;
    });
  });

  afterEach(() => reconciler.stop());

  function taskOf(key: string): ServiceTask {
    const present = store.get(key);
    if (present === undefined) return { kind: 'gone' };
    return { kind: 'assign', service: present, decision: decisions.get(key) ?? refused(key, { refusal: undefined }) };
  }

  const nameOf = (task: Extract<ServiceTask, { service: Service }>) => task.service.metadata.name;

  it('looks at a Service that changed, one that waits for an address first', async () => {
    const served = service('served', { status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } });
    reconciler.serviceChanged({ type: 'added', object: served });
    reconciler.serviceChanged({ type: 'added', object: service('waiting') });
    reconciler.start();
    await settle();
    expect(batches).to.deep.equal(['shop/waiting+shop/served']);
    expect([flushes, decided]).to.deep.equal([1, 1]);
  });

  it('makes a batch without a Service when somebody else wrote the ledger, and only then', async () => {
    reconciler.start();
    isForeign = false;
    await reconciler.ledgerChanged({ type: 'added', object: { metadata: { name: 'ledger', resourceVersion: '7' } } });
    await settle();
    expect(batches).to.deep.equal([]);
    isForeign = true;
    await reconciler.ledgerChanged({ type: 'added', object: { metadata: { name: 'ledger', resourceVersion: '8' } } });
    await settle();
    expect(batches).to.deep.equal(['']);
  });

  it('looks at all Services once the ledger was read anew, and at those that wait once it was written', async () => {
    for (const name of ['a', 'b', 'c']) store.upsert(service(name));
    decisions.set('shop/b', refused('shop/b'));
    decisions.set('shop/c', refused('shop/c', { isPermanent: true }));
    rounds = [{ isReloaded: true }];
    reconciler.start();
    queue.add('shop/a');
    await settle();
    // The first is still being written when the others are decided.
    expect(batches).to.deep.equal(['shop/a', 'shop/b+shop/c', 'shop/a']);
    rounds = [{ isChange: true }];
    queue.add('shop/a');
    await settle();
    expect(batches.slice(3)).to.deep.equal(['shop/a', 'shop/b']);
  });

  it('tries again when an address has rested', async () => {
    store.upsert(service('a'));
    decisions.set('shop/a', refused('shop/a', { retryAtMs: 30_000 }));
    reconciler.start();
    queue.add('shop/a');
    await clock.advance(30_000);
    expect(batches).to.have.length(1);
    decisions.delete('shop/a');
    await clock.advance(1);
    expect(batches).to.have.length(2);
  });

  it('tells that a status cannot be written, and tries again; one that was put off counts as well', async () => {
    store.upsert(service('a'));
    store.upsert(service('slow'));
    results.set('a', { kind: 'error', error: new KubeError('forbidden', 'patch: forbidden') });
    results.set('slow', { kind: 'error', error: new KubeError('put-off', 'others first') });
    reconciler.start();
    queue.add('shop/a');
    queue.add('shop/slow');
    await settle();
    expect(failing).to.deep.equal(['shop/a']);
    expect(log.lines).to.have.members([
      'warn Service not reconciled',
      'debug Service not reconciled',
      'info first pass done',
    ]);
    await clock.advance(10_000);
    expect(batches.length).to.be.greaterThan(1);
  });

  it('says once that the first pass is done, also where there is no Service', async () => {
    reconciler.start();
    reconciler.poolsChanged(false);
    await settle();
    reconciler.poolsChanged(false);
    await settle();
    expect(log.lines).to.deep.equal(['info first pass done']);
    expect(log.fields).to.deep.equal([{ services: 0 }]);
  });

  it('reads the ledger anew and looks at everything after a restore', async () => {
    store.upsert(service('a'));
    reconciler.start();
    reconciler.rewound();
    await settle();
    expect(batches).to.deep.equal(['reload', 'shop/a']);
  });
});
