// SPDX-License-Identifier: Apache-2.0
import {
  EMPTY_POOL_CONFIG,
  type KubeCondition,
  loadBalancerClassRule,
  type PoolConfig,
  parsePoolConfig,
} from '@berth/core';
import type { Service } from '@berth/kube';
import { expect } from 'chai';
import { fact, service } from '../testing.ts';
import { kubeServiceOf, trimService } from './trim.ts';
import { wantedVips } from './wanted-vips.ts';

const RULE = loadBalancerClassRule();
const NOW = Date.parse('2026-01-02T12:00:00Z');

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
  const scope = { config: pools, rule: RULE, nowMs: NOW };
  return wantedVips(services.map(kubeServiceOf), scope).map(({ service: key, vip, policies }) => {
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

  for (const { name, used } of [
    { name: 'none', used: [] },
    { name: 'the first only', used: ['203.0.113.20'] },
    { name: 'both', used: ['203.0.113.20', '2001:db8:5::7'] },
  ]) {
    it(`GR-07: knows of a trimmed Service which addresses were announced before: ${name}`, () => {
      const vips = ['203.0.113.20', '2001:db8:5::7'];
      const { metadata, spec, status } = service('web', ...vips);
      const trimmed = trimService({
        metadata,
        spec: spec ?? {},
        status: { ...status, conditions: [fact(vips, { used })] },
      });
      const found = wantedVips([kubeServiceOf(trimmed)], { config: EMPTY_POOL_CONFIG, rule: RULE, nowMs: NOW });
      expect(found.filter(({ wasAnnounced }) => wasAnnounced).map(({ vip }) => String(vip))).to.deep.equal(used);
    });
  }

  const shown = (conditions: KubeCondition[]): Service => ({ ...ours, status: { ...ours.status, conditions } });
  const words = { reason: 'Test', message: '203.0.113.20 from n1 on eth0', lastTransitionTime: '2026-01-02T11:00:00Z' };
  for (const { name, conditions, isWanted } of [
    { name: 'no one says who gave', conditions: [], isWanted: false },
    { name: 'Berth gave another one', conditions: [fact(['203.0.113.21'])], isWanted: false },
    {
      name: 'another installation gave',
      conditions: [fact(['203.0.113.20'], { loadBalancerClass: 'acme.example/lb' })],
      isWanted: false,
    },
    {
      name: 'a fact is written that cannot be read',
      conditions: [{ ...fact(['203.0.113.20']), message: 'by hand' }],
      isWanted: false,
    },
    {
      name: 'only the condition for people says announced',
      conditions: [{ ...words, type: 'berth.dev/Announced', status: 'True' as const }],
      isWanted: false,
    },
    {
      name: 'a version without the fact gave, whatever its words',
      conditions: [{ ...words, type: 'berth.dev/AddressAssigned', status: 'True' as const }],
      isWanted: true,
    },
    {
      name: 'a version without the fact gave none',
      conditions: [{ ...words, type: 'berth.dev/AddressAssigned', status: 'False' as const }],
      isWanted: false,
    },
  ]) {
    it(`OW-01: ${isWanted ? 'takes' : 'leaves out'} an address that ${name}`, () => {
      expect(wanted([trimService(shown(conditions))])).to.have.length(isWanted ? 1 : 0);
    });
  }

  it('OW-03: nothing is wanted before a configuration was accepted', () => {
    const scope = { config: undefined, rule: RULE, nowMs: NOW };
    expect(wantedVips([kubeServiceOf(ours)], scope)).to.deep.equal([]);
  });

  it('leaves out an address of mode Proxy and takes one without a mode', () => {
    const mixed = {
      ...ours,
      status: {
        loadBalancer: { ingress: [{ ip: '203.0.113.20', ipMode: 'Proxy' }, { ip: '203.0.113.21' }] },
        conditions: [fact(['203.0.113.20', '203.0.113.21'])],
      },
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
