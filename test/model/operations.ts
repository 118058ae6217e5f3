// SPDX-License-Identifier: Apache-2.0

// What can happen in the modelled cluster, as values that fast-check makes and shrinks.

import type { ServiceSketch } from '@berth/core/testing';
import fc from 'fast-check';

export const SERVICE_KEYS = ['shop/a', 'shop/b', 'shop/c', 'ops/d', 'ops/e'] as const;
export const CONTROLLERS = 2;

export type Operation =
  | { readonly kind: 'create' | 'edit'; readonly key: string; readonly sketch: ServiceSketch }
  | { readonly kind: 'delete'; readonly key: string }
  | { readonly kind: 'label'; readonly key: string; readonly tier: string }
  | { readonly kind: 'renumber'; readonly key: string }
  | { readonly kind: 'configure'; readonly config: number }
  | { readonly kind: 'namespace'; readonly team: string }
  | { readonly kind: 'time'; readonly seconds: number }
  | { readonly kind: 'observe'; readonly controller: number }
  | { readonly kind: 'decide'; readonly controller: number; readonly keys: readonly string[] }
  /** A node saw a stranger use the address, or sees it no more. */
  | { readonly kind: 'quarantine' | 'release'; readonly controller: number; readonly address: string }
  | { readonly kind: 'write status'; readonly controller: number }
  | { readonly kind: 'crash'; readonly controller: number; readonly isInLedgerWrite: boolean }
  /** Another product writes these addresses into the status, or none. */
  | { readonly kind: 'foreign'; readonly key: string; readonly addresses: readonly string[] }
  /** The API server refuses what a controller writes: the statuses of a Service, or the ledger of a whole batch. */
  | { readonly kind: 'refuse status'; readonly controller: number; readonly key: string }
  | { readonly kind: 'refuse ledger'; readonly controller: number; readonly keys: readonly string[] }
  /** A copy of the ledger is made, and put back. */
  | { readonly kind: 'back up ledger' | 'put back ledger' }
  /** One object of the ledger is deleted or emptied; `index` counts modulo how many there are. */
  | { readonly kind: 'lose object' | 'empty object'; readonly index: number }
  | { readonly kind: 'lose ledger' | 'settle' };

const WISHES = ['', '203.0.113.1', '203.0.113.2', '203.0.113.4', '192.0.2.9', 'nonsense', '203.0.113.1,2001:db8::2'];

const ADDRESSES = ['203.0.113.0', '203.0.113.1', '203.0.113.2', '203.0.113.4', '2001:db8::1', '2001:db8::2'];

const sketch: fc.Arbitrary<ServiceSketch> = fc
  .record({
    type: fc.constantFrom('LoadBalancer', 'LoadBalancer', 'LoadBalancer', 'LoadBalancer', 'ClusterIP', 'NodePort'),
    loadBalancerClass: fc.constantFrom('', '', '', 'berth.dev/l2', 'acme.example/lb'),
    families: fc.constantFrom('4', '4', '4', '6', '46', '64'),
    ipFamilyPolicy: fc.constantFrom('PreferDualStack', 'RequireDualStack'),
    ports: fc.constantFrom(['tcp/80'], ['tcp/443'], ['udp/53'], ['tcp/80', 'tcp/443']),
    externalTrafficPolicy: fc.constantFrom('Cluster', 'Cluster', 'Local'),
    selector: fc.constantFrom({ app: 'web' }, { app: 'db' }),
    sharingKey: fc.constantFrom('', '', 'front', 'front', 'back'),
    wishedAddresses: fc.constantFrom('', '', '', '', ...WISHES),
    wishedPool: fc.constantFrom('', '', '', 'main', 'side', 'nowhere'),
  })
  .map(({ families, sharingKey, wishedAddresses, wishedPool, ipFamilyPolicy, ...spec }) => ({
    ...spec,
    clusterIPs: [...families].map((family) => (family === '4' ? '10.96.0.9' : 'fd00::9')),
    ...(families.length > 1 ? { ipFamilyPolicy } : {}),
    annotations: { 'share-key': sharingKey, 'req-ips': wishedAddresses, 'req-pool': wishedPool },
  }));

const key = fc.constantFrom(...SERVICE_KEYS);
const controller = fc.nat(CONTROLLERS - 1);

/** One operation; those of controllers are frequent, so that most wishes are met before the next one comes. */
export function operation(configs: number): fc.Arbitrary<Operation> {
  return fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('create' as const), key, sketch }) },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('edit' as const), key, sketch }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), key }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('label' as const), key, tier: fc.constantFrom('gold', 'tin') }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('renumber' as const), key }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('configure' as const), config: fc.nat(configs - 1) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('namespace' as const), team: fc.constantFrom('red', 'blue') }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('time' as const), seconds: fc.constantFrom(1, 30, 90) }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('observe' as const), controller }) },
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('decide' as const),
        controller,
        keys: fc.shuffledSubarray([...SERVICE_KEYS], { minLength: 1 }),
      }),
    },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('write status' as const), controller }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constantFrom('quarantine' as const, 'quarantine' as const, 'release' as const),
        controller,
        address: fc.constantFrom(...ADDRESSES),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('crash' as const), controller, isInLedgerWrite: fc.boolean() }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('foreign' as const),
        key,
        addresses: fc.subarray([...ADDRESSES, '192.0.2.99'], { maxLength: 2 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('refuse status' as const), controller, key }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('refuse ledger' as const),
        controller,
        keys: fc.shuffledSubarray([...SERVICE_KEYS], { minLength: 1 }),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'back up ledger' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'put back ledger' as const }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constantFrom('lose object' as const, 'empty object' as const),
        index: fc.nat(9),
      }),
    },
    { weight: 3, arbitrary: fc.constant({ kind: 'settle' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'lose ledger' as const }) },
  );
}
