// SPDX-License-Identifier: Apache-2.0
/**
 * The nodes of one segment that the heartbeats' group does not reach, in networks that eat multicast. Node objects
 * say whom the cluster knows; their MAC addresses come from the kernel's neighbours or a question of our own; core says
 * what must be sent to whom alone.
 */
import {
  type ExpectedPeer,
  MacAddress as Mac,
  type MacAddress,
  planUnicast,
  type Transport,
  transportOf,
  type UnicastPlan,
} from '@berth/core';
import type { Timer } from '@berth/runtime';
import { HEARTBEAT_GROUP } from './heartbeat-frames.ts';
import { UnheardNodes, type UnheardNodesOptions } from './unheard-nodes.ts';

const LOOK_MS = 1000;
const MAC_BYTES = 6;

/** A member of the segment. */
export interface HeardMember {
  readonly node: string;
  readonly mac: MacAddress;
  /** Whether it does not hear this node. */
  readonly isDeaf: boolean;
}

export interface UnicastPeersOptions extends UnheardNodesOptions {
  members(): readonly HeardMember[];
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
  readonly #unheard: UnheardNodes;
  #plan: UnicastPlan = { heartbeats: [], knocks: [] };
  #peers: readonly ExpectedPeer[] = [];
  #timer: Timer | undefined;
  #isRunning = false;

  constructor(options: UnicastPeersOptions) {
    this.#options = options;
    this.#unheard = new UnheardNodes(options);
  }

  start(): void {
    this.#isRunning = true;
    void this.#look();
  }

  stop(): void {
    this.#isRunning = false;
    this.#timer?.cancel();
  }

  /**
   * Who gets the frames that are not heartbeats of the thread: all that are reached alone, and those that are knocked
   * at.
   */
  get listeners(): readonly MacAddress[] {
    return [...this.#plan.heartbeats, ...this.#plan.knocks];
  }

  /** When a frame of a station was last used, by whichever way. */
  heardMs(mac: MacAddress): number | undefined {
    const way = this.#ways.get(numberOf(mac.toBytes(), 0));
    return way && Math.max(way.groupMs ?? Number.NEGATIVE_INFINITY, way.aloneMs ?? Number.NEGATIVE_INFINITY);
  }

  /** Whether frames to it alone are what brings a station here. */
  isAlone(mac: MacAddress): boolean {
    const way = this.#ways.get(numberOf(mac.toBytes(), 0));
    const nowMs = this.#options.clock.now();
    return way !== undefined && isLate(way.groupMs, nowMs) && !isLate(way.aloneMs, nowMs);
  }

  /** Names of Ready nodes that are not reached in any way. */
  get notReached(): readonly string[] {
    return this.#unheard.notReached;
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
    await this.#unheard.find();
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

  // The group brings it here, but not us there. Once it hears us by frames of its own it is not deaf any more, and
  // would be again without them; so this lasts as long as it is a member.
  #noteDeaf(mac: MacAddress): void {
    const way = this.#ways.get(numberOf(mac.toBytes(), 0));
    if (way && !isLate(way.groupMs, this.#options.clock.now())) way.isDeaf = true;
  }

  // A node that left the cluster must not be knocked at for ever.
  #forgetSilent(): void {
    this.#unheard.forget();
    const heard = new Set(this.#options.members().map(({ mac }) => String(mac)));
    const known = new Set(this.#unheard.known.map(String));
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
    for (const mac of this.#unheard.stations)
      if (!peers.has(String(mac)))
        peers.set(String(mac), { mac, groupMs: undefined, aloneMs: undefined, isDeaf: false });
    return [...peers.values()];
  }
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
