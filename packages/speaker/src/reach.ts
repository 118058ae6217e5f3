// SPDX-License-Identifier: Apache-2.0
/** How this node's heartbeats reach its peers on all segments: by the group, and by frames to single nodes where that does not do. */
import { type IpAddress, isDeaf, type MacAddress, type Timing, type Transport } from '@berth/core';
import type { Clock, Node } from '@berth/kube';
import {
  AddressProber,
  ClaimEars,
  type HeartbeatSender,
  type LinkState,
  type Neighbor,
  readNeighbors,
} from '@berth/link';
import type { SegmentSocket } from './membership-loop.ts';
import type { Memberships } from './memberships.ts';
import { openSegmentSocket } from './segment-socket.ts';
import type { Segment } from './segments.ts';
import { isInSubnet } from './subnets.ts';
import { UnicastPeers } from './unicast-peers.ts';

/** Where the destination of a frame is. */
const DESTINATION_AT = 0;

export interface ReachOptions {
  readonly nodeName: string;
  readonly timing: Timing;
  readonly clock: Clock;
  readonly thread: Pick<HeartbeatSender, 'copyTo'>;
  nodes(): Iterable<Node>;
  links(): readonly LinkState[];
  memberships(): Memberships;
}

export class Reach {
  readonly #options: ReachOptions;
  readonly #peers = new Map<number, UnicastPeers>();
  readonly #ears: ClaimEars;
  readonly #prober: AddressProber;

  constructor(options: ReachOptions) {
    this.#options = options;
    this.#ears = new ClaimEars({ clock: options.clock });
    this.#prober = new AddressProber({
      clock: options.clock,
      random: Math.random,
      isMember: () => false,
      ears: this.#ears,
    });
  }

  /** `mixed` when segments differ. */
  get transport(): Transport {
    const all = new Set([...this.#peers.values()].map(({ transport }) => transport));
    const [only = 'multicast'] = all;
    return all.size > 1 ? 'mixed' : only;
  }

  /** Opens the socket of a segment. Throws what the system says. */
  open(segment: Segment): SegmentSocket {
    const socket = openSegmentSocket(segment.ifindex, this.#options.clock);
    const peers = this.#peersOf(segment);
    this.#peers.set(segment.ifindex, peers);
    // Of those that were known before the interface changed.
    this.#options.thread.copyTo(segment.ifindex, []);
    peers.start();
    return {
      send: (frame) => sendToAll(socket, frame, peers.listeners),
      receive: (onFrame, onError) => socket.receive(onFrame, onError),
      prefer: (members) => socket.prefer(members),
      believed: (frame) => peers.believed(frame),
      get unread() {
        return socket.unread;
      },
      close: () => {
        peers.stop();
        if (this.#peers.get(segment.ifindex) === peers) this.#peers.delete(segment.ifindex);
        socket.close();
      },
    };
  }

  #peersOf(segment: Segment): UnicastPeers {
    const { nodeName, clock, nodes, links, thread } = this.#options;
    return new UnicastPeers({
      ...{ nodeName, clock, nodes },
      members: () => this.#membersOn(segment),
      isHere: (address) => isInSubnet(String(address), [segment.ifname], links()),
      neighbors: () => neighborsOn(segment),
      resolve: (address) => this.#resolve(segment, address),
      onHeartbeats: (macs) => thread.copyTo(segment.ifindex, macs),
    });
  }

  async #resolve({ ifindex, mac }: Segment, candidate: IpAddress): Promise<MacAddress | undefined> {
    const result = await this.#prober.resolve({ candidate, ifindex, mac });
    return result.end === 'heard' ? result.macs[0] : undefined;
  }

  #membersOn({ ifindex }: Segment) {
    const { memberships, timing, clock } = this.#options;
    const nowMs = clock.now();
    const joined = memberships().loops.find(({ segment }) => segment.ifindex === ifindex);
    return (joined?.loop.state.members ?? []).map((member) => ({
      node: member.node,
      mac: member.mac,
      isDeaf: isDeaf(member, timing.oneWayAfterMs, nowMs),
    }));
  }
}

// Without the kernel's word the wire is asked.
async function neighborsOn(segment: Segment): Promise<readonly Neighbor[]> {
  try {
    const { neighbors } = await readNeighbors();
    return neighbors.filter(({ ifindex }) => ifindex === segment.ifindex);
  } catch {
    return [];
  }
}

// Copies differ in their destination alone, which the tag does not cover.
function sendToAll(socket: Pick<SegmentSocket, 'send'>, frame: Uint8Array, listeners: readonly MacAddress[]): boolean {
  const isSent = socket.send(frame);
  return listeners.reduce((sent, mac) => {
    const copy = Uint8Array.from(frame);
    copy.set(mac.toBytes(), DESTINATION_AT);
    return socket.send(copy) || sent;
  }, isSent);
}
