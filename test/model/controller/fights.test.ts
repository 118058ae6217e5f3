// SPDX-License-Identifier: Apache-2.0

// Others that write the status of a Service beside the whole controller.

import { services } from '@berth/kube';
import { expect } from 'chai';
import fc from 'fast-check';
import { FakeCluster, isOfService } from './fake-cluster.ts';

const LAN = { lan: { addresses: ['203.0.113.0/24'] } };
const OURS = '203.0.113.0';
const AT = { namespace: 'shop', name: 'web' };
const shown = (ip: string) => ({ status: { loadBalancer: { ingress: [{ ip, ipMode: 'VIP' }] } } });

/** What strangers may do to a status, one after the other. */
const DEEDS: Readonly<Record<string, readonly object[]>> = {
  'one writer': [shown('192.0.2.1')],
  'two writers of two addresses': [shown('192.0.2.1'), shown('192.0.2.2')],
  'one that takes away and one that puts back': [shown('192.0.2.1'), shown(OURS)],
  'a hostname and nothing': [
    { status: { loadBalancer: { ingress: [{ hostname: 'lb.example' }] } } },
    { status: { loadBalancer: null } },
  ],
  'the finalizer and the mark': [
    { metadata: { finalizers: [] } },
    { metadata: { annotations: { 'berth.dev/ip-allocated-from-pool': 'theirs' } } },
  ],
};

/** What strangers may do so that nothing says any more that Berth gave the address. */
const TAKEOVERS: Readonly<Record<string, readonly object[]>> = {
  'an address, then all conditions': [shown('192.0.2.1'), { status: { conditions: null } }],
  'the whole status, then a hostname': [
    { status: { loadBalancer: null, conditions: null } },
    { status: { loadBalancer: { ingress: [{ hostname: 'lb.example' }] } } },
  ],
  'the whole status, of ever other addresses': Array.from({ length: 50 }, (_, index) => ({
    status: { ...shown(`192.0.2.${index}`).status, conditions: null },
  })),
};

const fact = (given: string) => ({
  ...{ type: 'berth.dev/Given', status: 'True', reason: 'Given', lastTransitionTime: '2026-01-01T00:00:00Z' },
  message: JSON.stringify({ class: 'berth.dev/l2', given: [given], used: [] }),
});
const ANY_DEED: readonly object[] = [
  ...Object.values(DEEDS).flat(),
  ...Object.values(TAKEOVERS).flat(),
  { status: { conditions: [fact('192.0.2.77')], ...shown('192.0.2.77').status } },
  { status: { conditions: [fact(OURS)] } },
  { status: { loadBalancer: { ingress: [{ ip: OURS, ipMode: 'Proxy' }] } } },
  { status: { loadBalancer: { ingress: [{ ip: OURS, ipMode: 'VIP' }, { hostname: 'lb.example' }] } } },
];
/** `BERTH_MODEL_RUNS` sets how many are played. */
const RUNS = Math.ceil(Number(process.env.BERTH_MODEL_RUNS ?? 150) / 10);
const SIZE = { minLength: 1, maxLength: 80, size: 'max' } as const;

describe('others that write the status of a Service', () => {
  let cluster: FakeCluster;
  let ownWrites: number[];

  beforeEach(async () => {
    cluster = await new FakeCluster().start();
    await cluster.pools(LAN);
    await cluster.add('web');
    await cluster.clock.advance(60_000);
    expect(cluster.shown('web')).to.equal(OURS);
    ownWrites = [];
  });

  afterEach(() => cluster.stop());

  /** Does these in turn, ten a second, while Berth works; notes when Berth wrote. */
  async function fight(deeds: readonly object[], seconds: number): Promise<void> {
    for (let turn = 0; turn < seconds * 10; turn++) {
      await strangerDoes(deeds[turn % deeds.length] ?? {});
      await cluster.clock.advance(100);
    }
  }

  /** Patches the Service; from then on each write of Berth is noted. */
  async function strangerDoes(body: object): Promise<void> {
    let isStranger = true;
    cluster.api.after = (call) => {
      if (isOfService(call) && call.verb === 'patch' && !isStranger) ownWrites.push(cluster.clock.now());
    };
    await cluster.api.patch(services, AT, { type: 'merge', body });
    isStranger = false;
  }

  function expectBraked(): void {
    const gaps = ownWrites.slice(1).map((at, index) => at - (ownWrites[index] ?? 0));
    expect(Math.min(...gaps), `writes at ${ownWrites}`).to.be.at.least(10_000);
    expect(ownWrites.length, `writes at ${ownWrites}`).to.be.within(2, 4);
    expect(cluster.told()).to.include('SecondWriter web');
    cluster.api.after = () => {};
  }

  for (const [name, deeds] of Object.entries(DEEDS)) {
    it(`FA-07: ${name}: set right after 10, 20, 40 s, never twice in ten seconds, and told`, async () => {
      await fight(deeds, 120);
      expectBraked();
      await cluster.clock.advance(160_000);
      expect(cluster.shown('web')).to.equal(OURS);
    });
  }

  for (const [name, deeds] of Object.entries(TAKEOVERS)) {
    it(`FA-07: ${name}: as rarely, and what stays is called foreign and not announced`, async () => {
      await fight(deeds, 120);
      expectBraked();
      const left = cluster.shown('web');
      await cluster.clock.advance(160_000);
      expect(cluster.shown('web')).to.equal(left);
      const conditions = new Map(cluster.get('web')?.status?.conditions?.map(({ type, reason }) => [type, reason]));
      expect(conditions.get('berth.dev/AddressAssigned')).to.equal('ForeignAddress');
      expect(conditions.get('berth.dev/Announced')).to.be.oneOf([undefined, 'NoAddress']);
    });
  }

  it('FA-07: a user who changes the type to and fro is served at once, and no second writer is told of', async () => {
    for (let flip = 0; flip < 4; flip++) {
      const gone = { spec: { type: 'ClusterIP' }, status: { loadBalancer: null } };
      await cluster.api.patch(services, AT, { type: 'merge', body: gone });
      if (flip % 2 === 1) await cluster.clock.advance(100);
      await cluster.api.patch(services, AT, { type: 'merge', body: { spec: { type: 'LoadBalancer' } } });
      await cluster.clock.advance(500);
      expect(cluster.shown('web'), `after flip ${flip}`).to.equal(OURS);
    }
    expect(cluster.told()).to.not.include('SecondWriter web');
  });

  it('FA-07: whatever others do to the status and whenever: never twice in ten seconds', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...ANY_DEED), fc.integer({ min: 0, max: 2_000 })), SIZE),
        async (steps) => {
          await cluster.stop();
          cluster = await new FakeCluster().start();
          await cluster.pools(LAN);
          await cluster.add('web');
          await cluster.clock.advance(60_000);
          ownWrites = [];
          for (const [deed, restMs] of steps) {
            await strangerDoes(deed);
            await cluster.clock.advance(restMs);
          }
          const gaps = ownWrites.slice(1).map((at, index) => at - (ownWrites[index] ?? 0));
          expect(Math.min(10_000, ...gaps), `writes at ${ownWrites}`).to.equal(10_000);
        },
      ),
      { numRuns: RUNS },
    );
  }).timeout(Math.max(60_000, RUNS * 1_000));
});
