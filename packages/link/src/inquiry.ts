// SPDX-License-Identifier: Apache-2.0
/**
 * Asks on one interface who answers for addresses, and hears the answers at once. The sockets stay open from the first
 * question on, and while nothing is asked their filter lets nothing through: a question costs no system calls but its
 * own, and silence costs nothing. Needs CAP_NET_RAW.
 */
import { IpAddress, type IpFamily, IpPrefix, type MacAddress, questionFrame } from '@berth/core';
import type { Clock } from '@berth/runtime';
import { decodeAddressFrame } from './address-frame.ts';
import { type AddressSocket, openAddressSocket } from './address-socket.ts';
import { answerFilter, noFrames } from './answer-filter.ts';
import type { LinkAddress } from './rtnetlink.ts';

/** How long after a question an answer belongs to it, in milliseconds. */
const ANSWER_MS = 1_000;
/** fe80::/10 (RFC 4291, 2.5.6). */
const LINK_LOCAL = IpPrefix.containing(IpAddress.of('IPv6', 0xfe80n << 112n), 10);

export interface InquiryOptions {
  readonly ifindex: number;
  /** MAC address of the interface. */
  readonly mac: MacAddress;
  readonly clock: Clock;
  /** An address of the interface to ask from. Undefined: it has none of that family. */
  from(target: IpAddress): IpAddress | undefined;
  /** Somebody answers for an address that was asked for lately. */
  onAnswer(address: IpAddress, mac: MacAddress): void;
  /** A question could not be asked, or its answer not be heard. */
  onFailed(error: unknown): void;
  /** Default: {@link openAddressSocket}; nothing passes while nothing is asked. */
  readonly openSocket?: (ifindex: number, family: IpFamily) => AddressSocket;
}

export interface Question {
  readonly target: IpAddress;
  /** Asked one by one. */
  readonly stations: readonly MacAddress[];
  /** Whether everybody is asked as well. */
  readonly audience: 'everybody' | 'stations';
}

interface Port {
  readonly socket: AddressSocket;
  /** What was asked for lately, and until when an answer counts. */
  readonly asked: Map<string, { readonly address: IpAddress; readonly untilMs: number }>;
}

export class Inquiry {
  readonly #options: InquiryOptions;
  readonly #ports = new Map<IpFamily, Port>();
  #resting: { cancel(): void } | undefined;

  constructor(options: InquiryOptions) {
    this.#options = options;
  }

  /** Asks once. Never throws. */
  ask({ target, stations, audience }: Question): void {
    const { mac, from, onFailed } = this.#options;
    const frames: (MacAddress | undefined)[] = audience === 'everybody' ? [...stations, undefined] : [...stations];
    try {
      const port = this.#portOf(target.family);
      this.#expect(port, target);
      const questioner = { mac, ip: from(target) };
      for (const station of frames) port.socket.send(questionFrame(target, questioner, station));
    } catch (error) {
      onFailed(error);
    }
  }

  /** Gives the answers that have arrived by now. */
  drain(): void {
    for (const { socket, asked } of this.#ports.values()) if (asked.size > 0) socket.drain();
  }

  close(): void {
    this.#resting?.cancel();
    for (const { socket } of this.#ports.values()) socket.close();
    this.#ports.clear();
  }

  #portOf(family: IpFamily): Port {
    const known = this.#ports.get(family);
    if (known) return known;
    const { ifindex, onFailed } = this.#options;
    const port: Port = { socket: this.#open(ifindex, family), asked: new Map() };
    port.socket.receive(({ bytes }) => this.#hear(family, port, bytes), onFailed);
    this.#ports.set(family, port);
    return port;
  }

  #open(ifindex: number, family: IpFamily): AddressSocket {
    const { clock, openSocket } = this.#options;
    return openSocket?.(ifindex, family) ?? openAddressSocket(ifindex, family, { clock, filter: noFrames() });
  }

  #expect(port: Port, address: IpAddress): void {
    if (port.asked.size === 0) port.socket.setFilter(answerFilter(address.family));
    port.asked.set(String(address), { address, untilMs: this.#options.clock.now() + ANSWER_MS });
    this.#resting ??= this.#options.clock.after(ANSWER_MS, () => this.#rest());
  }

  #rest(): void {
    const { clock, onFailed } = this.#options;
    this.#resting = undefined;
    try {
      for (const port of this.#ports.values()) forget(port, clock.now());
    } catch (error) {
      onFailed(error);
    }
    const isWaiting = [...this.#ports.values()].some(({ asked }) => asked.size > 0);
    if (isWaiting) this.#resting = clock.after(ANSWER_MS, () => this.#rest());
  }

  #hear(family: IpFamily, { asked }: Port, bytes: Uint8Array): void {
    const frame = decodeAddressFrame(family, bytes);
    const known = frame && asked.get(String(frame.subject));
    const claim = known && frame.claimOn(known.address);
    if (known && claim?.by === 'holder') this.#options.onAnswer(known.address, claim.mac);
  }
}

function forget({ socket, asked }: Port, nowMs: number): void {
  if (asked.size === 0) return;
  for (const [key, { untilMs }] of asked) if (untilMs <= nowMs) asked.delete(key);
  if (asked.size === 0) socket.setFilter(noFrames());
}

/**
 * The address of an interface to ask from: one in the subnet of what is asked for, else any of its family; of IPv6 the
 * link-local one, which never moves to another host.
 */
export function sourceFor(addresses: readonly LinkAddress[], target: IpAddress): IpAddress | undefined {
  const usable = addresses.filter(({ address, isTentative }) => address.family === target.family && !isTentative);
  const isNear = ({ address, prefixLength }: LinkAddress) =>
    target.family === 'IPv6'
      ? LINK_LOCAL.contains(address)
      : IpPrefix.containing(address, prefixLength).contains(target);
  return (usable.find(isNear) ?? usable[0])?.address;
}
