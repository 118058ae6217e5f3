// SPDX-License-Identifier: Apache-2.0
import { ANNOUNCE_EVERYTHING, type L2Advertisement } from '@berth/core';
import { expect } from 'chai';
import type { WantedVip } from '../cluster/wanted-vips.ts';
import type { Segment } from '../layer2/segments.ts';
import { ip, mac, node } from '../testing.ts';
import { desiredOn, groupByVip } from './vip-groups.ts';

const LAN0: Segment = { ifindex: 2, ifname: 'lan0', mac: mac(2), families: ['IPv4'] };
const NODES = ['edge-1', 'edge-2', 'edge-3'].map((name) => node(name, { name }));
const ENDPOINTS: Readonly<Record<string, readonly string[]>> = {
  'shop/a': ['edge-1', 'edge-2'],
  'shop/b': ['edge-2', 'edge-3'],
  'shop/none': [],
};

function want(service: string, changes: Partial<WantedVip> = {}): WantedVip {
  return { service, vip: ip('203.0.113.20'), policies: [ANNOUNCE_EVERYTHING], wasAnnounced: true, ...changes };
}

function policy(changes: Partial<L2Advertisement>): L2Advertisement {
  return { ...ANNOUNCE_EVERYTHING, name: JSON.stringify(changes), ...changes };
}

function onNode(name: string): Partial<L2Advertisement> {
  return { nodeSelectors: [{ matchLabels: { name }, matchExpressions: [] }] };
}

const groupsOf = (wanted: readonly WantedVip[]) =>
  groupByVip(wanted, (service) => {
    const nodes = ENDPOINTS[service];
    return nodes && new Set(nodes);
  });

/** The candidates of each VIP on lan0 of edge-1. */
function candidates(...wanted: WantedVip[]): string[] {
  const facts = { nodeName: 'edge-1', nodes: NODES, eligibility: {}, canAnswer: () => true };
  return desiredOn(LAN0, groupsOf(wanted), facts).map(
    (one) => `${one.vip}: ${one.candidates.map((candidate) => candidate.node).join(' ')}`,
  );
}

describe('groupByVip', () => {
  it('puts Services that share a VIP together', () => {
    const [group, ...more] = groupsOf([want('shop/b'), want('shop/a')]).values();
    expect(group?.services).to.deep.equal(['shop/a', 'shop/b']);
    expect(more).to.deep.equal([]);
  });
});

describe('desiredOn', () => {
  it('names every node without selectors', () => {
    expect(candidates(want('shop/a'))).to.deep.equal(['203.0.113.20: edge-1 edge-2 edge-3']);
  });

  it('shares one list among VIPs that are alike', () => {
    const wanted = ['203.0.113.20', '203.0.113.21'].map((vip) => want('shop/a', { vip: ip(vip) }));
    const facts = { nodeName: 'edge-1', nodes: NODES, eligibility: {}, canAnswer: () => true };
    const [one, two] = desiredOn(LAN0, groupsOf(wanted), facts);
    expect(one?.candidates).to.equal(two?.candidates);
  });

  it('EL-14: unites the nodes of several policies', () => {
    const policies = [policy(onNode('edge-1')), policy(onNode('edge-3'))];
    expect(candidates(want('shop/a', { policies }))).to.deep.equal(['203.0.113.20: edge-1 edge-3']);
  });

  it('leaves this node out where no policy allows its interface', () => {
    const policies = [policy({ interfaces: ['lan1'] })];
    expect(candidates(want('shop/a', { policies }))).to.deep.equal(['203.0.113.20: edge-2 edge-3']);
    const both = [...policies, policy({ interfaces: ['lan0'] })];
    expect(candidates(want('shop/a', { policies: both }))).to.deep.equal(['203.0.113.20: edge-1 edge-2 edge-3']);
  });

  it('leaves out VIPs of a family that the segment does not carry', () => {
    expect(candidates(want('shop/a', { vip: ip('2001:db8:5::7') }))).to.deep.equal([]);
  });

  it('EL-06: names only nodes with an endpoint where they must be local', () => {
    expect(candidates(want('shop/a', { isLocal: true }))).to.deep.equal(['203.0.113.20: edge-1 edge-2']);
    expect(candidates(want('shop/none', { isLocal: true }))).to.deep.equal(['203.0.113.20: ']);
  });

  it('names the nodes with endpoints of all Services that share the VIP', () => {
    const both = [want('shop/a', { isLocal: true }), want('shop/b', { isLocal: true })];
    expect(candidates(...both)).to.deep.equal(['203.0.113.20: edge-2']);
    expect(candidates(want('shop/a', { isLocal: true }), want('shop/b'))).to.deep.equal([
      '203.0.113.20: edge-1 edge-2',
    ]);
  });

  it('leaves the choice alone while endpoints are not known', () => {
    expect(candidates(want('shop/unknown', { isLocal: true }))).to.deep.equal(['203.0.113.20: edge-1 edge-2 edge-3']);
  });

  it('AT-08: is no candidate for what it could not answer, and others stay', () => {
    const wanted = ['203.0.113.20', '203.0.113.21'].map((vip) => want('shop/a', { vip: ip(vip) }));
    const canAnswer = (_segment: unknown, vip: unknown) => String(vip) !== '203.0.113.20';
    const facts = { nodeName: 'edge-1', nodes: NODES, eligibility: {}, canAnswer };
    const names = desiredOn(LAN0, groupsOf(wanted), facts).map((one) => one.candidates.map(({ node }) => node));
    expect(names[1]).to.include('edge-1');
    expect(names[0]).to.deep.equal(names[1]?.filter((name) => name !== 'edge-1'));
  });
});
