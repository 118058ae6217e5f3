// SPDX-License-Identifier: Apache-2.0
import { type IpAddress, loadBalancerClassRule } from '@berth/core';
import type { ConfigMap, Node, Service } from '@berth/kube';
import { expect } from 'chai';
import { PoolSource } from './pool-source.ts';
import type { Segment } from './segments.ts';
import { Speaker } from './speaker.ts';
import { FakeClock, mac, node, service } from './testing.ts';
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
  const told: string[] = [];
  let wanted: readonly { vip: IpAddress; service: string }[] = [];
  const attach = () => {
    if (state.refused) throw new Error('attach: ENOMEM');
  };
  const port = { attached: [], attach, detach: () => {}, replace: () => {} };
  const state = { refused: false, segments: [LAN0], refreshes: 0, served: '', lookMs: 0, lost: false, listening: 0 };
  const speaker = new Speaker({
    cluster,
    segments: () => state.segments,
    pools: new PoolSource(() => {}),
    memberships: {
      open: () => told.push('open'),
      close: () => told.push('close'),
      want: (vips) => {
        told.push('want');
        wanted = vips;
      },
      owned: () =>
        state.lost
          ? []
          : wanted.map(({ vip, service }) => ({ vip, services: [service], interfaces: ['lan0', 'lan1'] })),
    },
    classRule: loadBalancerClassRule(),
    wire: new Wire({ answerer: port, groups: port, announcer: port, onAttachFailed: () => {} }),
    audience: {
      listen: (vips) => {
        state.listening = vips.length;
      },
    },
    refresh: async () => {
      state.refreshes += 1;
    },
    clock,
    onServed: (now) => {
      clock.pass(state.lookMs);
      state.served = now.map(({ vip, interfaces }) => `${vip}@${interfaces.join('+')}`).join(' ');
    },
  });
  cluster.services.set('shop/web', service('web', '203.0.113.20'));
  return { clock, cluster, told, state, speaker };
}

describe('Speaker', () => {
  it('takes part and answers when it starts, not before', () => {
    const { speaker, state, told } = world();
    speaker.clusterChanged();
    expect(state.served).to.equal('');
    speaker.start();
    expect(state.served).to.equal('203.0.113.20@lan0');
    expect(told).to.deep.equal(['open', 'want']);
    expect(state.listening).to.equal(1);
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
    const { speaker, state } = world();
    speaker.start();
    state.segments = [];
    speaker.linksChanged();
    expect(state.served).to.equal('203.0.113.20@');
  });

  it('joins a link that came up at once, and reads the cluster anew', () => {
    const { speaker, state } = world();
    speaker.start();
    state.segments = [LAN0, LAN1];
    speaker.linksChanged();
    expect(state.served).to.equal('203.0.113.20@lan0+lan1');
    expect(state.refreshes).to.equal(1);
    state.segments = [LAN1];
    speaker.linksChanged();
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
    const { speaker, state, told, cluster } = world();
    speaker.start();
    cluster.services.set('shop/db', service('db', '203.0.113.21'));
    state.lost = true;
    speaker.ownershipChanged();
    expect(state.served).to.equal('');
    expect(told).to.deep.equal(['open', 'want']);
  });

  it('answers for new VIPs with the next turn, and rests after that took long', async () => {
    const { speaker, state, clock } = world();
    state.lost = true;
    speaker.start();
    state.lost = false;
    state.lookMs = 2;
    speaker.mayAnswerMore();
    speaker.mayAnswerMore();
    expect(state.served).to.equal('');
    await clock.advance(1);
    expect(state.served).to.equal('203.0.113.20@lan0');
    state.lost = true;
    speaker.mayAnswerMore();
    await clock.advance(38);
    expect(state.served).to.equal('203.0.113.20@lan0');
    await clock.advance(1);
    expect(state.served).to.equal('');
  });

  it('is silent for good when it was stopped', async () => {
    const { speaker, state, told, clock } = world();
    speaker.start();
    speaker.clusterChanged();
    speaker.stop();
    await clock.advance(1_000);
    speaker.linksChanged();
    speaker.ownershipChanged();
    expect(state.served).to.equal('');
    expect(told).to.deep.equal(['open', 'want', 'close']);
  });
});
