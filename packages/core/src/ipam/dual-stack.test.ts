// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { configOf, DUAL, IPV6_ONLY, type PoolSpec, type ServiceSketch } from './testing/builders.ts';
import { Pass } from './testing/pass.ts';

describe('dual stack', () => {
  const SINGLE: Record<string, PoolSpec> = {
    four: { addresses: ['192.0.2.0/29'] },
    six: { addresses: ['2001:db8:6::/120'] },
  };
  const BOTH: Record<string, PoolSpec> = { ...SINGLE, zdual: { addresses: ['198.51.100.0/29', '2001:db8:5::/120'] } };
  const rows: { name: string; pools: Record<string, PoolSpec>; sketch: ServiceSketch; gets: string }[] = [
    {
      name: 'SingleStack IPv4, dual pool',
      pools: { zdual: BOTH.zdual ?? { addresses: [] } },
      sketch: {},
      gets: '198.51.100.0',
    },
    {
      name: 'RequireDualStack, dual pool',
      pools: BOTH,
      sketch: { clusterIPs: DUAL, ipFamilyPolicy: 'RequireDualStack' },
      gets: '198.51.100.0,2001:db8:5::1',
    },
    {
      name: 'RequireDualStack, single-stack pools',
      pools: SINGLE,
      sketch: { clusterIPs: DUAL, ipFamilyPolicy: 'RequireDualStack' },
      gets: 'DualStackUnavailable',
    },
    {
      name: 'PreferDualStack, dual and single-stack pools',
      pools: BOTH,
      sketch: { clusterIPs: DUAL, ipFamilyPolicy: 'PreferDualStack' },
      gets: '198.51.100.0,2001:db8:5::1',
    },
    {
      name: 'PreferDualStack, IPv4 first, single-stack pools',
      pools: SINGLE,
      sketch: { clusterIPs: DUAL, ipFamilyPolicy: 'PreferDualStack' },
      gets: '192.0.2.0',
    },
    {
      name: 'PreferDualStack, IPv6 first, single-stack pools',
      pools: SINGLE,
      sketch: { clusterIPs: DUAL.toReversed(), ipFamilyPolicy: 'PreferDualStack' },
      gets: '2001:db8:6::1',
    },
    {
      name: 'PreferDualStack, one cluster IP',
      pools: SINGLE,
      sketch: { ipFamilyPolicy: 'PreferDualStack' },
      gets: '192.0.2.0',
    },
    {
      name: 'RequireDualStack, one cluster IP',
      pools: BOTH,
      sketch: { ipFamilyPolicy: 'RequireDualStack' },
      gets: 'DualStackUnavailable',
    },
    {
      name: 'IPv6 only, no IPv6 pool',
      pools: { four: SINGLE.four ?? { addresses: [] } },
      sketch: { clusterIPs: IPV6_ONLY },
      gets: 'NoPool',
    },
  ];
  for (const { name, pools, sketch, gets } of rows) {
    it(`${name}: ${gets}`, () => {
      const { addresses, refusal } = new Pass(configOf(pools)).decide(sketch);
      expect(addresses.map(({ address }) => address).join() || refusal).to.equal(gets);
    });
  }

  it('DS-04: refuses addresses of two pools', () => {
    const pass = new Pass(
      configOf({ edge: { addresses: ['203.0.113.70/32'] }, core: { addresses: ['2001:db8:6::70/128'] } }),
    );
    const sketch = {
      clusterIPs: DUAL,
      ipFamilyPolicy: 'RequireDualStack',
      annotations: { 'req-ips': '203.0.113.70,2001:db8:6::70' },
    };
    const decision = pass.decide(sketch);
    expect(decision).to.deep.include({ refusal: 'InvalidRequest', addresses: [] });
    expect(decision.condition.message).to.include('one pool').and.include('edge').and.include('core');
  });

  it('a live PreferDualStack Service gets the family that its pool gets, and keeps the other', () => {
    const pass = new Pass(configOf({ lan: { addresses: ['198.51.100.0/29'] } }));
    const sketch = { clusterIPs: DUAL, ipFamilyPolicy: 'PreferDualStack' };
    expect(pass.decide(sketch, 'web').addresses.map(String)).to.have.length(1);
    pass.allocator.setSurroundings({
      config: configOf({ lan: { addresses: ['198.51.100.0/29', '2001:db8:5::/120'] } }),
      namespaces: new Map(),
    });
    expect(pass.decide(sketch, 'web').addresses.map(({ address }) => `${address}`)).to.deep.equal([
      '198.51.100.0',
      '2001:db8:5::1',
    ]);
  });

  it('a live Service keeps its address where two are required and only one can be had', () => {
    const pass = new Pass(configOf(SINGLE));
    pass.decide({ clusterIPs: DUAL, ipFamilyPolicy: 'PreferDualStack' }, 'web');
    const decision = pass.decide({ clusterIPs: DUAL, ipFamilyPolicy: 'RequireDualStack' }, 'web');
    expect(decision.addresses.map(({ address }) => `${address}`)).to.deep.equal(['192.0.2.0']);
    expect(decision.condition).to.deep.include({ status: 'True', reason: 'DualStackUnavailable' });
  });

  it('a Service that turns single-stack gives the other family back once its status no longer shows it', () => {
    for (const [before, after, kept] of [
      [DUAL, [DUAL[0] ?? ''], 0],
      [DUAL.toReversed(), IPV6_ONLY, 1],
    ] as const) {
      const pass = new Pass(configOf(BOTH));
      pass.decide({ clusterIPs: before, ipFamilyPolicy: 'RequireDualStack' }, 'web');
      const shown = ['198.51.100.0', '2001:db8:5::1'];
      const decision = pass.decide({ clusterIPs: after, shown }, 'web');
      expect(decision.addresses.map(({ address }) => `${address}`)).to.deep.equal([shown[kept]]);
      expect(pass.allocator.addressesOf('shop/web')).to.have.length(2);
      expect(pass.decide({ clusterIPs: after, shown: [shown[kept] ?? ''] }, 'web').freed.map(String)).to.deep.equal([
        shown[1 - kept],
      ]);
    }
  });

  it('CF-13: PreferDualStack with an address of each family gets the one that its cluster has, and a remark', () => {
    const annotations = { 'req-ips': '2001:db8:5::7,198.51.100.3' };
    for (const [clusterIPs, gets] of [
      [['10.96.0.9'], '198.51.100.3'],
      [IPV6_ONLY, '2001:db8:5::7'],
    ] as const) {
      const decision = new Pass(configOf(BOTH)).decide({ clusterIPs, ipFamilyPolicy: 'PreferDualStack', annotations });
      expect(decision.addresses.map(({ address }) => `${address}`)).to.deep.equal([gets]);
      expect(decision).to.deep.include({ refusal: undefined, remarks: ['FamilyUnavailable'] });
      expect(decision.condition).to.deep.include({ status: 'True', reason: 'FamilyUnavailable' });
      expect(decision.condition.message).to.match(
        /^\S+ from pool \S+; \S+ cannot be given: the Service has IPv[46] only$/,
      );
    }
  });

  it('CF-13: refuses addresses of a family that the Service has not, where none is left or the policy is another', () => {
    const refusalOf = (sketch: ServiceSketch) => new Pass(configOf(BOTH)).decide(sketch).refusal;
    const both = { 'req-ips': '198.51.100.3,2001:db8:5::7' };
    expect(refusalOf({ annotations: both })).to.equal('InvalidRequest');
    expect(refusalOf({ ipFamilyPolicy: 'RequireDualStack', annotations: both })).to.equal('InvalidRequest');
    const six = { 'req-ips': '2001:db8:5::7' };
    expect(refusalOf({ ipFamilyPolicy: 'PreferDualStack', annotations: six })).to.equal('InvalidRequest');
    const twice = { 'req-ips': '198.51.100.3,198.51.100.4,2001:db8:5::7' };
    expect(refusalOf({ ipFamilyPolicy: 'PreferDualStack', annotations: twice })).to.equal('InvalidRequest');
  });
});
