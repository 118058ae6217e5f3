// SPDX-License-Identifier: Apache-2.0
/** Configurations as templates, editors, exports and older products write them. */
import { expect } from 'chai';
import { stringify } from 'yaml';
import type { ConfigMapContent } from './config-keys.ts';
import { parseConfigMap, parsePoolConfig } from './parse.ts';

const POOL =
  'apiVersion: berth.dev/v1\nkind: IPAddressPool\nmetadata: {name: lan}\nspec: {addresses: [192.0.2.0/28]}\n';
const POLICY = 'apiVersion: berth.dev/v1\nkind: L2Advertisement\nmetadata: {name: all}\n';

function messages(content: ConfigMapContent): readonly string[] {
  const parsed = parseConfigMap(content);
  return parsed.ok ? [] : parsed.problems.map(({ message }) => message);
}

function read(text: string) {
  return parsePoolConfig({ 'pools.yaml': text });
}

function problemsOf(text: string): readonly string[] {
  return messages({ data: { 'pools.yaml': text } });
}

describe('parseConfigMap: empty is hardly ever meant', () => {
  const empty: { name: string; content: ConfigMapContent; found: string }[] = [
    { name: 'nothing', content: {}, found: 'no key at all' },
    { name: 'data: {}', content: { data: {} }, found: 'no key at all' },
    { name: 'an empty text', content: { data: { 'pools.yaml': '' } }, found: 'no document' },
    { name: 'comments', content: { data: { 'pools.yaml': '# nothing\n---\n---\n' } }, found: 'no document' },
    { name: 'null', content: { data: { 'a.yaml': 'null\n', 'b.yml': '~' } }, found: 'no document' },
    {
      name: 'an empty list',
      content: { data: { 'a.yaml': '{apiVersion: v1, kind: List, items: []}' } },
      found: 'no document',
    },
    { name: 'another key', content: { data: { pools: POOL } }, found: 'no key that ends in .yaml or .yml' },
    { name: 'policies only', content: { data: { 'pools.yaml': POLICY } }, found: 'L2Advertisement documents and no' },
    {
      name: 'reports of MetalLB only',
      content: { data: { 'a.yaml': '{apiVersion: metallb.io/v1beta1, kind: ServiceL2Status}' } },
      found: 'no document',
    },
  ];
  for (const { name, content, found } of empty) {
    it(`CF-01: refuses ${name}, and says how "no pools" is said`, () => {
      const [message, ...more] = messages(content);
      expect(more).to.deep.equal([]);
      expect(message).to.include(`found ${found}`).and.include('berth.dev/empty: "true"');
    });
  }

  it('CF-02: refuses documents in binaryData and names the encoding', () => {
    const [littleEndian, bigEndian, latin1] = ['//5hAHAAaQA=', '/v8AYQBwAGk=', '6Q=='];
    expect(messages({ binaryData: { 'pools.yaml': littleEndian } })[0]).to.include('the file is UTF-16');
    expect(messages({ data: { 'a.yaml': POOL }, binaryData: { 'b.yml': bigEndian } })[0]).to.include('UTF-16');
    expect(messages({ binaryData: { 'pools.yaml': latin1 } })[0]).to.include('no UTF-8');
  });

  it('CF-02: leaves other binary data alone', () => {
    expect(messages({ data: { 'a.yaml': POOL }, binaryData: { 'logo.png': 'iVBORw==' } })).to.deep.equal([]);
  });

  it('CF-02: names the encoding where the API server or a reader took UTF-16 for text', () => {
    const withoutMark = [...POOL].map((letter) => `${letter}\0`).join('');
    for (const text of [withoutMark, `\ufffd\ufffd${withoutMark}`]) expect(problemsOf(text)[0]).to.include('UTF-16');
  });

  it('CF-02: reads UTF-8 with a byte order mark', () => {
    expect(read(`\ufeff${POOL}`)).to.deep.include({ ok: true, warnings: [] });
  });

  for (const key of ['pools.YAML', 'pools.Yml']) {
    it(`CF-03: refuses the key ${key}, also beside good documents`, () => {
      expect(messages({ data: { [key]: POOL } })).to.have.length(1);
      expect(messages({ data: { [key]: POOL, 'a.yaml': POOL } })[0])
        .to.include(key)
        .and.include('small letters');
    });
  }

  it('CF-04: a pool is empty on purpose by its annotation only', () => {
    const empty = POOL.replace('[192.0.2.0/28]', '[]');
    const meant = (text: string) => text.replace('{name: lan}', '{name: lan, annotations: {berth.dev/empty: "true"}}');
    expect(problemsOf(empty)[0]).to.include('berth.dev/empty: "true"');
    const parsed = read(meant(empty));
    expect(parsed.ok && parsed.config.pools.map(({ addresses }) => addresses)).to.deep.equal([[]]);
    expect(problemsOf(meant(POOL))[0]).to.include('wanted addresses: []');
    expect(problemsOf(meant(POOL.replace('[192.0.2.0/28]', '')))).to.have.length(1);
  });
});

describe('parsePoolConfig: null', () => {
  it('CF-05: counts as not given', () => {
    const text = `apiVersion: berth.dev/v1
kind: IPAddressPool
metadata: {name: lan, labels: , annotations: null, creationTimestamp: null}
spec:
  addresses: [192.0.2.0/28]
  autoAssign:
  avoidBuggyIPs: ~
  exclude:
  reserved: null
  quota: {perNamespace: , namespaces: }
  cooldown:
  serviceAllocation: {priority: , namespaces: , namespaceSelectors: [{matchLabels: , matchExpressions: }]}
status:
---
${POLICY}spec:
`;
    const parsed = read(text);
    expect(parsed.ok || parsed.problems).to.equal(true);
    const [pool] = parsed.ok ? parsed.config.pools : [];
    expect(pool).to.deep.include({ autoAssign: true, avoidBuggyIPs: false, cooldownSeconds: 0, labels: {} });
  });

  it('CF-05: is missed where something is required', () => {
    expect(problemsOf(POOL.replace('{addresses: [192.0.2.0/28]}', ''))[0]).to.include(
      'found nothing, wanted an object',
    );
    expect(problemsOf(POOL.replace('[192.0.2.0/28]', ''))[0]).to.include('found nothing, wanted a list');
  });

  it('CF-05: is refused where it would widen a selector, and in lists', () => {
    const selecting = (selector: string) =>
      POOL.replace('28]', `28], serviceAllocation: {serviceSelectors: [${selector}]}`);
    expect(problemsOf(selecting('{matchLabels: {team: }}'))).to.have.length(1);
    expect(problemsOf(selecting('null'))).to.have.length(1);
    expect(problemsOf(POOL.replace('28]', '28, null]'))).to.have.length(1);
  });
});

describe('parsePoolConfig: MetalLB', () => {
  const legacy = `peers: []
address-pools:
- name: default
  protocol: layer2
  addresses: [192.0.2.0/28, 198.51.100.1-198.51.100.9]
  avoid-buggy-ips: true
- name: closed
  protocol: layer2
  addresses: [203.0.113.0/28]
  auto-assign: false
- name: far
  protocol: bgp
  addresses: [203.0.113.16/28]
`;

  for (const key of ['config', 'pools.yaml']) {
    it(`CF-06: answers the old format in the key ${key} with documents that are read`, () => {
      const parsed = parsePoolConfig({ [key]: legacy });
      const [problem, ...more] = parsed.ok ? [] : parsed.problems;
      expect(more).to.deep.equal([]);
      expect(problem?.message).to.include('the format of MetalLB before 0.13');
      expect(problem?.suggestion).to.include('# pool "far" has protocol "bgp" and is left out');
      const converted = read(problem?.suggestion ?? '');
      if (!converted.ok) throw new Error(converted.problems[0]?.message);
      expect(
        converted.config.pools.map(({ name, autoAssign, avoidBuggyIPs }) => ({ name, autoAssign, avoidBuggyIPs })),
      ).to.deep.equal([
        { name: 'closed', autoAssign: false, avoidBuggyIPs: false },
        { name: 'default', autoAssign: true, avoidBuggyIPs: true },
      ]);
      const isShared = converted.config.pools.map(({ serviceAllocation }) => serviceAllocation.sharedAcrossNamespaces);
      expect(isShared).to.deep.equal([true, true]);
      expect(converted.config.advertisements[0]?.ipAddressPools).to.deep.equal(['default', 'closed']);
    });
  }

  it('CF-06: converts whatever has the shape', () => {
    for (const pools of ['[]', '[null, 3, {}]', '[{name: {a: b}, protocol: "x\\ny", addresses: 7}]']) {
      expect(problemsOf(`address-pools: ${pools}`)).to.have.length(1);
    }
  });

  it('CF-06: leaves an old key beside new documents alone', () => {
    expect(messages({ data: { config: legacy, 'pools.yaml': POOL } })).to.deep.equal([]);
  });

  for (const kind of ['Community', 'BFDProfile', 'ServiceL2Status', 'ServiceBGPStatus', 'ConfigurationState']) {
    it(`CF-07: skips ${kind} with a note`, () => {
      const parsed = read(`${POOL}---\napiVersion: metallb.io/v1beta1\nkind: ${kind}\nmetadata: {name: x}\n`);
      expect(parsed.ok).to.equal(true);
      expect(parsed.warnings.map(({ message }) => message)).to.deep.equal([
        `${kind} x is skipped: it says nothing about layer 2`,
      ]);
    });
  }

  for (const kind of ['BGPPeer', 'BGPAdvertisement']) {
    it(`CF-07: refuses ${kind} by its name`, () => {
      const [message] = problemsOf(`${POOL}---\napiVersion: metallb.io/v1beta1\nkind: ${kind}\nmetadata: {name: x}\n`);
      expect(message).to.include(kind).and.include('has no BGP');
    });
  }

  it('CF-07: does not take another product for MetalLB', () => {
    expect(problemsOf(`${POOL}---\napiVersion: cilium.io/v2\nkind: Community\nmetadata: {name: x}\n`)).to.have.length(
      1,
    );
  });

  it('CF-10: accepts 300 pools as kubectl exports them', () => {
    const item = (index: number) => ({
      apiVersion: 'metallb.io/v1beta1',
      kind: 'IPAddressPool',
      metadata: {
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ kind: 'IPAddressPool' }) },
        creationTimestamp: '2026-03-01T10:00:00Z',
        generation: 1,
        labels: { team: `team-${index}` },
        name: `pool-${index}`,
        namespace: 'metallb-system',
        resourceVersion: `${index}`,
        uid: '00000000-0000-4000-8000-000000000000',
      },
      spec: {
        addresses: [`10.${index >> 8}.${index & 255}.0/24`],
        autoAssign: true,
        avoidBuggyIPs: false,
        serviceAllocation: { namespaces: [`team-${index}`], priority: 50 },
      },
      status: { assignedIPv4: 3, assignedIPv6: 0, availableIPv4: 253, availableIPv6: 0 },
    });
    const items = Array.from({ length: 300 }, (_, index) => item(index));
    for (const kind of ['List', 'IPAddressPoolList']) {
      const parsed = read(stringify({ apiVersion: 'v1', kind, items, metadata: { resourceVersion: '' } }));
      expect(parsed.ok && parsed.config.pools.length).to.equal(300);
    }
  }).timeout(20_000);
});

describe('parsePoolConfig: names and addresses', () => {
  it('CF-09: long names that differ at the end are different', () => {
    const long = 'a'.repeat(80);
    const named = (name: string, net: string) => POOL.replace('lan', name).replace('192.0.2.0', net);
    const parsed = read(`${named(`${long}-1`, '192.0.2.0')}---\n${named(`${long}-2`, '192.0.2.16')}`);
    expect(parsed.ok && parsed.config.pools.map(({ name }) => name)).to.deep.equal([`${long}-1`, `${long}-2`]);
    expect(problemsOf(`${named(long, '192.0.2.0')}---\n${named(long, '192.0.2.16')}`)).to.have.length(1);
  });

  const odd = [
    { entry: '::ffff:192.0.2.0/24', reason: 'an IPv4-mapped IPv6 address' },
    { entry: '::ffff:192.0.2.0/120', reason: 'an IPv4-mapped IPv6 address' },
    { entry: '::ffff:192.0.2.1-::ffff:192.0.2.9', reason: 'an IPv4-mapped IPv6 address' },
    { entry: '::ffff:192.0.2.1-192.0.2.9', reason: 'an IPv4-mapped IPv6 address' },
    { entry: '::/0', reason: 'more than a /8 of IPv6' },
    { entry: '2000::/3', reason: 'more than a /8 of IPv6' },
    { entry: '0.0.0.0/0', reason: 'more than a /8 of IPv4' },
    { entry: '0.0.0.0-255.255.255.255', reason: 'more than a /8 of IPv4' },
  ];
  for (const { entry, reason } of odd) {
    it(`CF-11: refuses ${entry} with a reason`, () => {
      expect(problemsOf(POOL.replace('192.0.2.0/28', `"${entry}"`))[0]).to.include(reason);
      expect(problemsOf(POOL.replace('28]', `28], exclude: ["${entry}"]`))[0]).to.include(reason);
    });
  }

  it('CF-11: accepts the largest private nets', () => {
    expect(problemsOf(POOL.replace('192.0.2.0/28', '10.0.0.0/8, "fd00::/8"'))).to.deep.equal([]);
  });

  it('CF-12: refuses to reserve an address that avoidBuggyIPs leaves out', () => {
    const reserving = (address: string, more = '') =>
      POOL.replace('28]', `28, 192.0.2.255/32]${more}, reserved: [{address: ${address}, service: shop/web}]`);
    for (const address of ['192.0.2.0', '192.0.2.255']) {
      expect(problemsOf(reserving(address, ', avoidBuggyIPs: true'))[0]).to.include('avoidBuggyIPs does not leave out');
      expect(problemsOf(reserving(address))).to.deep.equal([]);
    }
    expect(problemsOf(reserving('192.0.2.5', ', avoidBuggyIPs: true'))).to.deep.equal([]);
  });
});
