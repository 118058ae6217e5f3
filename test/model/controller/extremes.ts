// SPDX-License-Identifier: Apache-2.0

// Every field that a user can write, with the values at its edges and beyond them: what the API server lets through,
// and some that only an old or broken one would.

import fc from 'fast-check';

const LONG = 'x'.repeat(100_000);

/** Texts that break parsers. */
const TEXTS = [
  '',
  ' ',
  '\u0000',
  '\u202e',
  '💥',
  'null',
  'true',
  '0',
  '-1',
  '1e400',
  '{}',
  '[]',
  '{"a":',
  '__proto__',
  'constructor',
  '../..',
  ',',
  ';',
  '%s%n',
  'a\nb',
  LONG,
] as const;

const ADDRESSES = [
  '203.0.113.0',
  '203.0.113.255',
  '203.0.113.7',
  '203.0.113.7,203.0.113.7',
  '203.0.113.7,2001:db8::7',
  ' 203.0.113.7 ',
  '0.0.0.0',
  '255.255.255.255',
  '127.0.0.1',
  '224.0.0.1',
  '::',
  '::1',
  '::ffff:203.0.113.7',
  'fe80::1%eth0',
  'ff02::1',
  '2001:db8::',
  '203.0.113.07',
  '203.0.113.999',
  Array.from({ length: 500 }, (_, n) => `203.0.113.${n % 256}`).join(),
] as const;

const text = fc.oneof(fc.constantFrom(...TEXTS), fc.constantFrom(...ADDRESSES), fc.string({ maxLength: 40 }));

const ANNOTATIONS = [
  'berth.dev/loadBalancerIPs',
  'berth.dev/address-pool',
  'berth.dev/allow-shared-ip',
  'berth.dev/renumber',
  'berth.dev/adopt',
  'berth.dev/ip-allocated-from-pool',
  'metallb.io/loadBalancerIPs',
  'metallb.io/address-pool',
  'metallb.io/allow-shared-ip',
  'metallb.universe.tf/loadBalancerIPs',
  'metallb.universe.tf/allow-shared-ip',
  'lbipam.cilium.io/ips',
  'kube-vip.io/loadbalancerIPs',
] as const;

const port = fc.record(
  {
    port: fc.constantFrom(0, 1, 80, 443, 65_535, 65_536, -1),
    protocol: fc.constantFrom('TCP', 'UDP', 'SCTP', 'tcp', ''),
    name: fc.constantFrom('', 'http', LONG),
    nodePort: fc.constantFrom(0, 30_000, 65_535),
  },
  { requiredKeys: ['port'] },
);

const manyPorts = fc
  .constantFrom(250, 3_000)
  .map((count) => Array.from({ length: count }, (_, n) => ({ port: n + 1, protocol: 'TCP' })));

/** Fields of a Service's spec; each may be missing. */
const spec = fc.record(
  {
    type: fc.constantFrom('LoadBalancer', 'LoadBalancer', 'LoadBalancer', 'ClusterIP', 'NodePort', 'ExternalName', ''),
    loadBalancerClass: fc.constantFrom('', 'berth.dev/l2', 'example.com/other', LONG),
    loadBalancerIP: text,
    clusterIP: fc.constantFrom('10.96.0.9', 'None', '', 'fd00::9', 'nonsense'),
    clusterIPs: fc.constantFrom(
      ['10.96.0.9'],
      ['fd00::9'],
      ['10.96.0.9', 'fd00::9'],
      [],
      ['None'],
      ['', ''],
      ['10.96.0.9', '10.96.0.9'],
    ),
    ipFamilies: fc.constantFrom([], ['IPv4'], ['IPv6', 'IPv4'], ['IPv5']),
    ipFamilyPolicy: fc.constantFrom('SingleStack', 'PreferDualStack', 'RequireDualStack', 'Nonsense', ''),
    externalTrafficPolicy: fc.constantFrom('Cluster', 'Local', 'Nonsense', ''),
    internalTrafficPolicy: fc.constantFrom('Cluster', 'Local'),
    selector: fc.constantFrom({}, { app: 'web' }, { [LONG]: LONG }, { '': '' }),
    ports: fc.oneof(fc.array(port, { maxLength: 4 }), manyPorts),
    externalIPs: fc.constantFrom([], ['203.0.113.7'], ['nonsense', ''], ['203.0.113.0', '203.0.113.1']),
    loadBalancerSourceRanges: fc.constantFrom([], ['0.0.0.0/0'], ['nonsense']),
    healthCheckNodePort: fc.constantFrom(0, 65_535),
    allocateLoadBalancerNodePorts: fc.boolean(),
    sessionAffinity: fc.constantFrom('None', 'ClientIP'),
  },
  { requiredKeys: ['clusterIPs', 'type'] },
);

/** What a user can write of a Service. */
export const writtenService = fc.record({
  annotations: fc.dictionary(fc.constantFrom(...ANNOTATIONS), text, { maxKeys: 4 }),
  labels: fc.dictionary(fc.constantFrom('tier', 'berth.dev/part', ''), text, { maxKeys: 2 }),
  spec,
});

export type WrittenService = ReturnType<typeof sampleOf>;
const sampleOf = () => fc.sample(writtenService, 1)[0] as NonNullable<ReturnType<typeof fc.sample<FromArbitrary>>[0]>;
type FromArbitrary = typeof writtenService extends fc.Arbitrary<infer Value> ? Value : never;

const entry = fc.oneof(
  fc.constantFrom(
    '203.0.113.0/24',
    '203.0.113.0-203.0.113.3',
    '203.0.113.5/32',
    '2001:db8::/64',
    '2001:db8::-2001:db8::3',
    '0.0.0.0/0',
    '::/0',
    '::ffff:203.0.113.0/120',
    '203.0.113.9-203.0.113.1',
    '10.0.0.0/8',
  ),
  text,
);

const anything = fc.oneof(fc.constantFrom(null, true, false, 0, -1, 1e300, 4_294_967_296, {}, []), text);

/** The spec of a pool; each field right, at its edge, or of another kind altogether. */
const pool = fc.record(
  {
    addresses: fc.oneof(fc.array(entry, { maxLength: 3 }), fc.constant(['203.0.113.0/24']), anything),
    autoAssign: fc.oneof(fc.boolean(), anything),
    avoidBuggyIPs: fc.oneof(fc.boolean(), anything),
    exclude: fc.oneof(fc.array(entry, { maxLength: 2 }), anything),
    reserved: fc.oneof(fc.constant([{ address: '203.0.113.7', service: 'shop/s0' }]), anything),
    quota: fc.oneof(fc.constantFrom({ perNamespace: 0 }, { perNamespace: 1 }, { perNamespace: 1e15 }), anything),
    cooldown: fc.oneof(fc.constantFrom('0s', '1s', '25d', '3650d', '100000000d', '999999999d999999999d'), anything),
    serviceAllocation: fc.oneof(
      fc.constantFrom(
        { priority: 0 },
        { priority: 2_147_483_647 },
        { namespaces: ['shop'] },
        { namespaceSelectors: [{}] },
        { serviceSelectors: [{ matchExpressions: [{ key: '', operator: 'In', values: [''] }] }] },
        { sharedAcrossNamespaces: true },
      ),
      anything,
    ),
  },
  { requiredKeys: ['addresses'] },
);

/** A ConfigMap of pools as a user may write it. */
export const writtenPools = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .dictionary(fc.constantFrom('lan', 'edge', 'x'.repeat(253)), pool, { minKeys: 1, maxKeys: 2 })
      .map(documentsOf),
  },
  { weight: 1, arbitrary: fc.dictionary(fc.constantFrom('pools.yaml', 'b.yml', 'config'), text, { maxKeys: 2 }) },
);

function documentsOf(pools: Readonly<Record<string, unknown>>): Record<string, string> {
  const documents = Object.entries(pools).map(([name, spec]) =>
    JSON.stringify({ apiVersion: 'berth.dev/v1', kind: 'IPAddressPool', metadata: { name }, spec }),
  );
  return { 'pools.yaml': documents.join('\n---\n') };
}
