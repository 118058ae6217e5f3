// SPDX-License-Identifier: Apache-2.0
/**
 * Sends trial frames (trial-frame.ts) on one interface, and hears those of others. Needs CAP_NET_RAW. While it does not
 * listen its sockets cost other traffic nothing.
 */
import type { MacAddress } from '@berth/core';
import { noFrames } from './answer-filter.ts';
import { PacketSocket } from './packet-socket.ts';
import { IPV4, trialFilter, trialFrame, trialSender } from './trial-frame.ts';

export interface TrialPortOptions {
  readonly ifindex: number;
  /** MAC address of the interface. */
  readonly mac: MacAddress;
  onHeard(from: MacAddress): void;
  /** A frame could not be sent, or those of others not be heard. */
  onFailed(error: unknown): void;
}

/** An EtherType of which nothing is received: what a socket is bound to that only sends. */
const NOTHING = 0xffff;

export class TrialPort {
  readonly #options: TrialPortOptions;
  #sender: PacketSocket | undefined;
  #listener: PacketSocket | undefined;

  constructor(options: TrialPortOptions) {
    this.#options = options;
  }

  /** Sends one. Never throws. */
  send(to: MacAddress): void {
    const { ifindex, mac } = this.#options;
    this.#attempt(() => {
      this.#sender ??= PacketSocket.open({ ifindex, protocol: NOTHING, filter: noFrames() });
      this.#sender.send(trialFrame(mac, to));
    });
  }

  /** Hears those of others from now on. Never throws. */
  listen(): void {
    const { ifindex, onHeard, onFailed } = this.#options;
    if (this.#listener) return;
    this.#attempt(() => {
      this.#listener = PacketSocket.open({ ifindex, protocol: IPV4, filter: trialFilter() });
      this.#listener.receive(({ bytes }) => {
        const from = trialSender(bytes);
        if (from) onHeard(from);
      }, onFailed);
    });
  }

  rest(): void {
    this.#listener?.close();
    this.#listener = undefined;
  }

  close(): void {
    this.rest();
    this.#sender?.close();
    this.#sender = undefined;
  }

  #attempt(what: () => void): void {
    try {
      what();
    } catch (error) {
      this.#options.onFailed(error);
    }
  }
}
