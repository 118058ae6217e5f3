// SPDX-License-Identifier: Apache-2.0
import { ANNOUNCE_EVERYTHING, type L2Advertisement, placeOwner } from '@berth/core';
import { expect } from 'chai';
import { type OwnedVip, Ownership } from './ownership.ts';
import { ip, node } from './testing.ts';
import type { WantedVip } from './wanted-vips.ts';

const EDGES = ['edge-1', 'edge-2', 'edge-3'];
const NODES = EDGES.map((name) => node(name, { name }));
const VIPS = Array.from({ length: 60 }, (_, index) => ip(`203.0.113.${index}`));

function want(text: string, service = 'shop/web', ...policies: L2Advertisement[]): WantedVip {
  return { service, vip: ip(text), policies: policies.length > 0 ? policies : [ANNOUNCE_EVERYTHING] };
}

function policy(changes: Partial<L2Advertisement>): L2Advertisement {
  return { ...ANNOUNCE_EVERYTHING, name: 'policy', ...changes };
}

function onNodes(...names: string[]): Partial<L2Advertisement> {
  return { nodeSelectors: names.map((name) => ({ matchLabels: { name }, matchExpressions: [] })) };
}

function texts(owned: readonly OwnedVip[]): string[] {
  return owned.map(({ vip }) => String(vip));
}

describe('Ownership', () => {
  it('GR-04: every VIP has exactly one owner, the one that placement names', () => {
    const wanted = VIPS.map((vip) => want(String(vip)));
    const byNode = new Map(EDGES.map((name) => [name, texts(new Ownership(name).decide(wanted, NODES))]));
    for (const vip of VIPS) {
      const owners = EDGES.filter((name) => byNode.get(name)?.includes(String(vip)));
      expect(owners).to.deep.equal([placeOwner({ vip, eligible: EDGES })]);
    }
  });

  it('moves only the VIPs of a node that is lost, also when it remembers', () => {
    const wanted = VIPS.map((vip) => want(String(vip)));
    const ownership = new Ownership('edge-1');
    const before = texts(ownership.decide(wanted, NODES));
    const after = texts(ownership.decide(wanted, NODES.slice(0, 2)));
    expect(after).to.include.members(before);
    expect(after.length).to.be.greaterThan(before.length);
    expect(texts(ownership.decide(wanted, NODES))).to.deep.equal(before);
  });

  it('owns nothing on a node that is unknown or not eligible', () => {
    expect(new Ownership('edge-9').decide([want('203.0.113.20')], NODES)).to.deep.equal([]);
    const cut = node('edge-2', { 'node.kubernetes.io/exclude-from-external-load-balancers': '' });
    expect(new Ownership('edge-2').decide([want('203.0.113.20')], [cut])).to.deep.equal([]);
  });

  it('lets policies filter nodes hard, as a union', () => {
    const wanted = [want('203.0.113.20', 'shop/web', policy(onNodes('edge-1')), policy(onNodes('edge-3')))];
    expect(texts(new Ownership('edge-1').decide(wanted, NODES))).to.deep.equal(['203.0.113.20']);
    expect(new Ownership('edge-2').decide(wanted, NODES)).to.deep.equal([]);
  });

  it('collects the interfaces of the policies that select this node', () => {
    const rows = [
      { policies: [policy({ interfaces: ['lan0'] }), policy({ interfaces: ['lan1'] })], interfaces: ['lan0', 'lan1'] },
      { policies: [policy({ interfaces: ['lan0'] }), policy({})], interfaces: undefined },
      {
        policies: [policy({ interfaces: ['lan0'] }), policy({ ...onNodes('edge-3'), interfaces: [] })],
        interfaces: ['lan0'],
      },
    ];
    for (const { policies, interfaces } of rows) {
      const [owned] = new Ownership('edge-1').decide(
        [want('203.0.113.20', 'shop/web', ...policies)],
        NODES.slice(0, 1),
      );
      expect(owned?.interfaces).to.deep.equal(interfaces);
    }
  });

  it('places a shared VIP once, with all its Services', () => {
    const wanted = [want('203.0.113.20', 'shop/b'), want('203.0.113.20', 'shop/a')];
    const [owned, ...more] = new Ownership('edge-2').decide(wanted, NODES);
    expect(owned?.services).to.deep.equal(['shop/a', 'shop/b']);
    expect(more).to.deep.equal([]);
  });
});
