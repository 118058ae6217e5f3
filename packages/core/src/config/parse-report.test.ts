// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { configOf, poolDocuments } from '../ipam/testing/builders.ts';
import { parsePoolConfig } from './parse.ts';
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

describe('parsePoolConfig: own fields, reports and warnings', () => {
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
      name: 'ER-06: a cooldown of more than ten years',
      text: pool('addresses: [192.0.2.0/28]\ncooldown: 3651d'),
      wanted: 'at most 3650d',
    },
    {
      name: 'ER-06: a cooldown of 10^8 days',
      text: pool('addresses: [192.0.2.0/28]\ncooldown: 100000000d'),
      wanted: 'at most 3650d',
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
    '0.0.0.0/8',
    '224.0.0.1-224.0.0.9',
    'fe80::/64',
    '::/64',
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
