// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { advertisementsOfPool, announcementOf } from './advertisement.ts';
import { parsePoolConfig } from './parse.ts';
import type { PoolConfig } from './pool-config.ts';

function configWith(...specs: object[]): PoolConfig {
  const pools = ['lan', 'wan'].map((name, index) => ({
    apiVersion: 'berth.dev/v1',
    kind: 'IPAddressPool',
    metadata: { name, labels: { side: name === 'lan' ? 'inside' : 'outside' } },
    spec: { addresses: [`192.0.2.${index * 16}/28`] },
  }));
  const policies = specs.map((spec, index) => ({
    apiVersion: 'berth.dev/v1',
    kind: 'L2Advertisement',
    metadata: { name: `policy-${index}` },
    spec,
  }));
  const parsed = parsePoolConfig({
    'all.yaml': [...pools, ...policies].map((document) => JSON.stringify(document)).join('\n---\n'),
  });
  if (!parsed.ok) throw new Error(parsed.problems[0]?.message);
  return parsed.config;
}

function poolsOf(config: PoolConfig): string[] {
  return config.pools.filter((pool) => advertisementsOfPool(config, pool).length > 0).map(({ name }) => name);
}

describe('advertisementsOfPool', () => {
  const rows = [
    { name: 'no policy at all: all pools', specs: [], pools: ['lan', 'wan'] },
    { name: 'no list and no selector: all pools', specs: [{}], pools: ['lan', 'wan'] },
    { name: 'a list', specs: [{ ipAddressPools: ['wan'] }], pools: ['wan'] },
    { name: 'a selector', specs: [{ ipAddressPoolSelectors: [{ matchLabels: { side: 'inside' } }] }], pools: ['lan'] },
    {
      name: 'a selector that matches no pool: none',
      specs: [{ ipAddressPoolSelectors: [{ matchLabels: { side: 'up' } }] }],
      pools: [],
    },
    {
      name: 'list or selector',
      specs: [{ ipAddressPools: ['wan'], ipAddressPoolSelectors: [{ matchLabels: { side: 'inside' } }] }],
      pools: ['lan', 'wan'],
    },
  ];
  for (const { name, specs, pools } of rows) {
    it(`PV-16: ${name}`, () => expect(poolsOf(configWith(...specs))).to.deep.equal(pools));
  }

  it('PV-16: without nodeSelectors and interfaces nothing is restricted', () => {
    const config = configWith({});
    const [policy] = config.advertisements;
    expect(policy).to.deep.include({
      nodeSelectors: [],
      interfaces: [],
      serviceSelectors: [],
      preferredNodeSelectors: [],
    });
  });
});

describe('announcementOf', () => {
  const gold = { serviceSelectors: [{ matchLabels: { tier: 'gold' } }] };
  const silver = { serviceSelectors: [{ matchLabels: { tier: 'silver' } }] };

  it('takes all policies that select the Service', () => {
    const policies = configWith(gold, silver, {}).advertisements;
    const result = announcementOf(policies, { labels: { tier: 'gold' }, sharingKey: '' });
    expect(result.announced && result.advertisements.map(({ name }) => name)).to.deep.equal(['policy-0', 'policy-2']);
  });

  it('tells when none does', () => {
    const result = announcementOf(configWith(gold).advertisements, { labels: {}, sharingKey: '' });
    expect(result).to.deep.include({ announced: false, reason: 'NoAdvertisement' });
  });

  it('SH-16: does not announce a Service with a sharing key through a policy that filters by Service label', () => {
    const result = announcementOf(configWith(gold, {}).advertisements, {
      labels: { tier: 'gold' },
      sharingKey: 'front',
    });
    expect(result).to.deep.include({ announced: false, reason: 'SharedWithServiceSelector' });
    expect(!result.announced && result.message).to.include('policy-0');
  });
});
