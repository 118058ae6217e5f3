// SPDX-License-Identifier: Apache-2.0
import type { IpAddress, MacAddress } from '@berth/core';
import type { Node } from '@berth/kube';
import { FakeClock, settle } from '@berth/runtime/testing';
import { expect } from 'chai';
import { ip, mac, node } from '../testing.ts';
import { HEARTBEAT_GROUP } from './heartbeat-frames.ts';
import { type HeardMember, UnicastPeers } from './unicast-peers.ts';

const OWN = mac(1);

function nodeAt(name: string, address: string): Node {
  const { metadata, status } = node(name);
  return { metadata, status: { ...status, addresses: [{ type: 'InternalIP', address }] } };
}

function frame(from: MacAddress, to: MacAddress): Uint8Array {
  return Uint8Array.from([...to.toBytes(), ...from.toBytes(), 0x88, 0xb5]);
}

function world() {
  const clock = new FakeClock();
  const state = {
    nodes: [
      nodeAt('edge-1', '203.0.113.1'),
      nodeAt('edge-2', '203.0.113.2'),
      nodeAt('edge-3', '203.0.113.3'),
      nodeAt('far-1', '198.51.100.1'),
    ],
    members: [] as HeardMember[],
    neighbors: [{ ip: ip('203.0.113.2'), mac: mac(2) }],
    asked: [] as string[],
    copies: [] as string[][],
  };
  const peers = new UnicastPeers({
    nodeName: 'edge-1',
    clock,
    nodes: () => state.nodes,
    members: () => state.members,
    isHere: (address: IpAddress) => String(address).startsWith('203.0.113.'),
    neighbors: async () => state.neighbors,
    isGateway: (address) => String(address) === '203.0.113.254',
    resolve: async (address) => {
      state.asked.push(String(address));
      return String(address) === '203.0.113.3' ? mac(3) : undefined;
    },
    onHeartbeats: (macs) => state.copies.push(macs.map(String)),
  });
  const heard = (number: number, isDeaf = false): HeardMember => ({ node: `edge-${number}`, mac: mac(number), isDeaf });
  return { clock, state, peers, heard };
}

describe('UnicastPeers', () => {
  it('knocks at nodes of this segment that are not heard, found by the kernel or by a question', async () => {
    const { peers, state } = world();
    peers.start();
    await settle();
    expect(peers.listeners.map(String)).to.have.members([mac(2), mac(3)].map(String));
    expect(state.asked).to.deep.equal(['203.0.113.3']);
    expect(state.copies).to.deep.equal([]);
    expect(peers.transport).to.equal('multicast');
    peers.stop();
  });

  it('answers a knock at once with every heartbeat', async () => {
    const { peers, state } = world();
    peers.start();
    await settle();
    peers.believed(frame(mac(2), OWN));
    expect(state.copies).to.deep.equal([[String(mac(2))]]);
    expect(peers.transport).to.equal('unicast');
    peers.stop();
  });

  it('sends nothing to nodes that the group brings', async () => {
    const { peers, state, heard } = world();
    peers.start();
    state.members = [heard(2), heard(3)];
    for (const number of [2, 3]) peers.believed(frame(mac(number), HEARTBEAT_GROUP));
    await settle();
    expect(peers.listeners).to.deep.equal([]);
    expect(peers.transport).to.equal('multicast');
    peers.stop();
  });

  it('ends the copies when the group brings the node again', async () => {
    const { peers, state, clock, heard } = world();
    peers.start();
    await settle();
    state.members = [heard(2), heard(3)];
    peers.believed(frame(mac(3), HEARTBEAT_GROUP));
    peers.believed(frame(mac(2), OWN));
    expect(peers.transport).to.equal('mixed');
    peers.believed(frame(mac(2), HEARTBEAT_GROUP));
    await clock.advance(1000);
    expect(state.copies.at(-1)).to.deep.equal([]);
    peers.stop();
  });

  it('goes on with a node that did not hear us, also after it does', async () => {
    const { peers, state, clock, heard } = world();
    peers.start();
    await settle();
    state.members = [heard(2, true), heard(3)];
    for (let second = 0; second < 5; second++) {
      for (const number of [2, 3]) peers.believed(frame(mac(number), HEARTBEAT_GROUP));
      await clock.advance(1000);
      state.members = [heard(2), heard(3)];
    }
    expect(state.copies).to.deep.equal([[String(mac(2))]]);
    peers.stop();
  });

  it('knocks no more at a node that left the cluster', async () => {
    const { peers, state, clock, heard } = world();
    peers.start();
    await settle();
    state.members = [heard(2)];
    peers.believed(frame(mac(2), OWN));
    state.nodes.splice(1, 2);
    state.members = [];
    await clock.advance(3000);
    expect(peers.listeners).to.deep.equal([]);
    peers.stop();
  });

  it('asks for an address that nobody has once in ten seconds', async () => {
    const { peers, state, clock } = world();
    state.neighbors = [];
    peers.start();
    await settle();
    await clock.advance(9000);
    expect(state.asked.filter((address) => address === '203.0.113.2')).to.have.length(1);
    await clock.advance(2000);
    expect(state.asked.filter((address) => address === '203.0.113.2')).to.have.length(2);
    peers.stop();
  });

  describe('nodes that are not reached', () => {
    /** Looks for so long. */
    async function pass(clock: FakeClock, forMs: number): Promise<void> {
      for (let passed = 0; passed < forMs; passed += 1000) {
        await clock.advance(1000);
        await settle();
      }
    }

    it('WT-09: are those that are Ready, heard in no way, and answer no question for a minute', async () => {
      const { clock, peers, state, heard } = world();
      state.neighbors = [];
      peers.start();
      await settle();
      await pass(clock, 55_000);
      expect(peers.notReached).to.deep.equal([]);
      await pass(clock, 10_000);
      // edge-3 answers, far-1 is of another subnet.
      expect(peers.notReached).to.deep.equal(['edge-2']);
      state.members = [heard(2)];
      expect(peers.notReached).to.deep.equal([]);
      peers.stop();
    });

    it('WT-09: are no nodes that are not Ready', async () => {
      const { clock, peers, state } = world();
      state.neighbors = [];
      const [, second] = state.nodes;
      state.nodes[1] = {
        ...second,
        status: { ...second?.status, conditions: [{ type: 'Ready', status: 'False' }] },
      } as Node;
      peers.start();
      await pass(clock, 70_000);
      expect(peers.notReached).to.deep.equal([]);
      peers.stop();
    });

    it('WT-09: are those too for which only a router answers', async () => {
      const { clock, peers, state } = world();
      state.neighbors = [
        { ip: ip('203.0.113.2'), mac: mac(254) },
        { ip: ip('203.0.113.254'), mac: mac(254) },
      ];
      peers.start();
      await settle();
      await pass(clock, 70_000);
      expect(peers.notReached).to.deep.equal(['edge-2']);
      peers.stop();
    });
  });
});
