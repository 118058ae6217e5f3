// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { METALLB_OBJECTS_KEY, metallbObjectsText } from '../config/metallb-objects.ts';
import { parsePoolConfig } from '../config/parse.ts';
import type { PoolConfig } from '../config/pool-config.ts';
import { configIn, joinObjects, noteOnConfig } from './config-facts.ts';

const OBJECTS = metallbObjectsText([
  {
    kind: 'IPAddressPool',
    metadata: { name: 'edge', namespace: 'metallb-system' },
    spec: { addresses: ['198.51.100.0/28'] },
  },
  { kind: 'L2Advertisement', metadata: { name: 'all', namespace: 'metallb-system' } },
]);

function document(name: string, addresses: string): string {
  return JSON.stringify({
    apiVersion: 'berth.dev/v1',
    kind: 'IPAddressPool',
    metadata: { name },
    spec: { addresses: [addresses] },
  });
}

const POOLS = { 'pools.yaml': document('lan', '192.0.2.0/28') };

function map(name: string, data: Readonly<Record<string, string>>) {
  return { metadata: { namespace: 'berth-system', name }, data };
}

function configOf(text: string): PoolConfig {
  const parsed = parsePoolConfig({ 'a.yaml': text });
  if (!parsed.ok) throw new Error('refused');
  return parsed.config;
}

describe('configIn', () => {
  const accepted = map('last-good-pools', { ...POOLS, [METALLB_OBJECTS_KEY]: OBJECTS });

  it('MB-10: reads the ConfigMap with the objects of MetalLB that the controller accepted', () => {
    const facts = configIn([map('ip-address-pools', POOLS), accepted]);
    expect(facts).to.deep.include({ configFrom: 'ip-address-pools', configProblems: [], isMetallbAtWork: false });
    expect(facts.config.pools.map(({ name, metallb }) => [name, metallb?.object])).to.deep.equal([
      ['edge', 'metallb-system/edge'],
      ['lan', undefined],
    ]);
    expect(noteOnConfig(facts)).to.equal('');
  });

  it('MB-10: objects alone are a configuration, and a ConfigMap that was there beside them is missing', () => {
    const alone = configIn([map('last-good-pools', { [METALLB_OBJECTS_KEY]: OBJECTS })]);
    expect([alone.configFrom, noteOnConfig(alone)]).to.deep.equal(['ip-address-pools', '']);
    const missing = configIn([accepted]);
    expect([missing.configFrom, missing.config.pools.length]).to.deep.equal(['last-good-pools', 2]);
    expect(noteOnConfig(missing)).to.match(/^ConfigMap ip-address-pools is missing; the last good configuration is in/);
  });

  it('MB-10: what the controller refuses because of objects is refused, in its words', () => {
    const problems = 'object IPAddressPool edge: as a whole: found none\n';
    const status = map('pool-status', { config: 'Invalid', problems, metallb: 'NoCrds' });
    const facts = configIn([map('ip-address-pools', POOLS), accepted, status]);
    expect(facts).to.deep.include({ configFrom: 'last-good-pools', configProblems: [problems.trim()] });
    expect(noteOnConfig(facts)).to.match(/^ConfigMap ip-address-pools is refused; the last good configuration is in/);
  });

  it("MB-10: says that objects are not read while MetalLB's controller is at work", () => {
    const status = map('pool-status', { config: 'Valid', problems: '', metallb: 'MetallbRuns' });
    const facts = configIn([map('ip-address-pools', POOLS), status]);
    expect(noteOnConfig(facts)).to.equal("objects of MetalLB are not read while MetalLB's controller is at work");
  });
});

describe('joinObjects', () => {
  const { metallbObjects } = configIn([map('last-good-pools', { [METALLB_OBJECTS_KEY]: OBJECTS })]);

  it('MB-10: a new ConfigMap counts with the objects that stay', () => {
    const { config, replaced, conflicts } = joinObjects(configOf(document('lan', '192.0.2.0/28')), metallbObjects);
    expect(config.pools.map(({ name }) => name)).to.deep.equal(['edge', 'lan']);
    expect([config.advertisements.length, replaced, conflicts]).to.deep.equal([1, [], []]);
  });

  it('MB-10: names the objects that it has too, and pools that overlap', () => {
    const same = joinObjects(configOf(document('edge', '192.0.2.0/28')), metallbObjects);
    expect([same.replaced, same.config.pools.length]).to.deep.equal([['IPAddressPool metallb-system/edge'], 1]);
    const overlapping = joinObjects(configOf(document('lan', '198.51.100.8/29')), metallbObjects);
    expect(overlapping.conflicts).to.deep.equal([
      'IPAddressPool lan overlaps object IPAddressPool metallb-system/edge',
    ]);
  });
});
