// SPDX-License-Identifier: Apache-2.0

// The whole controller over an API server in memory, fed with everything that a user can write. It never throws (an
// unhandled rejection fails the test), comes to rest after each change, and writes each object once for it.

import { type NewObject, type Service, services } from '@berth/kube';
import { expect } from 'chai';
import fc from 'fast-check';
import { type WrittenService, writtenPools, writtenService } from './extremes.ts';
import { FakeCluster, isOfLedger } from './fake-cluster.ts';

const RUNS = Number(process.env.BERTH_EXTREMES_RUNS ?? 60);

const POOLS = { lan: { addresses: ['203.0.113.0/24', '2001:db8::/64'] } };

/** Long enough for every grace that a loss of announcements has, in milliseconds. */
const SETTLE_MS = 20_000;
const QUIET_MS = 120_000;

/**
 * Most patches of one Service for one change: one that gives or refuses, one that says that no one announces; one that
 * leaves is emptied first and loses its marks when the ledger has let go.
 */
const MAX_PATCHES = 2;
/**
 * Most writes of the ledger for one change of one Service: a move holds both addresses until the status shows the new
 * one.
 */
const MAX_LEDGER_WRITES = 3;

const change = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('write' as const), service: fc.nat(2), written: writtenService }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), service: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('configure' as const), data: writtenPools }) },
);

type Change = typeof change extends fc.Arbitrary<infer Value> ? Value : never;

async function write(cluster: FakeCluster, name: string, { annotations, labels, spec }: WrittenService): Promise<void> {
  const present = cluster.get(name);
  if (present?.metadata.deletionTimestamp !== undefined) return;
  const own = { namespace: 'shop', name, annotations, labels };
  const typed = spec as unknown as NonNullable<Service['spec']>;
  if (present === undefined) {
    await cluster.api.create(services, { metadata: own, spec: typed } as NewObject<Service>);
    return;
  }
  // As the API server does it: what is no LoadBalancer any more loses what its status says of one.
  const status = typed.type === 'LoadBalancer' ? present.status : { ...present.status, loadBalancer: {} };
  await cluster.api.replace(services, {
    ...present,
    metadata: { ...present.metadata, annotations, labels },
    spec: typed,
    ...(status ? { status } : {}),
  });
}

async function apply(cluster: FakeCluster, step: Change): Promise<void> {
  if (step.kind === 'configure') await cluster.configure(step.data);
  else if (step.kind === 'write') await write(cluster, `s${step.service}`, step.written);
  else if (cluster.get(`s${step.service}`) !== undefined)
    await cluster.api.delete(services, { namespace: 'shop', name: `s${step.service}` });
}

describe('what users can write', () => {
  it(`ER-07: through the whole controller, ${RUNS} times: it never throws, never loops, and writes once for each change`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (steps) => {
        const cluster = await new FakeCluster().start();
        try {
          await cluster.pools(POOLS);
          await cluster.clock.advance(SETTLE_MS);
          for (const step of steps) await settles(cluster, step);
        } finally {
          await cluster.stop();
        }
      }),
      { numRuns: RUNS },
    );
  }).timeout(Math.max(120_000, RUNS * 3_000));
});

/** Applies one change and counts what the controller writes for it. */
async function settles(cluster: FakeCluster, step: Change): Promise<void> {
  await apply(cluster, step);
  const before = cluster.api.calls.length;
  await cluster.clock.advance(SETTLE_MS);
  const writes = writesSince(cluster, before);
  for (const name of ['s0', 's1', 's2']) {
    const own = writes.filter(({ kind, at }) => kind === 'Service' && at.name === name);
    expect(own.length, `patches of ${name} after ${JSON.stringify(step).slice(0, 500)}`).to.be.at.most(MAX_PATCHES);
  }
  const ledger = writes.filter(isOfLedger).length;
  expect(ledger, `writes of the ledger after ${JSON.stringify(step).slice(0, 500)}`).to.be.at.most(MAX_LEDGER_WRITES);
  const settled = cluster.api.calls.length;
  await cluster.clock.advance(QUIET_MS);
  const late = writesSince(cluster, settled).map(({ verb, kind, at }) => `${verb} ${kind} ${at.name}`);
  expect(late, `after ${JSON.stringify(step).slice(0, 500)}`).to.deep.equal([]);
}

function writesSince(cluster: FakeCluster, index: number) {
  const isWrite = (verb: string) => verb === 'patch' || verb === 'create' || verb === 'replace';
  return cluster.api.calls
    .slice(index)
    .filter(({ verb, kind }) => isWrite(verb) && kind !== 'Lease' && kind !== 'Event');
}
