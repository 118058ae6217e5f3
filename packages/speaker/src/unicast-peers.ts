// SPDX-License-Identifier: Apache-2.0
/**
 * The nodes of one segment that the heartbeats' group does not reach, in networks that eat multicast. Whom the cluster knows is told by Node
 * objects; their MAC addresses by the kernel's neighbours or a question of our own; what must be sent to whom alone by core.
 */
import {
  type ExpectedPeer,
  IpAddress,
  MacAddress as Mac,
  type MacAddress,
  planUnicast,
  type Transport,
  transportOf,
  type UnicastPlan,
} from '@berth/core';
import type { Clock, Node, Timer } from '@berth/kube';
import type { Neighbor } from '@berth/link';
import { HEARTBEAT_GROUP } from './heartbeat-frames.ts';

const LOOK_MS = 1000;
/** Least time between two questions for one address. */
const ASK_AGAIN_MS = 10_000;
/** Addresses that are asked for in one look. */
const ASKED_AT_ONCE = 8;
const MAC_BYTES = 6;

/** A member of the segment. */
export interface HeardMember {
  readonly node: string;
  readonly mac: MacAddress;
  /** Whether it does not hear this node. */
  readonly isDeaf: boolean;
}

export interface UnicastPeersOptions {
  readonly nodeName: string;
  readonly clock: Clock;
  nodes(): Iterable<Node>;
  members(): readonly HeardMember[];
  /** Whether an address lies in a subnet of the interface. */
  isHere(address: IpAddress): boolean;
  /** The kernel's neighbours on the interface; never rejects. */
  neighbors(): Promise<readonly Pick<Neighbor, 'ip' | 'mac'>[]>;
  /** Asks on the segment who has an address; never rejects. */
  resolve(address: IpAddress): Promise<MacAddress | undefined>;
  /** Each heartbeat is to be sent to these alone as well. */
  onHeartbeats(macs: readonly MacAddress[]): void;
}

interface Way {
  readonly mac: MacAddress;
  groupMs: number | undefined;
  aloneMs: number | undefined;
  isDeaf: boolean;
}

export class UnicastPeers {
  readonly #options: UnicastPeersOptions;
  /** How frames of each MAC address came, by its number. */
  readonly #ways = new Map<number, Way>();
  /** What is known of the addresses of nodes, by their text. */
  readonly #resolved = new Map<string, { mac: MacAddress | undefined; askedMs: number }>();
  #plan: UnicastPlan = { heartbeats: [], knocks: [] };
  #peers: readonly ExpectedPeer[] = [];
  #timer: Timer | undefined;
  #isRunning = false;

  constructor(options: UnicastPeersOptions) {
    this.#options = options;
  }

  start(): void {
    this.#isRunning = true;
    void this.#look();
  }

  stop(): void {
    this.#isRunning = false;
    this.#timer?.cancel();
  }

  /** Who gets the frames that are not heartbeats of the thread: all that are reached alone, and those that are knocked at. */
  get listeners(): readonly MacAddress[] {
    return [...this.#plan.heartbeats, ...this.#plan.knocks];
  }

  get transport(): Transport {
    return transportOf(this.#peers, this.#options.clock.now());
  }

  /** Notes how a frame came that was believed. Whoever is first heard alone gets an answer at once. */
  believed(frame: Uint8Array): void {
    const way = this.#wayOf(frame);
    const nowMs = this.#options.clock.now();
    if (isToGroup(frame)) {
      way.groupMs = nowMs;
      return;
    }
    way.aloneMs = nowMs;
    const isKnown = this.#plan.heartbeats.some((mac) => mac.equals(way.mac));
    if (!isKnown && isLate(way.groupMs, nowMs)) this.#decide();
  }

  #wayOf(frame: Uint8Array): Way {
    const key = numberOf(frame, MAC_BYTES);
    const known = this.#ways.get(key);
    if (known) return known;
    const mac = Mac.fromBytes(frame.slice(MAC_BYTES, 2 * MAC_BYTES)) ?? Mac.ZERO;
    const way: Way = { mac, groupMs: undefined, aloneMs: undefined, isDeaf: false };
    this.#ways.set(key, way);
    return way;
  }

  async #look(): Promise<void> {
    this.#timer = this.#options.clock.after(LOOK_MS, () => void this.#look());
    this.#decide();
    await this.#find(this.#missing());
    if (this.#isRunning) this.#decide();
  }

  #decide(): void {
    const { clock, members, onHeartbeats } = this.#options;
    const nowMs = clock.now();
    for (const member of members()) if (member.isDeaf) this.#noteDeaf(member.mac);
    this.#forgetSilent();
    const before = this.#plan;
    this.#peers = this.#expected();
    this.#plan = planUnicast(this.#peers, nowMs);
    if (!isSame(before.heartbeats, this.#plan.heartbeats)) onHeartbeats(this.#plan.heartbeats);
  }

  // The group brings it here, but not us there. Once it hears us by frames of its own it is not deaf any more, and would be again
  // without them; so this lasts as long as it is a member.
  #noteDeaf(mac: MacAddress): void {
    const way = this.#ways.get(numberOf(mac.toBytes(), 0));
    if (way && !isLate(way.groupMs, this.#options.clock.now())) way.isDeaf = true;
  }

  // A node that left the cluster must not be knocked at for ever.
  #forgetSilent(): void {
    const present = new Set(this.#resolved.size === 0 ? [] : addressesOf(this.#options.nodes()).map(String));
    for (const ip of this.#resolved.keys()) if (!present.has(ip)) this.#resolved.delete(ip);
    const heard = new Set(this.#options.members().map(({ mac }) => String(mac)));
    const known = new Set([...this.#resolved.values()].map(({ mac }) => String(mac)));
    for (const [key, way] of this.#ways) {
      if (heard.has(String(way.mac))) continue;
      way.isDeaf = false;
      if (!known.has(String(way.mac))) this.#ways.delete(key);
    }
  }

  /** All that were heard, and the nodes that should be. */
  #expected(): ExpectedPeer[] {
    const peers = new Map<string, ExpectedPeer>();
    for (const way of this.#ways.values()) peers.set(String(way.mac), { ...way });
    for (const ip of this.#unheardNodes()) {
      const mac = this.#resolved.get(String(ip))?.mac;
      if (mac && !peers.has(String(mac)))
        peers.set(String(mac), { mac, groupMs: undefined, aloneMs: undefined, isDeaf: false });
    }
    return [...peers.values()];
  }

  /** Addresses on this segment of nodes that are no members. */
  #unheardNodes(): IpAddress[] {
    const { nodeName, nodes, members, isHere } = this.#options;
    const heard = new Set(members().map(({ node }) => node));
    const unheard = [...nodes()].filter(({ metadata: { name = '' } }) => name !== nodeName && !heard.has(name));
    return addressesOf(unheard).filter(isHere);
  }

  #missing(): IpAddress[] {
    const nowMs = this.#options.clock.now();
    return this.#unheardNodes().filter((ip) => {
      const known = this.#resolved.get(String(ip));
      return known === undefined || nowMs - known.askedMs >= ASK_AGAIN_MS;
    });
  }

  // The kernel first: it often knows a node, and a question by broadcast may be lost where multicast is.
  async #find(addresses: readonly IpAddress[]): Promise<void> {
    if (addresses.length === 0) return;
    const { clock, neighbors, resolve } = this.#options;
    const known = await neighbors();
    const unknown: IpAddress[] = [];
    for (const ip of addresses) {
      const neighbor = known.find((one) => one.ip.equals(ip));
      if (neighbor) this.#resolved.set(String(ip), { mac: neighbor.mac, askedMs: clock.now() });
      else unknown.push(ip);
    }
    await Promise.all(
      unknown.slice(0, ASKED_AT_ONCE).map(async (ip) => {
        this.#resolved.set(String(ip), { mac: this.#resolved.get(String(ip))?.mac, askedMs: clock.now() });
        const mac = await resolve(ip);
        if (mac) this.#resolved.set(String(ip), { mac, askedMs: clock.now() });
      }),
    );
  }
}

function addressesOf(nodes: Iterable<Node>): IpAddress[] {
  return [...nodes]
    .flatMap(({ status }) => status?.addresses ?? [])
    .filter(({ type }) => type === 'InternalIP')
    .flatMap(({ address }) => {
      const parsed = IpAddress.parse(address);
      return parsed.ok ? [parsed.value] : [];
    });
}

const GROUP_NUMBER = numberOf(HEARTBEAT_GROUP.toBytes(), 0);

function isToGroup(frame: Uint8Array): boolean {
  return numberOf(frame, 0) === GROUP_NUMBER;
}

/** Whether nothing came this way for longer than a look. */
function isLate(atMs: number | undefined, nowMs: number): boolean {
  return atMs === undefined || nowMs - atMs > LOOK_MS;
}

/** A MAC address as a number, which is cheaper to compare than text. */
function numberOf(bytes: Uint8Array, at: number): number {
  let number = 0;
  for (let index = 0; index < MAC_BYTES; index++) number = number * 256 + (bytes[at + index] ?? 0);
  return number;
}

function isSame(a: readonly MacAddress[], b: readonly MacAddress[]): boolean {
  return a.length === b.length && a.every((mac, index) => b[index]?.equals(mac));
}
