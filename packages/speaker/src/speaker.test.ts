// SPDX-License-Identifier: Apache-2.0
import { type IpAddress, loadBalancerClassRule } from '@berth/core';
import type { ConfigMap, Node, Service } from '@berth/kube';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { PoolSource } from './cluster/pool-source.ts';
import type { Segment } from './layer2/segments.ts';
import { ServedVips } from './layer2/served-vips.ts';
import { Wire } from './layer2/wire.ts';
import { Layer2Announcement } from './layer2-announcement.ts';
import { Speaker } from './speaker.ts';
import { mac, node, service } from './testing.ts';

const LAN0: Segment = { ifindex: 4, ifname: 'lan0', mac: mac(4), families: ['IPv4', 'IPv6'] };
const LAN1: Segment = { ifindex: 5, ifname: 'lan1', mac: mac(5), families: ['IPv4', 'IPv6'] };

function world() {
  const clock = new FakeClock();
  const cluster = {
    services: new Map<string, Service>(),
    nodes: new Map<string, Node>(),
    accepted: new Map<string, ConfigMap>(),
  };
  const pool =
    '{ apiVersion: berth.dev/v1, kind: IPAddressPool, metadata: { name: lan }, spec: { addresses: [203.0.113.0/24] } }';
  const accepted = { metadata: { name: 'last-good-pools', resourceVersion: '1' }, data: { 'pools.yaml': pool } };
  cluster.accepted.set('berth-system/last-good-pools', accepted);
  const forbidden = new Map<string, string>();
  cluster.nodes.set('edge-1', node('edge-1'));
  const told: string[] = [];
  let wanted: readonly { vip: IpAddress; service: string }[] = [];
  const silent = { attach: () => {}, detach: () => {}, replace: () => {} };
  const attach = () => {
    if (state.refused) throw new Error('attach: ENOMEM');
    return { by: 'engine', refusal: undefined } as const;
  };
  const answerer = { ...silent, attach, attachAgain: attach, look: () => 'in-place' as const, shortfall: undefined };
  const state = { refused: false, segments: [LAN0], refreshes: 0, served: '', lookMs: 0, lost: false, listening: 0 };
  const vips = new ServedVips();
  vips.looks.subscribe((now) => {
    clock.pass(state.lookMs);
    state.served = now.map(({ vip, interfaces }) => `${vip}@${interfaces.join('+')}`).join(' ');
  });
  const layer2 = new Layer2Announcement({
    segments: () => state.segments,
    memberships: {
      open: () => told.push('open'),
      close: () => told.push('close'),
      want: (vips) => {
        told.push('want');
        wanted = vips;
      },
      answeringChanged: () => told.push('answering'),
      owned: () =>
        state.lost
          ? []
          : wanted.map(({ vip, service }) => ({ vip, services: [service], interfaces: ['lan0', 'lan1'] })),
    },
    wire: new Wire({ answerer, groups: silent, announcer: silent, clock }),
    audience: {
      listen: (vips) => {
        state.listening = vips.length;
      },
    },
    leave: async () => void told.push('leave'),
    clock,
    vips,
  });
  layer2.segmentNews.subscribe(() => {
    state.refreshes += 1;
  });
  const speaker = new Speaker({
    ...{ cluster, clock, protocol: layer2 },
    pools: new PoolSource(),
    classRule: loadBalancerClassRule(),
    forbidden: () => forbidden,
  });
  speaker.refusals.subscribe((refused) => told.push(...refused.map(({ vip, owner }) => `${vip} is ${owner}`)));
  const linksChanged = () => {
    speaker.linksChanged();
    layer2.linksChanged();
  };
  cluster.services.set('shop/web', service('web', '203.0.113.20'));
  return { clock, cluster, told, state, speaker, layer2, linksChanged, forbidden };
}

describe('Speaker', () => {
  it('takes part and answers when it starts, not before', () => {
    const { speaker, state, told } = world();
    speaker.clusterChanged();
    expect(state.served).to.equal('');
    speaker.start();
    expect(state.served).to.equal('203.0.113.20@lan0');
    expect(told).to.deep.equal(['open', 'want', 'answering']);
    expect(state.listening).to.equal(1);
  });

  it('OW-02: never answers for an address of a node or a gateway, and tells which', () => {
    const { speaker, state, cluster, forbidden, told } = world();
    cluster.services.set('shop/db', service('db', '203.0.113.21'));
    forbidden.set('203.0.113.20', 'node edge-1');
    speaker.start();
    expect(state.served).to.equal('203.0.113.21@lan0');
    expect(told).to.include('203.0.113.20 is node edge-1');
    expect(speaker.refused.map(({ vip, owner }) => `${vip} ${owner}`)).to.deep.equal(['203.0.113.20 node edge-1']);
  });

  it('OW-03: answers for nothing while no configuration was accepted, and goes on with the last one when it is gone', async () => {
    const { speaker, state, cluster, clock } = world();
    const accepted = [...cluster.accepted];
    cluster.accepted.clear();
    speaker.start();
    expect(state.served).to.equal('');
    for (const [key, configMap] of accepted) cluster.accepted.set(key, configMap);
    speaker.clusterChanged();
    await clock.advance(1);
    expect(state.served).to.equal('203.0.113.20@lan0');
    cluster.accepted.clear();
    speaker.clusterChanged();
    await clock.advance(1);
    expect(state.served).to.equal('203.0.113.20@lan0');
  });

  it('collects news of the cluster for a moment', async () => {
    const { speaker, state, cluster, clock } = world();
    speaker.start();
    cluster.services.set('shop/db', service('db', '203.0.113.21'));
    speaker.clusterChanged();
    speaker.clusterChanged();
    expect(state.served).to.equal('203.0.113.20@lan0');
    await clock.advance(1);
    expect(state.served).to.equal('203.0.113.20@lan0 203.0.113.21@lan0');
  });

  it('rests after a look that took long before it looks at news of the cluster again', async () => {
    const { speaker, state, cluster, clock } = world();
    state.lookMs = 20;
    speaker.start();
    cluster.services.set('shop/db', service('db', '203.0.113.21'));
    speaker.clusterChanged();
    await clock.advance(379);
    expect(state.served).to.equal('203.0.113.20@lan0');
    await clock.advance(1);
    expect(state.served).to.equal('203.0.113.20@lan0 203.0.113.21@lan0');
  });

  it('leaves a link that is down at once', () => {
    const { speaker, state, linksChanged } = world();
    speaker.start();
    state.segments = [];
    linksChanged();
    expect(state.served).to.equal('203.0.113.20@');
  });

  it('joins a link that came up at once, and reads the cluster anew', () => {
    const { speaker, state, linksChanged } = world();
    speaker.start();
    state.segments = [LAN0, LAN1];
    linksChanged();
    expect(state.served).to.equal('203.0.113.20@lan0+lan1');
    expect(state.refreshes).to.equal(1);
    state.segments = [LAN1];
    linksChanged();
    expect(state.refreshes).to.equal(1);
  });

  it('tries an interface again that could not be opened, without waiting for news', async () => {
    const { speaker, state, clock } = world();
    state.refused = true;
    speaker.start();
    expect(state.served).to.equal('203.0.113.20@');
    state.refused = false;
    await clock.advance(2_000);
    expect(state.served).to.equal('203.0.113.20@lan0');
  });

  it('follows what is owned at once, without looking at the cluster', () => {
    const { speaker, state, told, cluster, layer2 } = world();
    speaker.start();
    cluster.services.set('shop/db', service('db', '203.0.113.21'));
    state.lost = true;
    layer2.ownershipChanged();
    expect(state.served).to.equal('');
    expect(told).to.deep.equal(['open', 'want', 'answering']);
  });

  it('answers for new VIPs with the next turn, and rests after that took long', async () => {
    const { speaker, state, clock, layer2 } = world();
    state.lost = true;
    speaker.start();
    state.lost = false;
    state.lookMs = 2;
    layer2.mayAnswerMore();
    layer2.mayAnswerMore();
    expect(state.served).to.equal('');
    await clock.advance(1);
    expect(state.served).to.equal('203.0.113.20@lan0');
    state.lost = true;
    layer2.mayAnswerMore();
    await clock.advance(37);
    expect(state.served).to.equal('203.0.113.20@lan0');
    await clock.advance(1);
    expect(state.served).to.equal('');
  });

  it('answers for new VIPs after half a second at the latest, however long a look takes', async () => {
    const { speaker, state, clock, layer2 } = world();
    state.lookMs = 100;
    speaker.start();
    state.lost = true;
    layer2.mayAnswerMore();
    await clock.advance(499);
    expect(state.served).to.equal('203.0.113.20@lan0');
    await clock.advance(1);
    expect(state.served).to.equal('');
  });

  it('hands over by its protocol while it still answers', async () => {
    const { speaker, layer2, state, told } = world();
    speaker.start();
    await layer2.leave();
    expect(told.at(-1)).to.equal('leave');
    expect(state.served).to.equal('203.0.113.20@lan0');
    expect(layer2.served.map(({ vip }) => String(vip))).to.deep.equal(['203.0.113.20']);
  });

  it('is silent for good when it was stopped', async () => {
    const { speaker, state, told, clock, linksChanged, layer2 } = world();
    speaker.start();
    speaker.clusterChanged();
    speaker.stop();
    await clock.advance(1_000);
    linksChanged();
    layer2.ownershipChanged();
    layer2.mayAnswerMore();
    expect(state.served).to.equal('');
    expect(told).to.deep.equal(['open', 'want', 'answering', 'close']);
  });
});
