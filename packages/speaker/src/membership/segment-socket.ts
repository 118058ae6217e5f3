// SPDX-License-Identifier: Apache-2.0
/**
 * The socket of one segment for heartbeats. Frames of members have a receive buffer of their own, which only the MAC
 * address of the sender opens; strangers share a small one that is read at a bounded rate. So a flood of forged
 * heartbeats costs a bounded share of this process and none of the members' frames. A newcomer is a stranger until its
 * first frame was believed.
 */
import { HEARTBEAT_ETHER_TYPE, type MacAddress } from '@berth/core';
import {
  type FrameSocket,
  LinkGroup,
  MAX_FILTERED_SENDERS,
  PacketSocket,
  sourceFilter,
  ThrottledSocket,
} from '@berth/link';
import type { Clock } from '@berth/runtime';
import { HEARTBEAT_GROUP } from './heartbeat-frames.ts';

/** Room for the heartbeats of a crowded segment while this process is busy. */
const MEMBERS_BUFFER_BYTES = 1 << 20;
/** Room for the first heartbeats of 200 nodes that start together. */
const STRANGERS_BUFFER_BYTES = 1 << 18;
/** Frames of strangers that are read in one window; at 10 us each they take a fortieth of a core. */
const STRANGERS_PER_WINDOW = 64;
const WINDOW_MS = 25;

export interface FloodProofOptions {
  /** For frames of members; keeps none yet. */
  readonly members: FrameSocket;
  /** For frames of everybody else; keeps all yet. */
  readonly strangers: FrameSocket;
  /** The membership of the heartbeats' group; lasts as long as this is open. */
  readonly group: { close(): void };
  readonly clock: Clock;
}

export class FloodProofSocket {
  readonly #members: FrameSocket;
  readonly #strangers: ThrottledSocket;
  readonly #group: { close(): void };

  constructor({ members, strangers, group, clock }: FloodProofOptions) {
    this.#members = members;
    this.#group = group;
    const budget = { perWindow: STRANGERS_PER_WINDOW, windowMs: WINDOW_MS };
    this.#strangers = new ThrottledSocket({ socket: strangers, clock, ...budget });
  }

  send(frame: Uint8Array): boolean {
    return this.#members.send(frame);
  }

  receive(onFrame: (frame: { readonly bytes: Uint8Array }) => void, onError: (error: unknown) => void): void {
    this.#members.receive(onFrame, onError);
    this.#strangers.receive(onFrame, onError);
  }

  /**
   * Frames of these senders have the members' buffer from now on; of fewer of them where the kernel has no room for so
   * long a filter. A frame that arrives meanwhile may come twice, never not at all.
   */
  prefer(members: readonly MacAddress[]): void {
    let known = members.slice(0, MAX_FILTERED_SENDERS);
    while (!this.#isSorted(known) && known.length > 0) known = known.slice(0, known.length / 2);
  }

  #isSorted(known: readonly MacAddress[]): boolean {
    try {
      this.#members.setFilter(sourceFilter('only', known));
      this.#strangers.setFilter(sourceFilter('except', known));
      return true;
    } catch {
      // ENOMEM. The rest are read as strangers are.
      return false;
    }
  }

  /** Frames of strangers that were dropped unread, since this was opened. */
  get unread(): number {
    return this.#strangers.unread;
  }

  close(): void {
    this.#group.close();
    this.#members.close();
    this.#strangers.close();
  }
}

/** Opens both sockets on an interface and joins the heartbeats' group. Throws what the system says. */
export function openSegmentSocket(ifindex: number, clock: Clock): FloodProofSocket {
  const opened: { close(): void }[] = [];
  const open = (receiveBufferBytes: number, filter: Uint8Array) => {
    const socket = PacketSocket.open({
      ...{ ifindex, protocol: HEARTBEAT_ETHER_TYPE, receiveBufferBytes, filter },
      groups: [HEARTBEAT_GROUP],
      priority: 'control',
    });
    opened.push(socket);
    return socket;
  };
  try {
    const members = open(MEMBERS_BUFFER_BYTES, sourceFilter('only', []));
    const strangers = open(STRANGERS_BUFFER_BYTES, sourceFilter('except', []));
    const group = LinkGroup.join(ifindex, HEARTBEAT_GROUP);
    return new FloodProofSocket({ members, strangers, group, clock });
  } catch (error) {
    for (const socket of opened) socket.close();
    throw error;
  }
}
