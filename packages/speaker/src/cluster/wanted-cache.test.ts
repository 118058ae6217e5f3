// SPDX-License-Identifier: Apache-2.0
import { EMPTY_POOL_CONFIG, loadBalancerClassRule, type PoolConfig, parsePoolConfig } from '@berth/core';
import { expect } from 'chai';
import { service } from '../testing.ts';
import { WantedCache } from './wanted-cache.ts';

function elsewhere(): PoolConfig {
  const policy = { apiVersion: 'berth.dev/v1', kind: 'L2Advertisement', metadata: { name: 'none' } };
  const spec = { serviceSelectors: [{ matchLabels: { app: 'other' } }] };
  const parsed = parsePoolConfig({ 'pools.yaml': JSON.stringify({ ...policy, spec }) }, { extent: 'part' });
  if (!parsed.ok) throw new Error('policy');
  return parsed.config;
}

describe('WantedCache', () => {
  it('works a Service out once, and anew when it or the configuration changed', () => {
    const cache = new WantedCache(loadBalancerClassRule());
    const [web, db] = [service('web', '203.0.113.20'), service('db', '203.0.113.21')];
    const [first] = cache.of([web, db], EMPTY_POOL_CONFIG);
    const [again] = cache.of([web, service('db', '203.0.113.22')], EMPTY_POOL_CONFIG);
    expect(again).to.equal(first);
    const texts = cache.of([web, service('db', '203.0.113.22')], EMPTY_POOL_CONFIG).map(({ vip }) => String(vip));
    expect(texts).to.deep.equal(['203.0.113.20', '203.0.113.22']);
    expect(cache.of([web], elsewhere())).to.deep.equal([]);
  });
});
