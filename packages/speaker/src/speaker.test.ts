// SPDX-License-Identifier: Apache-2.0
import { loadBalancerClassRule } from '@berth/core';
import type { ConfigMap, Node, Service } from '@berth/kube';
import { expect } from 'chai';
import { Ownership } from './ownership.ts';
import { PoolSource } from './pool-source.ts';
import type { Segment } from './segments.ts';
import { Speaker } from './speaker.ts';
import { FakeClock, mac, node, service, settle } from './testing.ts';
import { Wire } from './wire.ts';

const LAN0: Segment = { ifindex: 4, ifname: 'lan0', mac: mac(4), families: ['IPv4', 'IPv6'] };
const LAN1: Segment = { ifindex: 5, ifname: 'lan1', mac: mac(5), families: ['IPv4', 'IPv6'] };

function world() {
  const clock = new FakeClock();
  const cluster = {
    services: new Map<string, Service>(),
    nodes: new Map<string, Node>(),
    configMaps: new Map<string, ConfigMap>(),
  };
  cluster.nodes.set('edge-1', node('edge-1'));
  const fence: string[] = [];
  const port = { attached: [], attach: () => {}, detach: () => {}, replace: () => {} };
  const state = { segments: [LAN0], refreshes: [] as (() => void)[], served: '', lookMs: 0 };
  const speaker = new Speaker({
    cluster,
    segments: () => state.segments,
    pools: new PoolSource(() => {}),
    ownership: new Ownership('edge-1'),
    classRule: loadBalancerClassRule(),
    wire: new Wire({ answerer: port, groups: port, announcer: port, onAttachFailed: () => {} }),
    fence: { open: () => fence.push('open'), close: () => fence.push('close') },
    refresh: () => new Promise((resolve) => state.refreshes.push(resolve)),
    clock,
    onServed: (now) => {
      clock.pass(state.lookMs);
      state.served = now.map(({ vip, interfaces }) => `${vip}@${interfaces.join('+')}`).join(' ');
    },
  });
  cluster.services.set('shop/web', service('web', '203.0.113.20'));
  /** Ends the oldest refresh and lets what waits for it run. */
  const finishRefresh = async () => {
    state.refreshes.shift()?.();
    await settle();
  };
  return { clock, cluster, fence, state, speaker, finishRefresh };
}

describe('Speaker', () => {
  it('opens the fence and answers when it starts, not before', () => {
    const { speaker, state, fence } = world();
    speaker.clusterChanged();
    expect(state.served).to.equal('');
    speaker.start();
    expect(state.served).to.equal('203.0.113.20@lan0');
    expect(fence).to.deep.equal(['open']);
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
    await clock.advance(179);
    expect(state.served).to.equal('203.0.113.20@lan0');
    await clock.advance(1);
    expect(state.served).to.equal('203.0.113.20@lan0 203.0.113.21@lan0');
  });

  it('leaves a link that is down at once', () => {
    const { speaker, state } = world();
    speaker.start();
    state.segments = [];
    speaker.linksChanged();
    expect(state.served).to.equal('203.0.113.20@');
  });

  it('answers on a link that came up only when the cluster was read again', async () => {
    const { speaker, state, finishRefresh } = world();
    speaker.start();
    state.segments = [LAN0, LAN1];
    speaker.linksChanged();
    expect(state.served).to.equal('203.0.113.20@lan0');
    await finishRefresh();
    expect(state.served).to.equal('203.0.113.20@lan0+lan1');
  });

  it('does not trust a link that went down again meanwhile', async () => {
    const { speaker, state, finishRefresh } = world();
    speaker.start();
    state.segments = [LAN0, LAN1];
    speaker.linksChanged();
    state.segments = [LAN0];
    speaker.linksChanged();
    await finishRefresh();
    state.segments = [LAN0, LAN1];
    speaker.linksChanged();
    expect(state.served).to.equal('203.0.113.20@lan0');
  });

  it('stops everything when the fence ran out, until the cluster was read again', async () => {
    const { speaker, state, fence, cluster, clock, finishRefresh } = world();
    speaker.start();
    void speaker.fenceExpired();
    expect(state.served).to.equal('');
    speaker.clusterChanged();
    await clock.advance(1);
    expect(state.served).to.equal('');
    cluster.services.set('shop/web', service('web', '203.0.113.22'));
    await finishRefresh();
    expect(state.served).to.equal('203.0.113.22@lan0');
    expect(fence).to.deep.equal(['open', 'open']);
  });

  it('is silent for good when it was stopped', async () => {
    const { speaker, state, fence, finishRefresh } = world();
    speaker.start();
    void speaker.fenceExpired();
    speaker.stop();
    await finishRefresh();
    speaker.linksChanged();
    expect(state.served).to.equal('');
    expect(fence).to.deep.equal(['open', 'close']);
  });
});
