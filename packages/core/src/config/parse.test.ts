// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { configOf } from '../ipam/testing/builders.ts';
import { parsePoolConfig } from './parse.ts';
import type { PoolConfig } from './pool-config.ts';
import type { ConfigProblem } from './problem.ts';

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

  it('EN-27: reads serve in a policy, and refuses what is neither owner nor every-node', () => {
    const withServe = (serve: string) => `${pool('addresses: [198.51.100.0/28]')}---\n${policy(`serve: ${serve}`)}`;
    for (const serve of ['owner', 'every-node']) {
      const parsed = parsePoolConfig({ 'pools.yaml': withServe(serve) });
      expect(parsed.ok && parsed.config.advertisements.map((one) => one.serve)).to.deep.equal([serve]);
    }
    const [problem, ...others] = problemsOf(withServe('all'));
    expect(others).to.deep.equal([]);
    expect(problem?.message).to.include('L2Advertisement all').and.include('every-node');
  });

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
});
