// SPDX-License-Identifier: Apache-2.0
/**
 * Listens for claims on selected addresses: one packet socket for each interface and family, open only while somebody
 * listens, with a filter that drops all other frames in the kernel. For IPv6 the groups of the addresses are joined
 * meanwhile, or a rival's question would not be heard. Needs CAP_NET_RAW.
 */
import type { AddressClaim, IpAddress, IpFamily, MacAddress } from '@berth/core';
import type { Clock } from '@berth/runtime';
import { decodeAddressFrame, PROTOCOL } from './address-frame.ts';
import { claimFilter } from './claim-filter.ts';
import { PacketSocket } from './packet-socket.ts';
import { SolicitedGroups } from './solicited-groups.ts';
import { ThrottledSocket } from './throttled-socket.ts';

/** The part of a packet socket that is used. */
export interface ClaimSocket {
  setFilter(program: Uint8Array): void;
  receive(onFrame: (frame: { readonly bytes: Uint8Array }) => void, onError: (error: unknown) => void): void;
  send(frame: Uint8Array): boolean;
  /** Gives the frames that have arrived by now. */
  drain(): void;
  close(): void;
}

/** The part of the multicast groups that is used. */
export type ClaimGroups = Pick<SolicitedGroups, 'attach' | 'replace' | 'close'>;

export interface ClaimEarsOptions {
  readonly clock: Clock;
  /**
   * Default: a packet socket that is read at a bounded rate, since what a stranger says about an address passes the
   * filter.
   */
  readonly openSocket?: (ifindex: number, family: IpFamily) => ClaimSocket;
  /** Default: those of this host. */
  readonly groups?: ClaimGroups;
}

/** Who listens for one address on one interface. */
export interface ClaimListener {
  readonly address: IpAddress;
  readonly ifindex: number;
  /** `source`: sender of the frame, which may be another than the frame tells. */
  onClaim(claim: AddressClaim, source: MacAddress): void;
  onError(error: unknown): void;
}

/** An open ear. */
export interface Listening {
  /** Sends a frame on the interface; false when the kernel has no room. Throws what the system says. */
  send(frame: Uint8Array): boolean;
  /** Gives the claims that have arrived by now; for a caller that must not decide before it has seen them. */
  drain(): void;
  close(): void;
}

interface Port {
  readonly family: IpFamily;
  readonly socket: ClaimSocket;
  readonly listeners: Set<ClaimListener>;
}

/** Frames that are read in one window; at 5 us each they take a fortieth of a core. */
const FRAMES_PER_WINDOW = 256;
const WINDOW_MS = 50;

export class ClaimEars {
  readonly #openSocket: (ifindex: number, family: IpFamily) => ClaimSocket;
  readonly #groups: ClaimGroups;
  readonly #ports = new Map<string, Port>();

  constructor({ clock, openSocket, groups }: ClaimEarsOptions) {
    this.#openSocket = openSocket ?? ((ifindex, family) => openPacketSocket(ifindex, family, clock));
    // A group that cannot be joined only makes the ear for rivals worse; the answer of a holder comes to all nodes.
    this.#groups = groups ?? new SolicitedGroups({ onFailed: () => {} });
  }

  /** Begins to listen. Throws what the system says. */
  listen(listener: ClaimListener): Listening {
    const port = this.#portOf(listener);
    port.listeners.add(listener);
    try {
      this.#follow(port);
    } catch (error) {
      // No one could close this ear.
      this.#leave(port, listener);
      throw error;
    }
    const { socket } = port;
    return {
      send: (frame) => socket.send(frame),
      drain: () => socket.drain(),
      close: () => this.#leave(port, listener),
    };
  }

  /** Closes all sockets; nothing is reported any more. */
  close(): void {
    for (const { socket } of this.#ports.values()) socket.close();
    this.#ports.clear();
    this.#groups.close();
  }

  #portOf({ ifindex, address: { family } }: ClaimListener): Port {
    const key = `${ifindex} ${family}`;
    const known = this.#ports.get(key);
    if (known) return known;
    const port: Port = { family, socket: this.#openSocket(ifindex, family), listeners: new Set() };
    port.socket.receive(
      ({ bytes }) => hear(port, bytes),
      (error) => {
        for (const listener of [...port.listeners]) listener.onError(error);
      },
    );
    this.#ports.set(key, port);
    return port;
  }

  #leave(port: Port, listener: ClaimListener): void {
    if (!port.listeners.delete(listener)) return;
    // Otherwise the filter lets more through than is wanted until the next one listens: many leave one after the other.
    if (port.listeners.size === 0) {
      port.socket.close();
      this.#ports.delete(`${listener.ifindex} ${port.family}`);
    }
    if (port.family === 'IPv6') this.#joinGroups();
  }

  #follow(port: Port): void {
    const addresses = [...port.listeners].map(({ address }) => address);
    port.socket.setFilter(claimFilter(port.family, addresses));
    if (port.family === 'IPv6') this.#joinGroups();
  }

  #joinGroups(): void {
    const listeners = [...this.#ports.values()].flatMap((port) => [...port.listeners]);
    const solicited = listeners.filter(({ address }) => address.family === 'IPv6');
    for (const { ifindex } of solicited) this.#groups.attach(ifindex);
    this.#groups.replace(solicited.map(({ address, ifindex }) => ({ vip: address, ifindexes: [ifindex] })));
  }
}

function hear(port: Port, bytes: Uint8Array): void {
  const frame = decodeAddressFrame(port.family, bytes);
  if (frame === undefined) return;
  for (const listener of [...port.listeners]) {
    const claim = frame.claimOn(listener.address);
    if (claim) listener.onClaim(claim, frame.source);
  }
}

function openPacketSocket(ifindex: number, family: IpFamily, clock: Clock): ClaimSocket {
  // Nothing passes until the first filter is set.
  const socket = PacketSocket.open({ ifindex, protocol: PROTOCOL[family], filter: claimFilter(family, []) });
  const throttled = new ThrottledSocket({ socket, clock, perWindow: FRAMES_PER_WINDOW, windowMs: WINDOW_MS });
  return {
    setFilter: (program) => throttled.setFilter(program),
    receive: (onFrame, onError) => throttled.receive(onFrame, onError),
    send: (frame) => socket.send(frame),
    drain: () => socket.drain(),
    close: () => throttled.close(),
  };
}
