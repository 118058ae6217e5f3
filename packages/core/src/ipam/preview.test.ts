// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import fc from 'fast-check';
import type { PoolConfig } from '../config/pool-config.ts';
import { MacAddress } from '../net/mac-address.ts';
import { ip } from '../net/testing.ts';
import type { KubeService } from '../service/kube-service.ts';
import { loadBalancerClassRule } from '../service/load-balancer-class.ts';
import { ledgerObjectOf } from './ledger-object.ts';
import { departingOf } from './live-status.ts';
import { Occupants } from './occupants.ts';
import { occupantsOfService } from './occupants-of.ts';
import { outcomeOf, type PreviewState, previewConfig } from './preview.ts';
import { configOf, DUAL, IPV4_ONLY, type ServiceSketch, serviceOf } from './testing/builders.ts';
import { World } from './testing/world.ts';

const RULE = loadBalancerClassRule();

const CONFIGS: readonly PoolConfig[] = [
  configOf({}),
  configOf({ lan: { addresses: ['203.0.113.40-203.0.113.43'] } }),
  configOf({ lan: { addresses: ['203.0.113.42-203.0.113.45', '2001:db8::1-2001:db8::3'] } }),
  configOf({
    lan: { addresses: ['203.0.113.40-203.0.113.41'], quota: { perNamespace: 1 } },
    gold: { addresses: ['192.0.2.96/29'], serviceAllocation: { priority: 10, namespaces: ['ops'] } },
  }),
];

const ADDRESSES = ['203.0.113.40', '203.0.113.41', '203.0.113.44', '192.0.2.99', '198.51.100.7', '2001:db8::1'];

const sketch: fc.Arbitrary<ServiceSketch> = fc
  .record({
    namespace: fc.constantFrom('shop', 'ops'),
    type: fc.constantFrom('LoadBalancer', 'LoadBalancer', 'LoadBalancer', 'ClusterIP'),
    loadBalancerClass: fc.constantFrom('', '', 'berth.dev/l2', 'acme.example/lb'),
    clusterIPs: fc.constantFrom(IPV4_ONLY, IPV4_ONLY, DUAL),
    ports: fc.constantFrom(['tcp/80'], ['tcp/443']),
    shown: fc.subarray(ADDRESSES, { maxLength: 2 }),
    wished: fc.constantFrom('', '', '', ...ADDRESSES),
    key: fc.constantFrom('', '', 'front'),
    renumber: fc.constantFrom('', '', '', '203.0.113.40', '198.51.100.7'),
    adopt: fc.constantFrom('', '', '', '198.51.100.7'),
    created: fc.integer({ min: 10, max: 59 }),
  })
  .map(({ wished, key, renumber, adopt, created, ...rest }) => ({
    ...rest,
    ...(rest.clusterIPs.length > 1 && { ipFamilyPolicy: 'PreferDualStack' }),
    annotations: {
      'req-ips': wished,
      'share-key': key,
      ...(renumber && { 'berth.dev/renumber': renumber }),
      ...(adopt && { 'berth.dev/adopt': adopt }),
    },
    creationTimestamp: `2026-01-01T00:${created}:00Z`,
  }));

/** A world that lived under one configuration, to which Services of others came, and whose ledger may be lost. */
function worldOf(config: PoolConfig, early: readonly ServiceSketch[], late: readonly ServiceSketch[]): World {
  const world = new World(config);
  world.put(...early.map(({ shown: _, ...one }, index) => serviceOf(`a${index}`, one)));
  world.settle();
  world.put(...late.map((one, index) => serviceOf(`b${index}`, one)));
  return world;
}

function stateOf(world: World): PreviewState {
  const { server, controller } = world;
  const all = [...server.services.values()];
  const isDeparting = (service: KubeService) => controller.requestFrom(service) === undefined;
  return {
    ledger: [...server.ledger.values()].map(ledgerObjectOf),
    requests: all.flatMap((service) => controller.requestFrom(service) ?? []),
    departing: all.filter(isDeparting).map((service) => departingOf(service, RULE)),
    namespaces: new Map(),
    occupants: new Occupants(all.flatMap((service) => occupantsOfService(service, RULE))),
    nowMs: 0,
  };
}

describe('preview', () => {
  it('PR-01: says what the controller does, on 1,000 random clusters', () => {
    const sketches = fc.array(sketch, { maxLength: 6 });
    const config = fc.constantFrom(...CONFIGS);
    fc.assert(
      fc.property(config, config, sketches, sketches, fc.boolean(), (old, next, early, late, isLedgerLost) => {
        const world = worldOf(old, early, late);
        if (isLedgerLost) world.server.ledger.clear();
        const foretold = outcomeOf(next, stateOf(world));
        world.configure({ config: next });
        world.restart();
        world.controller.settleInBatches();
        for (const [key, decision] of foretold) {
          const service = world.server.services.get(key);
          const condition = service?.status?.conditions?.find(({ type }) => type === 'berth.dev/AddressAssigned');
          const addresses = decision.addresses.map(({ address }) => String(address));
          if (!decision.isForeign) expect(world.shown(key), key).to.deep.equal(addresses);
          expect([condition?.reason, condition?.message], key).to.deep.equal([
            decision.condition.reason,
            decision.condition.message,
          ]);
        }
      }),
      { numRuns: 1_000 },
    );
  }).timeout(60_000);

  it('PR-01: an old quarantine of what is in use ends, and moves nobody', () => {
    const lan = configOf({ lan: { addresses: ['203.0.113.40-203.0.113.43'] } });
    const world = new World(lan);
    const seen = { mac: MacAddress.ZERO, node: 'n1', interface: 'eth0', sinceMs: 0 };
    world.controller.allocator.quarantine(ip('203.0.113.40'), seen);
    world.controller.writeLedger();
    world.put(serviceOf('used', { shown: ['203.0.113.40'] }));
    const used = previewConfig(lan, lan, { ...stateOf(world), wasAnnounced: () => true });
    expect(used.adopted.map(({ service, addresses }) => `${service} ${addresses}`)).to.deep.equal([
      'shop/used 203.0.113.40',
    ]);
    const unused = previewConfig(lan, lan, stateOf(world));
    expect(unused.foreign.map(({ service, addresses }) => `${service} ${addresses}`)).to.deep.equal([
      'shop/used 203.0.113.40',
    ]);
  });

  it('PR-01: before the first ledger, what somebody shows in a pool is taken over and what is outside stays', () => {
    const world = new World(configOf({}));
    world.put(
      serviceOf('in', { shown: ['203.0.113.41'] }),
      serviceOf('out', { shown: ['192.0.2.99'] }),
      serviceOf('new'),
    );
    const lan = configOf({ lan: { addresses: ['203.0.113.40-203.0.113.43'] } });
    const { adopted, foreign, gaining } = previewConfig(configOf({}), lan, stateOf(world));
    const rows = [adopted, foreign, gaining].map((list) =>
      list.map(({ service, addresses, reason }) => `${service} ${addresses} ${reason}`),
    );
    expect(rows).to.deep.equal([
      ['shop/in 203.0.113.41 Assigned'],
      ['shop/out 192.0.2.99 ForeignAddress'],
      ['shop/new 203.0.113.40 Assigned'],
    ]);
  });
});
