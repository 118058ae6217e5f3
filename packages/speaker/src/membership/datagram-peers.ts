// SPDX-License-Identifier: Apache-2.0
/**
 * The nodes of one segment that no raw frame brings: whom the cluster names with an address in a subnet of the
 * interface gets datagrams there, as core's plan says. Others are neither sent to nor listened to, so that a member by
 * datagrams is a node of this segment.
 */
import { type DatagramPlan, type DatagramTarget, type IpAddress, planDatagrams } from '@berth/core';
import type { Node } from '@berth/kube';
import type { Clock, Timer } from '@berth/runtime';
import { addressesOf, isNodeReady } from './unheard-nodes.ts';

const LOOK_MS = 1000;

export interface DatagramPeersOptions {
  readonly nodeName: string;
  readonly clock: Clock;
  nodes(): Iterable<Node>;
  /** Whether an address lies in a subnet of the interface. */
  isHere(address: IpAddress): boolean;
  /** When a raw frame of the node was last used; undefined: never, or not for long. */
  rawMs(node: string): number | undefined;
  /** Each heartbeat is to be sent to these as well. */
  onHeartbeats(addresses: readonly IpAddress[]): void;
  /** Datagrams of these count. */
  onSources(addresses: readonly IpAddress[]): void;
}

/** An address of a node. */
interface Place {
  readonly node: string;
  readonly address: IpAddress;
  readonly sinceMs: number;
  rawMs: number;
  isReady: boolean;
  datagramMs: number | undefined;
  neededMs: number | undefined;
}

export class DatagramPeers {
  readonly #options: DatagramPeersOptions;
  readonly #places = new Map<string, Place>();
  #plan: DatagramPlan = { heartbeats: [], knocks: [] };
  #timer: Timer | undefined;

  constructor(options: DatagramPeersOptions) {
    this.#options = options;
  }

  start(): void {
    this.#look();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Says again who gets each heartbeat: the sockets are others. */
  again(): void {
    this.#options.onHeartbeats(this.#plan.heartbeats.map(({ address }) => address));
  }

  /** Who gets the lists. */
  get listeners(): readonly DatagramTarget[] {
    return [...this.#plan.heartbeats, ...this.#plan.knocks];
  }

  /** Whether a datagram from there counts. */
  isKnown(address: IpAddress): boolean {
    return this.#places.has(String(address));
  }

  /** Whether a node is heard by datagrams alone. */
  isHeardOnlyHere(node: string): boolean {
    const needed = new Set(this.#plan.heartbeats.filter(({ needs }) => needs).map(({ address }) => String(address)));
    return [...this.#places.values()].some((one) => one.node === node && needed.has(String(one.address)));
  }

  /** Notes a datagram that was used, and whether its sender needs datagrams. Whoever begins gets an answer at once. */
  believed(from: IpAddress, needs: boolean): void {
    const place = this.#places.get(String(from));
    if (!place) return;
    const nowMs = this.#options.clock.now();
    place.datagramMs = nowMs;
    if (needs) place.neededMs = nowMs;
    const isServed = this.#plan.heartbeats.some(({ address }) => address.equals(from));
    if (!isServed) this.#decide();
  }

  #look(): void {
    this.#timer = this.#options.clock.after(LOOK_MS, () => this.#look());
    this.#follow();
    this.#decide();
  }

  /** Brings the addresses in line with what the cluster says now. */
  #follow(): void {
    const { nodeName, nodes, isHere, onSources, clock } = this.#options;
    const present = new Set<string>();
    let isNew = false;
    for (const node of nodes()) {
      const name = node.metadata.name ?? '';
      if (name === nodeName) continue;
      for (const address of addressesOf([node]).filter(isHere)) {
        const key = String(address);
        present.add(key);
        const known = this.#places.get(key);
        isNew ||= known?.node !== name;
        const [sinceMs, isReady] = [clock.now(), isNodeReady(node)];
        if (known?.node === name) known.isReady = isReady;
        else this.#places.set(key, { ...newPlace(name, address, sinceMs), isReady });
      }
    }
    for (const key of [...this.#places.keys()]) if (!present.has(key)) isNew = this.#places.delete(key) || isNew;
    if (isNew) onSources([...this.#places.values()].map(({ address }) => address));
  }

  #decide(): void {
    const { clock, rawMs, onHeartbeats } = this.#options;
    for (const place of this.#places.values()) place.rawMs = Math.max(place.rawMs, rawMs(place.node) ?? place.sinceMs);
    const before = this.#plan.heartbeats;
    this.#plan = planDatagrams([...this.#places.values()], clock.now());
    const now = this.#plan.heartbeats;
    const isSame =
      before.length === now.length && before.every((one, index) => now[index]?.address.equals(one.address));
    if (!isSame) onHeartbeats(now.map(({ address }) => address));
  }
}

function newPlace(node: string, address: IpAddress, nowMs: number): Place {
  return {
    ...{ node, address, sinceMs: nowMs, rawMs: nowMs, isReady: false },
    datagramMs: undefined,
    neededMs: undefined,
  };
}
