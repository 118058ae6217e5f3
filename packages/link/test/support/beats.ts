// SPDX-License-Identifier: Apache-2.0
/**
 * Heartbeats without a speaker: frames of their type and size from the native thread, and an ear that measures the time
 * between them.
 */
import { HEARTBEAT_ETHER_TYPE, HEARTBEAT_GROUP_MAC, MacAddress } from '@berth/core';
import { HeartbeatSender, PacketSocket, type Responder } from '@berth/link';

/** A heartbeat of a node with a name of six characters, with its Ethernet header. */
const BEAT_BYTES = 99;
const LONGEST_MS = 60_000;

export interface BeatOptions {
  readonly ifindex: number;
  readonly mac: MacAddress;
  readonly everyMs: number;
}

export function sendBeats(responder: Responder, { ifindex, mac, everyMs }: BeatOptions): void {
  const sender = HeartbeatSender.open(responder);
  sender.setFrame(ifindex, beatFrame(mac), { inner: new Uint8Array(64), outer: new Uint8Array(64) });
  sender.pace(everyMs, everyMs);
  sender.renew(LONGEST_MS);
}

export class BeatEar {
  #heardMs = performance.now();
  #longestMs = 0;

  open(ifindex: number): void {
    const socket = PacketSocket.open({ ifindex, protocol: HEARTBEAT_ETHER_TYPE, frames: 'promiscuous' });
    socket.receive(
      () => this.#note(),
      () => {},
    );
  }

  /** Longest time between two frames since this was last asked, in milliseconds. */
  takeLongest(): number {
    this.#note();
    const longest = this.#longestMs;
    this.#longestMs = 0;
    return longest;
  }

  #note(): void {
    const nowMs = performance.now();
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#heardMs);
    this.#heardMs = nowMs;
  }
}

/** Counter and tag are filled in by the thread. */
function beatFrame(mac: MacAddress): Uint8Array {
  const group = MacAddress.parse(HEARTBEAT_GROUP_MAC);
  const bytes = new Uint8Array(BEAT_BYTES);
  bytes.set(group.ok ? group.value.toBytes() : []);
  bytes.set(mac.toBytes(), 6);
  bytes.set([HEARTBEAT_ETHER_TYPE >> 8, HEARTBEAT_ETHER_TYPE & 0xff], 12);
  return bytes;
}
