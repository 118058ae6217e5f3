// SPDX-License-Identifier: Apache-2.0
/**
 * How this node's heartbeats reach its peers on all segments: by the group, and by frames to single nodes where that
 * does not do.
 */
import { type IpAddress, isDeaf, type MacAddress, type Member, type Timing, type Transport } from '@berth/core';
import type { Node } from '@berth/kube';
import {
  AddressProber,
  ClaimReceiver,
  type HeartbeatSender,
  type LinkState,
  type Neighbor,
  readNeighbors,
} from '@berth/link';
import { type Clock, Signal } from '@berth/runtime';
import type { Segment } from '../layer2/segments.ts';
import { isInSubnet } from '../layer2/subnets.ts';
import { DatagramPeers } from './datagram-peers.ts';
import type { JoinedSegments } from './joined-segments.ts';
import type { SegmentSocket } from './loop-options.ts';
import { SegmentDatagrams } from './segment-datagrams.ts';
import { openSegmentSocket } from './segment-socket.ts';
import { UnicastPeers } from './unicast-peers.ts';

/** Where the destination of a frame is. */
const DESTINATION_AT = 0;

export interface HeartbeatTransportOptions {
  readonly nodeName: string;
  readonly timing: Timing;
  readonly clock: Clock;
  readonly thread: Pick<HeartbeatSender, 'copyTo' | 'datagramsTo'>;
  /** Of heartbeats between node addresses. Undefined: none are sent or heard. */
  readonly heartbeatPort: number | undefined;
  nodes(): Iterable<Node>;
  links(): readonly LinkState[];
  /** Next hops of the default routes of an interface. */
  gateways(segment: Pick<Segment, 'ifindex'>): readonly IpAddress[];
  readonly joined: Pick<JoinedSegments, 'at'>;
}

interface Datagrams {
  readonly sockets: SegmentDatagrams;
  readonly peers: DatagramPeers;
  close(): void;
}

export class HeartbeatTransport {
  /** The port could not be had on a segment, for one of the families. */
  readonly failures = new Signal<[segment: Segment, error: unknown]>();
  readonly #options: HeartbeatTransportOptions;
  readonly #peers = new Map<number, UnicastPeers>();
  readonly #datagrams = new Map<number, DatagramPeers>();
  readonly #receiver: ClaimReceiver;
  readonly #prober: AddressProber;

  constructor(options: HeartbeatTransportOptions) {
    this.#options = options;
    this.#receiver = new ClaimReceiver({ clock: options.clock });
    this.#prober = new AddressProber({
      clock: options.clock,
      random: Math.random,
      isMember: () => false,
      receiver: this.#receiver,
    });
  }

  /** `mixed` when segments or members differ. */
  get transport(): Transport {
    const all = new Set([...this.#peers].map(([ifindex, peers]) => this.#transportOn(ifindex, peers)));
    const [only = 'multicast'] = all;
    return all.size > 1 ? 'mixed' : only;
  }

  #transportOn(ifindex: number, { transport }: UnicastPeers): Transport {
    const members = this.#membersOn({ ifindex });
    const byDatagram = members.filter(({ node }) => this.#datagrams.get(ifindex)?.isHeardOnlyHere(node)).length;
    if (byDatagram === 0) return transport;
    return byDatagram === members.length ? 'udp' : 'mixed';
  }

  /** How a member of a segment is heard: by frames to it alone, or by datagrams. Undefined: by the group. */
  wayOf(segment: Pick<Segment, 'ifindex'>, { node, mac }: Pick<Member, 'node' | 'mac'>): 'unicast' | 'udp' | undefined {
    if (this.#datagrams.get(segment.ifindex)?.isHeardOnlyHere(node)) return 'udp';
    return this.#peers.get(segment.ifindex)?.isAlone(mac) ? 'unicast' : undefined;
  }

  /** Ready nodes of a segment that are heard in no way and answer nothing. */
  notReachedOn({ ifindex }: Pick<Segment, 'ifindex'>): readonly string[] {
    return this.#peers.get(ifindex)?.notReached ?? [];
  }

  /** Opens the sockets of a segment. Throws what the system says; without datagrams it goes on. */
  open(segment: Segment): SegmentSocket {
    const socket = openSegmentSocket(segment.ifindex, this.#options.clock);
    const peers = this.#peersOf(segment);
    this.#peers.set(segment.ifindex, peers);
    // Of those that were known before the interface changed.
    this.#options.thread.copyTo(segment.ifindex, []);
    peers.start();
    const datagrams = this.#openDatagrams(segment, peers);
    return {
      send: (frame) => sendToAll(socket, frame, peers.listeners),
      sendDatagrams: (seal) => {
        const listeners = datagrams?.peers.listeners ?? [];
        if (listeners.length === 0) return;
        const frame = seal();
        for (const target of listeners) datagrams?.sockets.send(frame, target);
      },
      receive: (onFrame, onError) => {
        socket.receive(onFrame, onError);
        datagrams?.sockets.receive((one) => {
          if (datagrams.peers.isKnown(one.from)) onFrame({ bytes: one.bytes, datagram: one });
        }, onError);
      },
      prefer: (members) => socket.prefer(members),
      believed: ({ bytes, datagram }) => {
        if (datagram) datagrams?.peers.believed(datagram.from, datagram.needs);
        else peers.believed(bytes);
      },
      get unread() {
        return socket.unread;
      },
      close: () => {
        peers.stop();
        if (this.#peers.get(segment.ifindex) === peers) this.#peers.delete(segment.ifindex);
        socket.close();
        datagrams?.close();
      },
    };
  }

  #openDatagrams(segment: Segment, raw: UnicastPeers): Datagrams | undefined {
    const { heartbeatPort: port, clock, thread, nodes, links, nodeName } = this.#options;
    if (port === undefined) return undefined;
    const { ifindex, ifname } = segment;
    const sockets = new SegmentDatagrams({
      ...{ ifname, port, clock },
      onFailed: (error) => this.failures.emit(segment, error),
      onOpened: () => peers.again(),
    });
    const peers = new DatagramPeers({
      ...{ nodeName, clock, nodes },
      isHere: (address) => isInSubnet(String(address), [ifname], links()),
      rawMs: (node) =>
        greatest(
          this.#membersOn(segment)
            .filter((one) => one.node === node)
            .map(({ mac }) => raw.heardMs(mac)),
        ),
      onHeartbeats: (addresses) => thread.datagramsTo(ifindex, { ...sockets.descriptors, port, addresses }),
      onSources: (addresses) => sockets.takeFrom(addresses),
    });
    this.#datagrams.set(ifindex, peers);
    thread.datagramsTo(ifindex, { port, addresses: [] });
    peers.start();
    const close = () => {
      peers.stop();
      if (this.#datagrams.get(ifindex) === peers) this.#datagrams.delete(ifindex);
      thread.datagramsTo(ifindex, { port, addresses: [] });
      sockets.close();
    };
    return { sockets, peers, close };
  }

  #peersOf(segment: Segment): UnicastPeers {
    const { nodeName, clock, nodes, links, thread } = this.#options;
    return new UnicastPeers({
      ...{ nodeName, clock, nodes },
      members: () => this.#membersOn(segment),
      isHere: (address) => isInSubnet(String(address), [segment.ifname], links()),
      neighbors: () => neighborsOn(segment),
      isGateway: (address) => this.#options.gateways(segment).some((one) => one.equals(address)),
      resolve: (address) => this.#resolve(segment, address),
      onHeartbeats: (macs) => thread.copyTo(segment.ifindex, macs),
    });
  }

  async #resolve({ ifindex, mac }: Segment, candidate: IpAddress): Promise<MacAddress | undefined> {
    const result = await this.#prober.resolve({ candidate, ifindex, mac });
    return result.end === 'heard' ? result.macs[0] : undefined;
  }

  #membersOn({ ifindex }: Pick<Segment, 'ifindex'>) {
    const { joined, timing, clock } = this.#options;
    const nowMs = clock.now();
    return (joined.at(ifindex)?.loop.state.members ?? []).map((member) => ({
      node: member.node,
      mac: member.mac,
      isDeaf: isDeaf(member, timing.oneWayAfterMs, nowMs),
    }));
  }
}

function greatest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((one) => one !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
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
