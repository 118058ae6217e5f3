// SPDX-License-Identifier: Apache-2.0
import { EMPTY_POOL_CONFIG, loadBalancerClassRule, type PoolConfig, parsePoolConfig } from '@berth/core';
import type { Service } from '@berth/kube';
import { expect } from 'chai';
import { service } from './testing.ts';
import { kubeServiceOf, trimService } from './trim.ts';
import { wantedVips } from './wanted-vips.ts';

const RULE = loadBalancerClassRule();

function config(...documents: string[]): PoolConfig {
  const parsed = parsePoolConfig({ 'pools.yaml': documents.join('\n---\n') });
  if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join('\n'));
  return parsed.config;
}

const POOL =
  'apiVersion: berth.dev/v1\nkind: IPAddressPool\nmetadata: { name: lan }\nspec: { addresses: [203.0.113.0/24] }';

function policy(name: string, spec: string): string {
  return `apiVersion: berth.dev/v1\nkind: L2Advertisement\nmetadata: { name: ${name} }\nspec: ${spec}`;
}

function wanted(services: readonly Service[], pools: PoolConfig = EMPTY_POOL_CONFIG): string[] {
  return wantedVips(services.map(kubeServiceOf), pools, RULE).map(({ service: key, vip, policies }) => {
    return `${key} ${vip} ${policies.map(({ name }) => name || '(all)').join('+')}`;
  });
}

describe('wantedVips', () => {
  it('takes every address of a Service', () => {
    expect(wanted([service('web', '203.0.113.20', '2001:db8:5::7')])).to.deep.equal([
      'shop/web 203.0.113.20 (all)',
      'shop/web 2001:db8:5::7 (all)',
    ]);
  });

  const ours = service('web', '203.0.113.20');
  const left: { name: string; service: Service }[] = [
    { name: 'of another class', service: { ...ours, spec: { ...ours.spec, loadBalancerClass: 'other/lb' } } },
    { name: 'of another type', service: { ...ours, spec: { type: 'NodePort' } } },
    {
      name: 'that is being deleted',
      service: { ...ours, metadata: { ...ours.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } },
    },
    { name: 'without an address', service: service('web') },
    { name: 'whose address is no address', service: service('web', 'lb.example') },
  ];
  for (const row of left) {
    it(`leaves out a Service ${row.name}`, () => {
      expect(wanted([row.service])).to.deep.equal([]);
    });
  }

  const FIRST = '203.0.113.20 from n1 on eth0 since 2026-01-01T00:00:00Z';
  for (const { name, message, used } of [
    { name: 'none', message: '', used: [] },
    { name: 'the first only', message: `${FIRST}; 2001:db8:5::7 from nobody: n1 asks`, used: ['203.0.113.20'] },
    {
      name: 'both',
      message: `2001:db8:5::7 from n2 on eth0 since 2026-01-01T00:00:00Z; ${FIRST}`,
      used: ['203.0.113.20', '2001:db8:5::7'],
    },
    { name: 'another one', message: FIRST.replace('.20', '.2'), used: [] },
  ]) {
    it(`GR-07: knows of a trimmed Service which addresses were announced before: ${name}`, () => {
      const { metadata, spec, status } = service('web', '203.0.113.20', '2001:db8:5::7');
      const condition = {
        status: 'True',
        reason: 'Test',
        message,
        lastTransitionTime: new Date().toISOString(),
      } as const;
      const conditions = ['AddressAssigned', 'Announced'].map((type) => ({ type: `berth.dev/${type}`, ...condition }));
      const trimmed = trimService({ metadata, spec: spec ?? {}, status: { ...status, conditions } });
      const vips = wantedVips([kubeServiceOf(trimmed)], EMPTY_POOL_CONFIG, RULE);
      expect(vips.filter(({ wasAnnounced }) => wasAnnounced).map(({ vip }) => String(vip))).to.deep.equal(used);
    });
  }

  it('leaves out an address of mode Proxy and takes one without a mode', () => {
    const mixed = {
      ...ours,
      status: { loadBalancer: { ingress: [{ ip: '203.0.113.20', ipMode: 'Proxy' }, { ip: '203.0.113.21' }] } },
    };
    expect(wanted([mixed])).to.deep.equal(['shop/web 203.0.113.21 (all)']);
  });

  it('names the policies of the pool', () => {
    const pools = config(
      POOL,
      policy('a', '{ ipAddressPools: [lan], interfaces: [lan0] }'),
      policy('b', '{ ipAddressPools: [lan] }'),
    );
    expect(wanted([ours], pools)).to.deep.equal(['shop/web 203.0.113.20 a+b']);
  });

  it('leaves out what no policy covers', () => {
    expect(
      wanted([ours], config(POOL, policy('a', '{ ipAddressPoolSelectors: [{ matchLabels: { tier: gold } }] }'))),
    ).to.deep.equal([]);
  });

  it('keeps answering for an address whose pool is gone', () => {
    expect(wanted([service('web', '192.0.2.9')], config(POOL, policy('a', '{ ipAddressPools: [lan] }')))).to.deep.equal(
      ['shop/web 192.0.2.9 a'],
    );
  });
});
