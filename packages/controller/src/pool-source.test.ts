// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { NO_POOLS, nextPoolState, type PoolData, restoredPoolState } from './pool-source.ts';

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
  const valid = nextPoolState(NO_POOLS, GOOD);

  it('knows nothing until the ConfigMap is there', () => {
    expect(nextPoolState(NO_POOLS, undefined)).to.include({ report: 'Unknown', config: undefined });
  });

  it('takes a good configuration', () => {
    expect(valid).to.include({ report: 'Valid', data: GOOD });
    expect(valid.config?.pools).to.have.length(1);
  });

  it('PE-01: gives back the very same state for the same data', () => {
    expect(nextPoolState(valid, { ...GOOD })).to.equal(valid);
  });

  it('RC-02: keeps the last good configuration beside the problems of a bad one', () => {
    const bad = nextPoolState(valid, BAD);
    expect(bad).to.include({ report: 'Invalid', config: valid.config, data: GOOD });
    expect(bad.problems[0]).to.include({ key: 'pools.yaml', path: 'spec.addresses[0]' });
  });

  it('takes up the same configuration again after a bad one, without a new object', () => {
    const repaired = nextPoolState(nextPoolState(valid, BAD), { ...GOOD });
    expect(repaired).to.include({ report: 'Valid', config: valid.config, data: valid.data });
    expect(repaired.problems).to.deep.equal([]);
  });

  it('keeps the last good configuration when the ConfigMap is deleted', () => {
    expect(nextPoolState(valid, undefined)).to.include({ report: 'Missing', config: valid.config });
  });

  it('has nothing in force after a bad first configuration', () => {
    expect(nextPoolState(NO_POOLS, BAD)).to.include({ report: 'Invalid', config: undefined });
  });

  it('takes an empty configuration as one without pools', () => {
    expect(nextPoolState(NO_POOLS, {}).config?.pools).to.deep.equal([]);
  });
});

describe('restoredPoolState', () => {
  it('has the last good configuration in force, and says nothing about the present one', () => {
    const restored = restoredPoolState(GOOD);
    expect(restored.report).to.equal('Unknown');
    expect(nextPoolState(restored, BAD)).to.include({ report: 'Invalid', config: restored.config });
    expect(nextPoolState(restored, { ...GOOD })).to.include({ report: 'Valid', config: restored.config });
  });

  it('starts from nothing when there is none, or somebody broke it', () => {
    expect(restoredPoolState(undefined)).to.equal(NO_POOLS);
    expect(restoredPoolState(BAD)).to.equal(NO_POOLS);
  });
});
