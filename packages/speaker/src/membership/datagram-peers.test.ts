// SPDX-License-Identifier: Apache-2.0
import type { IpAddress } from '@berth/core';
import type { Node } from '@berth/kube';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { ip, node } from '../testing.ts';
import { DatagramPeers } from './datagram-peers.ts';

function nodeAt(name: string, ready: 'True' | 'False', ...addresses: string[]): Node {
  const { metadata, status } = node(name);
  const at = addresses.map((address) => ({ type: 'InternalIP', address }));
  return { metadata, status: { ...status, addresses: at, conditions: [{ type: 'Ready', status: ready }] } } as Node;
}

function world() {
  const clock = new FakeClock();
  const state = {
    nodes: [
      nodeAt('edge-1', 'True', '203.0.113.1'),
      nodeAt('edge-2', 'True', '203.0.113.2', '2001:db8::2'),
      nodeAt('edge-3', 'False', '203.0.113.3'),
      nodeAt('far-1', 'True', '198.51.100.1'),
    ],
    rawMs: new Map<string, number>(),
    served: [] as string[][],
    sources: [] as string[][],
  };
  const peers = new DatagramPeers({
    ...{ nodeName: 'edge-1', clock },
    nodes: () => state.nodes,
    isHere: (address: IpAddress) => /^(203\.0\.113|2001:db8:)/.test(String(address)),
    rawMs: (name) => state.rawMs.get(name),
    onHeartbeats: (addresses) => state.served.push(addresses.map(String)),
    onSources: (addresses) => state.sources.push(addresses.map(String)),
  });
  return { clock, state, peers, to: () => peers.listeners.map(({ address, needs }) => `${address} ${needs}`) };
}

describe('DatagramPeers', () => {
  it('WT-24: listens to nodes with an address in a subnet of the interface, and to no others', () => {
    const { peers, state } = world();
    peers.start();
    expect(state.sources).to.deep.equal([['203.0.113.2', '2001:db8::2', '203.0.113.3']]);
    expect([ip('198.51.100.1'), ip('203.0.113.2')].map((one) => peers.isKnown(one))).to.deep.equal([false, true]);
    peers.stop();
  });

  it('WT-24: knocks by both families at a Ready node of which no raw frame came for two seconds', async () => {
    const { peers, clock, to } = world();
    peers.start();
    await clock.advance(1900);
    expect(to()).to.deep.equal([]);
    await clock.advance(1000);
    expect(to()).to.deep.equal(['203.0.113.2 true', '2001:db8::2 true']);
    peers.stop();
  });

  it('WT-24: leaves nodes alone whose raw frames come', async () => {
    const { peers, clock, state, to } = world();
    peers.start();
    for (let round = 0; round < 50; round++) {
      state.rawMs.set('edge-2', clock.now());
      await clock.advance(100);
    }
    expect(to()).to.deep.equal([]);
    peers.stop();
  });

  it('WT-24: answers a node that needs datagrams at once with every heartbeat, and ends when it needs none', async () => {
    const { peers, clock, state } = world();
    peers.start();
    state.rawMs.set('edge-2', 0);
    peers.believed(ip('203.0.113.2'), true);
    expect(state.served).to.deep.equal([['203.0.113.2']]);
    expect(peers.isHeardOnlyHere('edge-2')).to.equal(false);
    for (let round = 0; round < 5; round++) {
      state.rawMs.set('edge-2', clock.now());
      await clock.advance(1000);
    }
    expect(state.served.at(-1)).to.deep.equal([]);
    peers.stop();
  });

  it('WT-24: says which node it hears by datagrams alone', async () => {
    const { peers, clock, state } = world();
    peers.start();
    await clock.advance(3000);
    peers.believed(ip('2001:db8::2'), true);
    expect(state.served.at(-1)).to.deep.equal(['2001:db8::2']);
    expect(peers.isHeardOnlyHere('edge-2')).to.equal(true);
    expect(peers.isHeardOnlyHere('edge-3')).to.equal(false);
    peers.stop();
  });

  it('forgets a node that left the cluster', async () => {
    const { peers, clock, state } = world();
    peers.start();
    await clock.advance(3000);
    state.nodes.splice(1, 2);
    await clock.advance(1000);
    expect(peers.listeners).to.deep.equal([]);
    expect(state.sources.at(-1)).to.deep.equal([]);
    peers.stop();
  });
});
