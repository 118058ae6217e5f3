// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { configOf, poolDocuments } from '../ipam/testing/builders.ts';
import { parsePoolConfig } from './parse.ts';
import type { PoolConfig } from './pool-config.ts';
import { type ConfigProblem, formatProblem } from './problem.ts';

function problemsOf(data: string | Record<string, string>): readonly ConfigProblem[] {
  const parsed = parsePoolConfig(typeof data === 'string' ? { 'pools.yaml': data } : data);
  return parsed.ok ? [] : parsed.problems;
}

function pool(spec: string, name = 'edge', apiVersion = 'berth.dev/v1'): string {
  return `apiVersion: ${apiVersion}\nkind: IPAddressPool\nmetadata: { name: ${name} }\nspec:\n${spec.replace(/^/gm, '  ')}\n`;
}

function policy(spec: string): string {
  return `apiVersion: berth.dev/v1\nkind: L2Advertisement\nmetadata: { name: all }\nspec:\n${spec.replace(/^/gm, '  ')}\n`;
}

function sizes(config: PoolConfig): string[] {
  return config.pools.flatMap(({ addresses }) => addresses.map(({ range }) => `${range} ${range.size}`));
}

describe('parsePoolConfig', () => {
  const empty = [
    { name: 'no key at all', data: {} },
    { name: 'an empty text', data: { 'pools.yaml': '' } },
    { name: 'comments and empty documents', data: { 'pools.yaml': '# nothing\n---\n---\n' } },
  ];
  for (const { name, data } of empty) {
    it(`PV-01: accepts ${name} as zero pools`, () => {
      const parsed = parsePoolConfig(data);
      expect(parsed).to.deep.include({ ok: true, warnings: [] });
      expect(parsed.ok && parsed.config.pools).to.deep.equal([]);
    });
  }

  const read = [
    { id: 'PV-02', entry: '198.51.100.8/29', range: '198.51.100.8-198.51.100.15 8' },
    { id: 'PV-02', entry: '2001:db8:5::/112', range: '2001:db8:5::-2001:db8:5::ffff 65536' },
    { id: 'PV-03', entry: '198.51.100.10-198.51.100.13', range: '198.51.100.10-198.51.100.13 4' },
    { id: 'PV-03', entry: '198.51.100.10 - 198.51.100.13', range: '198.51.100.10-198.51.100.13 4' },
    { id: 'PV-03', entry: '198.51.100.10-198.51.100.10', range: '198.51.100.10-198.51.100.10 1' },
    { id: 'PV-03', entry: '2001:db8:5::10-2001:db8:5::1f', range: '2001:db8:5::10-2001:db8:5::1f 16' },
    { id: 'PV-05', entry: ' 198.51.100.0/24', range: '198.51.100.0-198.51.100.255 256' },
    { id: 'PV-05', entry: '198.51.100.4-198.51.100.9 ', range: '198.51.100.4-198.51.100.9 6' },
  ];
  for (const { id, entry, range } of read) {
    it(`${id}: reads "${entry}"`, () =>
      expect(sizes(configOf({ edge: { addresses: [entry] } }))).to.deep.equal([range]));
  }

  const hostBits = [
    { entry: '198.51.100.77/26', range: '198.51.100.64-198.51.100.127 64' },
    { entry: '2001:db8:5::1/112', range: '2001:db8:5::-2001:db8:5::ffff 65536' },
  ];
  for (const { entry, range } of hostBits) {
    it(`PV-04: accepts host bits in ${entry} with a warning`, () => {
      const parsed = parsePoolConfig({ 'pools.yaml': pool(`addresses: ["${entry}"]`) });
      expect(parsed.ok && sizes(parsed.config)).to.deep.equal([range]);
      expect(parsed.warnings).to.have.length(1);
      expect(parsed.warnings[0]?.message).to.include('edge').and.include(entry);
    });
  }

  const refusedEntries = [
    { id: 'PV-06', entry: '198.51.300.0/24' },
    { id: 'PV-06', entry: '198.51.100.0/33' },
    { id: 'PV-06', entry: '2001:db8::/129' },
    { id: 'PV-06', entry: '198.51.100.9' },
    { id: 'PV-06', entry: '198.51.100.x-198.51.100.9' },
    { id: 'PV-07', entry: '198.51.100.20-198.51.100.5' },
    { id: 'PV-08', entry: '198.51.100.1-2001:db8:5::9' },
  ];
  for (const { id, entry } of refusedEntries) {
    it(`${id}: refuses ${entry} and names pool and entry`, () => {
      const [problem, ...more] = problemsOf(pool(`addresses: ["${entry}"]`));
      expect(more).to.deep.equal([]);
      expect(problem?.message).to.include('edge').and.include(entry);
      expect(problem?.path).to.equal('spec.addresses[0]');
    });
  }

  for (const entry of ['198.51.100.1-2001:db8:5::9', '2001:db8:5::1-198.51.100.9']) {
    it(`HO-04: tells the place of ${entry}, what was found and wanted`, () => {
      const text = pool(`addresses:\n- 192.0.2.0/28\n- 192.0.2.16/28\n- "${entry}"`);
      const [problem] = problemsOf(`${pool('addresses: [192.0.2.64/28]', 'core')}---\n${text}`);
      expect(problem).to.deep.include({
        key: 'pools.yaml',
        document: 2,
        line: 14,
        column: 5,
        path: 'spec.addresses[2]',
      });
      expect(problem?.found).to.include(entry);
      expect(problem?.wanted).to.equal('both ends of one family');
    });
  }

  const unnamed = [
    {
      name: 'a pool without a name',
      text: 'apiVersion: berth.dev/v1\nkind: IPAddressPool\nspec: {addresses: [192.0.2.0/28]}',
      path: 'metadata',
    },
    {
      name: 'two pools of one name',
      text: `${pool('addresses: [192.0.2.0/28]')}---\n${pool('addresses: [192.0.2.16/28]')}`,
      path: 'metadata.name',
    },
    { name: 'a pool without addresses', text: pool('autoAssign: true'), path: 'spec.addresses' },
    { name: 'a pool with an empty list', text: pool('addresses: []'), path: 'spec.addresses' },
  ];
  for (const { name, text, path } of unnamed) {
    it(`PV-09: refuses ${name}`, () => expect(problemsOf(text).map((problem) => problem.path)).to.deep.equal([path]));
  }

  const overlaps = [
    { id: 'PV-10', a: '198.51.100.0/25', b: '198.51.100.96-198.51.100.140', overlap: true },
    { id: 'PV-10', a: '198.51.100.0-198.51.100.10', b: '198.51.100.10-198.51.100.19', overlap: true },
    { id: 'PV-10', a: '198.51.100.0-198.51.100.9', b: '198.51.100.10-198.51.100.19', overlap: false },
    { id: 'PV-10', a: '2001:db8::/64', b: '2001:db8::7-2001:db8::7', overlap: true },
  ];
  for (const { id, a, b, overlap } of overlaps) {
    for (const [first, second] of [
      [a, b],
      [b, a],
    ]) {
      it(`${id}: ${overlap ? 'refuses' : 'accepts'} ${first} beside ${second} in another pool`, () => {
        const text = `${pool(`addresses: ["${first}"]`, 'red')}---\n${pool(`addresses: ["${second}"]`, 'blue')}`;
        const messages = problemsOf(text).map(({ message }) => message);
        expect(messages).to.have.length(overlap ? 1 : 0);
        if (overlap) expect(messages[0]).to.include('red').and.include('blue').and.include(a).and.include(b);
      });
    }
  }

  it('PV-11: refuses an overlap inside one pool and names both entries', () => {
    const [problem] = problemsOf(pool('addresses: [198.51.100.0/24, 198.51.100.7/32]'));
    expect(problem?.message).to.include('198.51.100.0/24').and.include('198.51.100.7/32').and.include('edge');
  });

  it('PV-12: does not hold a pool against its own old version', () => {
    expect(problemsOf(pool('addresses: [198.51.100.0/28]'))).to.deep.equal([]);
    expect(problemsOf(pool('addresses: [198.51.100.0/27]'))).to.deep.equal([]);
  });

  it('PV-13: fills in the defaults and keeps what is written', () => {
    const [first, second] = configOf({
      a: { addresses: ['192.0.2.0/28'] },
      b: { addresses: ['192.0.2.16/28'], autoAssign: false, avoidBuggyIPs: true },
    }).pools;
    expect(first).to.deep.include({ autoAssign: true, avoidBuggyIPs: false, cooldownSeconds: 0, quota: undefined });
    expect(second).to.deep.include({ autoAssign: false, avoidBuggyIPs: true });
  });

  it('PV-14: refuses a namespace that is listed twice, with the path of the second', () => {
    const paths = problemsOf(pool('addresses: [192.0.2.0/28]\nserviceAllocation: { namespaces: [shop, shop] }')).map(
      ({ path }) => path,
    );
    expect(paths).to.deep.equal(['spec.serviceAllocation.namespaces[1]']);
  });

  const selectors = [
    { name: 'two identical ones', list: '[{matchLabels: {a: b, c: d}}, {matchLabels: {c: d, a: b}}]', at: '[1]' },
    {
      name: 'a value twice',
      list: '[{matchExpressions: [{key: tier, operator: In, values: [gold, gold]}]}]',
      at: '[0].matchExpressions[0].values[1]',
    },
    { name: 'no key', list: '[{matchExpressions: [{operator: Exists}]}]', at: '[0].matchExpressions[0].key' },
    { name: 'no operator', list: '[{matchExpressions: [{key: tier}]}]', at: '[0].matchExpressions[0].operator' },
    {
      name: 'operator Includes',
      list: '[{matchExpressions: [{key: tier, operator: Includes, values: [a]}]}]',
      at: '[0].matchExpressions[0].operator',
    },
    {
      name: 'In without values',
      list: '[{matchExpressions: [{key: tier, operator: In}]}]',
      at: '[0].matchExpressions[0]',
    },
    {
      name: 'Exists with values',
      list: '[{matchExpressions: [{key: tier, operator: Exists, values: [a]}]}]',
      at: '[0].matchExpressions[0]',
    },
  ];
  const fields = [
    {
      field: 'spec.serviceAllocation.serviceSelectors',
      text: (list: string) => pool(`addresses: [192.0.2.0/28]\nserviceAllocation: { serviceSelectors: ${list} }`),
    },
    {
      field: 'spec.serviceAllocation.namespaceSelectors',
      text: (list: string) => pool(`addresses: [192.0.2.0/28]\nserviceAllocation: { namespaceSelectors: ${list} }`),
    },
    { field: 'spec.nodeSelectors', text: (list: string) => policy(`nodeSelectors: ${list}`) },
    { field: 'spec.ipAddressPoolSelectors', text: (list: string) => policy(`ipAddressPoolSelectors: ${list}`) },
  ];
  for (const { name, list, at } of selectors) {
    for (const { field, text } of fields) {
      it(`PV-15: refuses ${name} in ${field}`, () => {
        expect(problemsOf(text(list)).map(({ path }) => path)).to.include(field + at);
      });
    }
  }

  it('PV-16: refuses a pool that a policy lists twice', () => {
    expect(problemsOf(policy('ipAddressPools: [lan, lan]')).map(({ path }) => path)).to.deep.equal([
      'spec.ipAddressPools[1]',
    ]);
  });

  it('reads a document of MetalLB as it is, its namespace included', () => {
    const text = `apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: { name: lan, namespace: metallb-system }\nspec: { addresses: [192.0.2.0/28] }\n`;
    const parsed = parsePoolConfig({ 'pools.yaml': text });
    expect(parsed.ok && parsed.config.pools[0]?.serviceAllocation.sharedAcrossNamespaces).to.equal(true);
  });

  it('reads the list that kubectl get -o yaml exports', () => {
    const item = {
      apiVersion: 'metallb.io/v1beta1',
      kind: 'IPAddressPool',
      metadata: { name: 'lan', uid: 'x', generation: 3 },
    };
    const items = [{ ...item, spec: { addresses: ['192.0.2.0/28'] }, status: { assignedIPv4: 3 } }];
    expect(problemsOf(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))).to.deep.equal([]);
    const bad = [{ ...item, spec: { addresses: ['192.0.2.0'] } }];
    expect(problemsOf(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: bad }))[0]?.path).to.equal(
      'items[0].spec.addresses[0]',
    );
  });

  it('PV-18: keeps the range as it was written', () => {
    const [edge] = configOf({ edge: { addresses: [' 198.51.100.10-198.51.100.13 '] } }).pools;
    expect(edge?.addresses.map(({ text }) => text)).to.deep.equal(['198.51.100.10-198.51.100.13']);
  });

  it('reads all fields of ours', () => {
    const [edge] = configOf({
      edge: {
        addresses: ['192.0.2.0/28'],
        exclude: ['192.0.2.1-192.0.2.2'],
        reserved: [{ address: '192.0.2.5', service: 'shop/web' }],
        quota: { perNamespace: 3, namespaces: { ops: 0 } },
        cooldown: '1h30m',
        serviceAllocation: { priority: 7, namespaces: ['shop'], sharedAcrossNamespaces: true },
      },
    }).pools;
    expect(edge).to.deep.include({ cooldownSeconds: 5400, quota: { perNamespace: 3, namespaces: { ops: 0 } } });
    expect(edge?.serviceAllocation).to.deep.include({
      priority: 7,
      namespaces: ['shop'],
      sharedAcrossNamespaces: true,
    });
    expect(edge?.reserved.map(({ address, service }) => `${address} ${service}`)).to.deep.equal(['192.0.2.5 shop/web']);
  });

  it('tells everything that is wrong at once, in the order of the text', () => {
    const spec =
      'adresses: [192.0.2.0/28]\nautoAssign: "no"\naddresses: [192.0.2.0/40]\ncooldown: soon\nquota: { perNamespace: -1 }';
    const problems = problemsOf({
      'b.yaml': `${pool(spec)}---\nkind: IpAddressPool\n---\nhello\n---\n${policy('nodeSelector: []')}`,
      'a.yml': 'a:\n\t- b',
    });
    const lines = problems.map(formatProblem);
    expect(lines[0]).to.match(/^a\.yml:2:1: .*YAML.*[Tt]ab/);
    expect(lines.slice(1).map((line) => line.split(' ')[0] + (/wanted .*/.exec(line)?.[0] ?? ''))).to.deep.equal([
      'b.yaml:5:3:wanted addresses',
      'b.yaml:6:15:wanted true or false',
      'b.yaml:7:15:wanted a CIDR such as 192.0.2.0/28, or a range such as 192.0.2.10-192.0.2.20: "192.0.2.0/40" has no prefix length of 0 to 32',
      'b.yaml:8:13:wanted a duration such as 90s, 10m or 1h30m',
      'b.yaml:9:26:wanted at least 0',
      'b.yaml:11:7:wanted IPAddressPool',
      'b.yaml:13:1:wanted an object with apiVersion, kind, metadata and spec',
      'b.yaml:19:3:wanted nodeSelectors',
    ]);
  });

  const refused = [
    { name: 'an unknown kind', text: 'apiVersion: v1\nkind: Service', wanted: 'IPAddressPool or L2Advertisement' },
    {
      name: 'a BGP document',
      text: 'apiVersion: metallb.io/v1beta1\nkind: BGPPeer',
      wanted: 'IPAddressPool or L2Advertisement',
    },
    {
      name: 'an unknown apiVersion',
      text: pool('addresses: [192.0.2.0/28]', 'edge', 'berth.dev/v2'),
      wanted: "berth.dev/v1, or MetalLB's metallb.io/v1beta1",
    },
    {
      name: 'a reservation outside the pool',
      text: pool('addresses: [192.0.2.0/28]\nreserved: [{address: 192.0.2.99, service: shop/web}]'),
      wanted: 'an address of this pool',
    },
    {
      name: 'a reservation of an excluded address',
      text: pool(
        'addresses: [192.0.2.0/28]\nexclude: [192.0.2.1/32]\nreserved: [{address: 192.0.2.1, service: shop/web}]',
      ),
      wanted: 'an address that is not excluded',
    },
    {
      name: 'a second reservation of an address',
      text: pool(
        'addresses: [192.0.2.0/28]\nreserved: [{address: 192.0.2.1, service: shop/a}, {address: 192.0.2.1, service: shop/b}]',
      ),
      wanted: 'an address that is not reserved for shop/a already',
    },
    { name: 'a key that occurs twice', text: 'kind: IPAddressPool\nkind: IPAddressPool', wanted: 'each key once' },
    {
      name: 'a merge key',
      text: `${pool('addresses: [192.0.2.0/28]\n<<: {autoAssign: true}')}`,
      wanted: 'one of addresses, autoAssign, avoidBuggyIPs, exclude, reserved, quota, cooldown, serviceAllocation',
    },
    {
      name: 'a number that is no number',
      text: pool('addresses: [192.0.2.0/28]\nserviceAllocation: { priority: 1e999 }'),
      wanted: 'a number',
    },
  ];
  for (const { name, text, wanted } of refused) {
    it(`refuses ${name}`, () => expect(problemsOf(text).map((problem) => problem.wanted)).to.deep.equal([wanted]));
  }

  it('warns about keys that are not read, pools that do not exist, and exclude that excludes nothing', () => {
    const parsed = parsePoolConfig({
      config: 'address-pools: []',
      'pools.yaml': `${pool('addresses: [192.0.2.0/28]\nexclude: [192.0.2.16/28]')}---\n${policy('ipAddressPools: [egde]')}`,
    });
    expect(parsed.ok).to.equal(true);
    expect(parsed.warnings.map(({ wanted }) => wanted)).to.deep.equal([
      'a key that ends in .yaml or .yml',
      'addresses of this pool',
      'edge',
    ]);
  });

  for (const entry of [
    '127.0.0.0/24',
    '0.0.0.0/0',
    '224.0.0.1-224.0.0.9',
    'fe80::/64',
    '::/0',
    'ff02::/16',
    '169.254.9.0/24',
    '255.255.255.255/32',
  ]) {
    it(`warns about ${entry}, which no client reaches`, () => {
      const parsed = parsePoolConfig({ 'pools.yaml': pool(`addresses: ["${entry}"]`) });
      expect(parsed.ok).to.equal(true);
      expect(parsed.warnings.map(({ wanted }) => wanted)).to.deep.equal(['addresses of the LAN']);
    });
  }

  it('reads what anchors stand for', () => {
    const text = pool('addresses: &net [192.0.2.0/28]\nserviceAllocation: { namespaces: &ns [shop] }');
    expect(problemsOf(text)).to.deep.equal([]);
    expect(problemsOf(pool('addresses: [&a 192.0.2.0/28, *a]'))[0]?.path).to.equal('spec.addresses[1]');
  });

  it('HO-05: documents in any order and any key give the same configuration', () => {
    const [blue, amber] = [pool('addresses: [192.0.2.0/28]', 'blue'), pool('addresses: [192.0.2.16/28]', 'amber')];
    const one = parsePoolConfig({ 'a.yaml': blue, 'b.yaml': amber });
    const other = parsePoolConfig({ 'a.yaml': `${amber}---\n${blue}` });
    expect(one.ok && one.config.pools.map(({ name }) => name)).to.deep.equal(['amber', 'blue']);
    expect(other.ok && other.config).to.deep.equal(one.ok && one.config);
  });

  it('reads back what the builder of the tests writes', () => {
    expect(
      problemsOf(poolDocuments({ a: { addresses: ['192.0.2.0/28'] }, b: { addresses: ['192.0.2.16/28'] } })),
    ).to.deep.equal([]);
  });
});
