// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { type AppliedConfig, applyFiles, type LiveConfigMap, stayingText } from './applied.ts';
import { formatProblem } from './problem.ts';

function pool(name: string, range: string, apiVersion = 'berth.dev/v1'): string {
  return `apiVersion: ${apiVersion}\nkind: IPAddressPool\nmetadata: { name: ${name} }\nspec: { addresses: [${range}] }\n`;
}

function manifest(data: Readonly<Record<string, string>>): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'ip-address-pools' }, data });
}

const LAN = pool('lan', '192.0.2.0/28');
const DMZ = pool('dmz', '198.51.100.0/28');
const ALL = 'apiVersion: berth.dev/v1\nkind: L2Advertisement\nmetadata: { name: all }\n';
const LIVE: LiveConfigMap = { data: { 'pools.yaml': [LAN, DMZ, ALL].join('---\n'), README: 'ours' } };

function apply(text: string, live?: LiveConfigMap): AppliedConfig {
  const applied = applyFiles([{ name: 'next.yaml', text }], live);
  if (applied === undefined) throw new Error('no configuration');
  return applied;
}

/** Names and ranges of the pools, or what is wrong. */
function poolsOf({ parsed }: AppliedConfig): string[] {
  if (!parsed.ok) return parsed.problems.map((problem) => formatProblem(problem));
  return parsed.config.pools.map(({ name, addresses }) => `${name} ${addresses.map(({ text }) => text)}`);
}

describe('applyFiles', () => {
  it('PR-02: a bare document takes the place of the one of its kind and name, and all others stay', () => {
    const applied = apply(pool('lan', '192.0.2.0/24'), LIVE);
    expect(poolsOf(applied)).to.deep.equal(['dmz 198.51.100.0/28', 'lan 192.0.2.0/24']);
    expect(applied.staying).to.deep.equal(['IPAddressPool dmz', 'L2Advertisement all']);
  });

  it('PR-02: a bare document of a new name comes to the others; with a List, each of its items', () => {
    const added = apply(pool('edge', '203.0.113.0/28'), LIVE);
    expect(poolsOf(added).map((text) => text.split(' ')[0])).to.deep.equal(['dmz', 'edge', 'lan']);
    const list = JSON.stringify({
      ...{ apiVersion: 'v1', kind: 'List' },
      items: ['lan', 'dmz'].map((name, index) => ({
        ...{ apiVersion: 'berth.dev/v1', kind: 'IPAddressPool', metadata: { name } },
        spec: { addresses: [`203.0.113.${16 * index}/28`] },
      })),
    });
    expect(poolsOf(apply(list, LIVE))).to.deep.equal(['dmz 203.0.113.16/28', 'lan 203.0.113.0/28']);
  });

  it('PR-02: what does not go with the others is refused, with the place of both', () => {
    const [first = ''] = poolsOf(apply(pool('edge', '198.51.100.8/29'), LIVE));
    expect(first).to.match(/^(pools|file next)\.yaml:/);
    expect(first).to.include('which overlaps "198.51.100.');
  });

  it('PR-02: is the file alone where there is no ConfigMap, or nothing else in it', () => {
    for (const live of [undefined, { data: { 'pools.yaml': LAN } }]) {
      const applied = apply(pool('lan', '192.0.2.0/24'), live);
      expect([poolsOf(applied), applied.staying]).to.deep.equal([['lan 192.0.2.0/24'], []]);
    }
    expect(poolsOf(apply(pool('lan', '192.0.2.0')))[0]).to.match(/^next\.yaml:4:/);
  });

  it('PR-02: tells which documents are objects of MetalLB, which an apply changes themselves', () => {
    const text = [pool('lan', '192.0.2.0/24', 'metallb.io/v1beta1'), DMZ].join('---\n');
    expect([...apply(text).objects]).to.deep.equal(['IPAddressPool lan']);
  });

  const before = JSON.stringify({ data: { 'pools.yaml': '' } });
  const data = { 'pools.yaml': LAN, 'metallb.yaml': DMZ };
  const maps: { name: string; live: LiveConfigMap; staying: string[] }[] = [
    {
      name: 'kubectl applied one of two keys',
      live: { data, metadata: { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': before } } },
      staying: ['key metallb.yaml'],
    },
    {
      name: 'a server-side apply owns one of them',
      live: {
        data,
        metadata: {
          managedFields: [
            { operation: 'Apply', fieldsV1: { 'f:data': { '.': {}, 'f:pools.yaml': {} } } },
            { operation: 'Update', fieldsV1: { 'f:data': { 'f:metallb.yaml': {} } } },
          ],
        },
      },
      staying: ['key metallb.yaml'],
    },
    { name: 'nobody applied anything', live: { data }, staying: ['key pools.yaml', 'key metallb.yaml'] },
  ];
  for (const { name, live, staying } of maps)
    it(`PR-03: a ConfigMap takes away the keys of an earlier apply, and leaves others: ${name}`, () => {
      const applied = apply(manifest({ 'new.yaml': pool('edge', '203.0.113.0/28') }), live);
      expect(applied.staying).to.deep.equal(staying);
      expect(poolsOf(applied)).to.have.length(staying.length + 1);
    });

  it('PR-03: a ConfigMap with the keys of the one that is there is the whole', () => {
    const applied = apply(manifest({ 'pools.yaml': DMZ }), LIVE);
    expect([poolsOf(applied), applied.staying]).to.deep.equal([['dmz 198.51.100.0/28'], []]);
  });

  it('is nothing where a file has two ConfigMaps', () => {
    const two = [manifest({ 'a.yaml': LAN }), manifest({ 'a.yaml': DMZ })].join('\n---\n');
    expect(applyFiles([{ name: 'next.yaml', text: two }])).to.equal(undefined);
  });
});

describe('stayingText', () => {
  it('names ten, and counts the others', () => {
    const staying = Array.from({ length: 12 }, (_, index) => `IPAddressPool p${index}`);
    expect(stayingText('next.yaml', staying)).to.match(
      /^What ConfigMap ip-address-pools has beside next\.yaml stays: IPAddressPool p0, .* IPAddressPool p9 and 2 more$/,
    );
  });
});
