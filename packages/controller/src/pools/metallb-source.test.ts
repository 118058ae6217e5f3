// SPDX-License-Identifier: Apache-2.0
import { formatProblem, METALLB_OBJECTS_KEY, type MetallbObject, MOVED_KEY, metallbObjectsText } from '@berth/core';
import { expect } from 'chai';
import type { MetallbSource } from './metallb-source.ts';
import { NO_POOLS, nextPoolState, type PoolData, type PoolState, restoredPoolState } from './pool-source.ts';

const NET: Readonly<Record<string, string>> = { lan: '192.0.2.0/28', edge: '198.51.100.0/28', wide: '203.0.113.0/28' };

function pool(name: string): MetallbObject {
  return { kind: 'IPAddressPool', metadata: { name, namespace: 'metallb-system' }, spec: { addresses: [NET[name]] } };
}

const POLICY: MetallbObject = { kind: 'L2Advertisement', metadata: { name: 'all', namespace: 'metallb-system' } };
const GONE: MetallbSource = { kind: 'unread', why: 'NoCrds' };

function objects(...all: MetallbObject[]): MetallbSource {
  return { kind: 'read', text: metallbObjectsText(all) };
}

function configMap(...names: string[]): PoolData {
  const documents = names.map((name) => ({ apiVersion: 'berth.dev/v1', ...pool(name), metadata: { name } }));
  return { 'pools.yaml': documents.map((document) => JSON.stringify(document)).join('\n---\n') };
}

function see(before: PoolState, data: PoolData | undefined, source: MetallbSource): PoolState {
  return nextPoolState(before, data && { data }, source);
}

function poolsOf({ config }: PoolState): string[] | undefined {
  return config?.pools.map(({ name }) => name);
}

describe('two sources of the configuration', () => {
  const both = see(NO_POOLS, configMap('lan'), objects(pool('edge'), POLICY));
  const alone = see(NO_POOLS, undefined, objects(pool('lan'), pool('edge'), POLICY));

  it('MB-01: count together, and each alone is enough', () => {
    expect([both.report, poolsOf(both)]).to.deep.equal(['Valid', ['edge', 'lan']]);
    expect([alone.report, poolsOf(alone)]).to.deep.equal(['Valid', ['edge', 'lan']]);
  });

  it('MB-08: what is in force is all in the data that speakers read', () => {
    expect(restoredPoolState(both.data).config).to.deep.equal(both.config);
    expect(Object.keys(both.data ?? {})).to.deep.equal(['pools.yaml', METALLB_OBJECTS_KEY]);
  });

  it('MB-01: the very same state for the same data', () => {
    expect(see(both, configMap('lan'), objects(pool('edge'), POLICY))).to.equal(both);
  });

  it('MB-02: nothing at all without CRDs and without a ConfigMap, or with CRDs and no object', () => {
    for (const source of [GONE, objects()])
      expect(see(NO_POOLS, undefined, source)).to.include({ report: 'Unknown', config: undefined });
  });

  it('MB-03: a conflict leaves the last good configuration in force', () => {
    const next = see(both, configMap('lan', 'edge'), objects(pool('edge'), POLICY));
    expect([next.report, poolsOf(next), next.data]).to.deep.equal(['Invalid', ['edge', 'lan'], both.data]);
  });

  it('MB-03: the key that is kept for the objects is refused in a ConfigMap', () => {
    const next = see(NO_POOLS, { ...configMap('lan'), [METALLB_OBJECTS_KEY]: '# mine' }, GONE);
    expect(next).to.include({ report: 'Invalid', config: undefined });
    expect(next.problems.map(formatProblem).join()).to.include(METALLB_OBJECTS_KEY).and.include('another name');
  });

  const ends: { name: string; source: MetallbSource; word: string }[] = [
    { name: 'the CRDs are deleted', source: GONE, word: 'the CRDs of MetalLB are gone' },
    { name: 'all objects are deleted', source: objects(), word: 'all of them were deleted' },
    { name: 'rights are taken away', source: { kind: 'unread', why: 'Forbidden' }, word: 'may not read them' },
    {
      name: 'MetalLB comes back',
      source: { kind: 'unread', why: 'MetallbRuns' },
      word: "MetalLB's controller is at work",
    },
  ];
  for (const { name, source, word } of ends) {
    it(`MB-04: the last good configuration stays when ${name}, also over a restart and beside a ConfigMap`, () => {
      for (const before of [alone, restoredPoolState(alone.data)]) {
        const next = see(before, undefined, source);
        expect([next.report, poolsOf(next), next.data]).to.deep.equal(['Invalid', ['edge', 'lan'], alone.data]);
        expect(next.problems.map(formatProblem).join('\n')).to.include(word).and.include('edge, lan');
      }
      const next = see(both, configMap('lan'), source);
      expect([next.report, poolsOf(next)]).to.deep.equal(['Invalid', ['edge', 'lan']]);
    });
  }

  it('MB-04: so it does when only the policies vanish', () => {
    const next = see(alone, undefined, objects(pool('lan'), pool('edge')));
    expect([next.report, next.config?.advertisements.length]).to.deep.equal(['Invalid', 1]);
    expect(next.problems.map(formatProblem).join()).to.include('L2Advertisement objects');
  });

  it('MB-11: objects that were moved are not read again by a controller that may read them, as after a Helm upgrade', () => {
    const both = [pool('lan'), pool('edge'), POLICY] as const;
    const data = { [MOVED_KEY]: metallbObjectsText(both) };
    const moved = see(NO_POOLS, data, { kind: 'unread', why: 'Off' });
    const upgraded = see(restoredPoolState(moved.data), data, objects(...both));
    expect([upgraded.report, poolsOf(upgraded), upgraded.data]).to.deep.equal(['Valid', ['edge', 'lan'], data]);
    // Then MetalLB is deleted for good.
    expect(see(upgraded, data, GONE)).to.deep.equal(upgraded);
  });

  it('MB-04: one object of several that is deleted is an edit, as is a changed one', () => {
    expect(poolsOf(see(alone, undefined, objects(pool('edge'), POLICY)))).to.deep.equal(['edge']);
  });

  it('MB-04: a pool that says that it is empty on purpose is obeyed', () => {
    const metadata = { name: 'none', annotations: { 'berth.dev/empty': 'true' } };
    const none = { ...pool('lan'), metadata, spec: { addresses: [] } };
    expect(poolsOf(see(alone, undefined, objects(none, POLICY)))).to.deep.equal(['none']);
  });

  it('MB-05: objects whose names the ConfigMap has now may go', () => {
    const policy = JSON.stringify({ apiVersion: 'berth.dev/v1', kind: 'L2Advertisement', metadata: { name: 'all' } });
    const next = see(alone, { ...configMap('lan', 'edge'), 'policy.yaml': policy }, GONE);
    expect([next.report, poolsOf(next)]).to.deep.equal(['Valid', ['edge', 'lan']]);
    expect(see(next, configMap('lan'), GONE).report).to.equal('Valid');
  });

  it('MB-04: a ConfigMap that is deleted beside objects is missing, as it is without them', () => {
    const next = see(both, undefined, objects(pool('wide')));
    expect([next.report, poolsOf(next)]).to.deep.equal(['Missing', ['edge', 'lan']]);
  });

  it('MB-04: until the API server says what there is, the objects that were accepted last go on', () => {
    const next = see(restoredPoolState(both.data), configMap('lan'), { kind: 'unknown' });
    expect([next.report, poolsOf(next)]).to.deep.equal(['Valid', ['edge', 'lan']]);
  });
});
