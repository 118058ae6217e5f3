// SPDX-License-Identifier: Apache-2.0
/**
 * The nodes that should be members of a segment and are not: where they can be reached alone, and which of them cannot
 * be reached at all. Node objects say whom the cluster knows; MAC addresses come from the kernel's neighbours or a
 * question of our own.
 */
import { IpAddress, type MacAddress } from '@berth/core';
import type { Node } from '@berth/kube';
import type { Neighbor } from '@berth/link';
import type { Clock } from '@berth/runtime';

/** Least time between two questions for one address. */
const ASK_AGAIN_MS = 10_000;
/** Addresses that are asked for in one look. */
const ASKED_AT_ONCE = 8;
/** Longer than Kubernetes takes a node that died for Ready (`--node-monitor-grace-period`, 40 to 50 s). */
const NOT_REACHED_MS = 60_000;

export interface UnheardNodesOptions {
  readonly nodeName: string;
  readonly clock: Clock;
  nodes(): Iterable<Node>;
  members(): readonly { readonly node: string }[];
  /** Whether an address lies in a subnet of the interface. */
  isHere(address: IpAddress): boolean;
  /** The kernel's neighbours on the interface; never rejects. */
  neighbors(): Promise<readonly Pick<Neighbor, 'ip' | 'mac'>[]>;
  /** Whether an address is that of a next hop of a default route. */
  isGateway(address: IpAddress): boolean;
  /** Asks on the segment who has an address; never rejects. */
  resolve(address: IpAddress): Promise<MacAddress | undefined>;
}

/** What is known of the address of a node. */
interface Resolved {
  readonly mac: MacAddress | undefined;
  readonly askedMs: number;
  /** Since when no one but a router has answered for it. */
  readonly silentSinceMs: number | undefined;
}

interface Unheard {
  readonly name: string;
  readonly isReady: boolean;
  /** On this segment. */
  readonly addresses: readonly IpAddress[];
}

export class UnheardNodes {
  readonly #options: UnheardNodesOptions;
  /** By the text of the address. */
  readonly #resolved = new Map<string, Resolved>();

  constructor(options: UnheardNodesOptions) {
    this.#options = options;
  }

  /** MAC addresses of nodes that are no members. */
  get stations(): readonly MacAddress[] {
    return this.#addresses().flatMap((ip) => this.#resolved.get(String(ip))?.mac ?? []);
  }

  /** MAC addresses of all nodes that were looked for. */
  get known(): readonly MacAddress[] {
    return [...this.#resolved.values()].flatMap(({ mac }) => mac ?? []);
  }

  /**
   * Names of Ready nodes with addresses here that are no members, and of which none has been answered for by another
   * than a router for a minute: a node that dies is not Ready any more by then.
   */
  get notReached(): readonly string[] {
    const nowMs = this.#options.clock.now();
    const isSilent = (ip: IpAddress) => {
      const sinceMs = this.#resolved.get(String(ip))?.silentSinceMs;
      return sinceMs !== undefined && nowMs - sinceMs >= NOT_REACHED_MS;
    };
    return this.#unheard().flatMap(({ name, isReady, addresses }) =>
      isReady && addresses.length > 0 && addresses.every(isSilent) ? [name] : [],
    );
  }

  /** Forgets nodes that left the cluster, and that members were once not heard. */
  forget(): void {
    if (this.#resolved.size === 0) return;
    const present = new Set(addressesOf(this.#options.nodes()).map(String));
    for (const ip of this.#resolved.keys()) if (!present.has(ip)) this.#resolved.delete(ip);
    const unheard = new Set(this.#addresses().map(String));
    for (const [ip, one] of this.#resolved)
      if (!unheard.has(ip)) this.#resolved.set(ip, { ...one, silentSinceMs: undefined });
  }

  /**
   * Looks for those that were not looked for lately. The kernel first: it often knows a node, and a question by
   * broadcast may be lost where multicast is.
   */
  async find(): Promise<void> {
    const addresses = this.#missing();
    if (addresses.length === 0) return;
    const { clock, neighbors, isGateway, resolve } = this.#options;
    const known = await neighbors();
    const routers = new Set(known.filter(({ ip }) => isGateway(ip)).map(({ mac }) => String(mac)));
    const unknown: IpAddress[] = [];
    for (const ip of addresses) {
      const neighbor = known.find((one) => one.ip.equals(ip));
      if (neighbor) this.#note(ip, neighbor.mac, routers);
      else unknown.push(ip);
    }
    await Promise.all(
      unknown.slice(0, ASKED_AT_ONCE).map(async (ip) => {
        const { mac, silentSinceMs } = this.#resolved.get(String(ip)) ?? {};
        this.#resolved.set(String(ip), { mac, askedMs: clock.now(), silentSinceMs });
        this.#note(ip, await resolve(ip), routers);
      }),
    );
  }

  #missing(): IpAddress[] {
    const nowMs = this.#options.clock.now();
    return this.#addresses().filter((ip) => {
      const known = this.#resolved.get(String(ip));
      return known === undefined || nowMs - known.askedMs >= ASK_AGAIN_MS;
    });
  }

  // A router that answers for the node is a proxy: frames to it would reach the node, if at all, by that router.
  #note(ip: IpAddress, mac: MacAddress | undefined, routers: ReadonlySet<string>): void {
    const nowMs = this.#options.clock.now();
    const before = this.#resolved.get(String(ip));
    const isAnswered = mac !== undefined && !routers.has(String(mac));
    const silentSinceMs = isAnswered ? undefined : (before?.silentSinceMs ?? nowMs);
    this.#resolved.set(String(ip), { mac: mac ?? before?.mac, askedMs: nowMs, silentSinceMs });
  }

  #addresses(): IpAddress[] {
    return this.#unheard().flatMap(({ addresses }) => addresses);
  }

  #unheard(): Unheard[] {
    const { nodeName, nodes, members, isHere } = this.#options;
    const heard = new Set([nodeName, ...members().map(({ node }) => node)]);
    return [...nodes()].flatMap((node) => {
      const { name = '' } = node.metadata;
      const addresses = heard.has(name) ? [] : addressesOf([node]).filter(isHere);
      return addresses.length === 0 ? [] : [{ name, isReady: isNodeReady(node), addresses }];
    });
  }
}

export function isNodeReady({ status }: Node): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;
}

/** The addresses of nodes inside the cluster, as their Node objects say. */
export function addressesOf(nodes: Iterable<Node>): IpAddress[] {
  return [...nodes]
    .flatMap(({ status }) => status?.addresses ?? [])
    .filter(({ type }) => type === 'InternalIP')
    .flatMap(({ address }) => {
      const parsed = IpAddress.parse(address);
      return parsed.ok ? [parsed.value] : [];
    });
}
