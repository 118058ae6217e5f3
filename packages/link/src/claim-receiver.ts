// SPDX-License-Identifier: Apache-2.0
/**
 * Listens for claims on selected addresses: one packet socket for each interface and family, open only while somebody
 * listens, with a filter that drops all other frames in the kernel. For IPv6 the groups of the addresses are joined
 * meanwhile, or a rival's question would not be heard. Needs CAP_NET_RAW.
 */
import type { AddressClaim, IpAddress, IpFamily, MacAddress } from '@berth/core';
import type { Clock } from '@berth/runtime';
import { decodeAddressFrame } from './address-frame.ts';
import { type AddressSocket, openAddressSocket } from './address-socket.ts';
import { claimFilter } from './claim-filter.ts';
import { SolicitedGroups } from './solicited-groups.ts';

/** The part of the multicast groups that is used. */
export type ClaimGroups = Pick<SolicitedGroups, 'attach' | 'replace' | 'close'>;

export interface ClaimReceiverOptions {
  readonly clock: Clock;
  /** Default: {@link openAddressSocket}; nothing passes until the first filter is set. */
  readonly openSocket?: (ifindex: number, family: IpFamily) => AddressSocket;
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

/** An open reception of claims. */
export interface Listening {
  /** Sends a frame on the interface; false when the kernel has no room. Throws what the system says. */
  send(frame: Uint8Array): boolean;
  /** Gives the claims that have arrived by now; for a caller that must not decide before it has seen them. */
  drain(): void;
  close(): void;
}

interface Port {
  readonly family: IpFamily;
  readonly socket: AddressSocket;
  readonly listeners: Set<ClaimListener>;
}

export class ClaimReceiver {
  readonly #openSocket: (ifindex: number, family: IpFamily) => AddressSocket;
  readonly #groups: ClaimGroups;
  readonly #ports = new Map<string, Port>();

  constructor({ clock, openSocket, groups }: ClaimReceiverOptions) {
    const open = (ifindex: number, family: IpFamily) =>
      openAddressSocket(ifindex, family, { clock, filter: claimFilter(family, []) });
    this.#openSocket = openSocket ?? open;
    // A group that cannot be joined only lets a rival go unheard; the answer of a holder comes to all nodes.
    this.#groups = groups ?? new SolicitedGroups();
  }

  /** Begins to listen. Throws what the system says. */
  listen(listener: ClaimListener): Listening {
    const port = this.#portOf(listener);
    port.listeners.add(listener);
    try {
      this.#follow(port);
    } catch (error) {
      // No one could close this one.
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
