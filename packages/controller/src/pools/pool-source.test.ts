// SPDX-License-Identifier: Apache-2.0
import type { ConfigMapContent } from '@berth/core';
import { expect } from 'chai';
import { NO_POOLS, nextPoolState, type PoolData, type PoolState, restoredPoolState } from './pool-source.ts';

function seen(before: PoolState, data: PoolData | undefined): PoolState {
  return nextPoolState(before, data && { data });
}

function pool(addresses: string): PoolData {
  const spec = { addresses: [addresses] };
  return {
    'pools.yaml': JSON.stringify({
      apiVersion: 'berth.dev/v1',
      kind: 'IPAddressPool',
      metadata: { name: 'lan' },
      spec,
    }),
  };
}

const GOOD = pool('192.0.2.0/28');
const BAD = pool('192.0.2.300/28');

describe('nextPoolState', () => {
  const valid = seen(NO_POOLS, GOOD);

  it('knows nothing until the ConfigMap is there', () => {
    expect(seen(NO_POOLS, undefined)).to.include({ report: 'Unknown', config: undefined });
  });

  it('takes a good configuration', () => {
    expect(valid).to.include({ report: 'Valid', data: GOOD });
    expect(valid.config?.pools).to.have.length(1);
  });

  it('PE-01: gives back the very same state for the same data', () => {
    expect(seen(valid, { ...GOOD })).to.equal(valid);
  });

  it('RC-02: keeps the last good configuration beside the problems of a bad one', () => {
    const bad = seen(valid, BAD);
    expect(bad).to.include({ report: 'Invalid', config: valid.config, data: GOOD });
    expect(bad.problems[0]).to.include({ key: 'pools.yaml', path: 'spec.addresses[0]' });
  });

  it('takes up the same configuration again after a bad one, without a new object', () => {
    const repaired = seen(seen(valid, BAD), { ...GOOD });
    expect(repaired).to.include({ report: 'Valid', config: valid.config, data: valid.data });
    expect(repaired.problems).to.deep.equal([]);
  });

  it('keeps the last good configuration when the ConfigMap is deleted', () => {
    expect(seen(valid, undefined)).to.include({ report: 'Missing', config: valid.config });
  });

  it('has nothing in force after a bad first configuration', () => {
    expect(seen(NO_POOLS, BAD)).to.include({ report: 'Invalid', config: undefined });
  });

  const empty: { name: string; content: ConfigMapContent }[] = [
    { name: 'no key', content: {} },
    { name: 'data: {}', content: { data: {} } },
    { name: 'nothing but comments', content: { data: { 'pools.yaml': '# {{ range }}\n---\n' } } },
    { name: 'its documents in binaryData', content: { binaryData: { 'pools.yaml': '//5hAHAAaQA=' } } },
    { name: 'binaryData beside good documents', content: { data: GOOD, binaryData: { 'more.yaml': '//5hAA==' } } },
    { name: 'its documents under another ending', content: { data: { 'pools.YAML': GOOD['pools.yaml'] ?? '' } } },
  ];
  for (const { name, content } of empty) {
    it(`CF-01: keeps the last good configuration when the ConfigMap has ${name}`, () => {
      const next = nextPoolState(valid, content);
      expect(next).to.include({ report: 'Invalid', config: valid.config, data: GOOD });
      expect(next.problems).to.have.length(1);
      expect(nextPoolState(NO_POOLS, content)).to.include({ report: 'Invalid', config: undefined, data: undefined });
    });
  }

  it('CF-04: has no pools in force when a document says so', () => {
    const text = (GOOD['pools.yaml'] ?? '')
      .replace('"192.0.2.0/28"', '')
      .replace('"lan"', '"lan","annotations":{"berth.dev/empty":"true"}');
    expect(seen(valid, { 'pools.yaml': text }).config?.pools[0]?.addresses).to.deep.equal([]);
  });
});

describe('restoredPoolState', () => {
  it('has the last good configuration in force, and says nothing about the present one', () => {
    const restored = restoredPoolState(GOOD);
    expect(restored.report).to.equal('Unknown');
    expect(seen(restored, BAD)).to.include({ report: 'Invalid', config: restored.config });
    expect(seen(restored, { ...GOOD })).to.include({ report: 'Valid', config: restored.config });
  });

  it('starts from nothing when there is none, or somebody broke it', () => {
    expect(restoredPoolState(undefined)).to.equal(NO_POOLS);
    expect(restoredPoolState(BAD)).to.equal(NO_POOLS);
  });
});
