// SPDX-License-Identifier: Apache-2.0
/**
 * Knows who may hold the old entry of a VIP: listens to ARP questions for the VIPs of the cluster on each interface, and reads the kernel's
 * neighbours and default routes when VIPs are taken over. Questions for IPv6 VIPs go to groups that only the owner joins, so of these
 * only the kernel's neighbours are known. Needs CAP_NET_RAW.
 */
import {
  Askers,
  type Corrected,
  correctedFor,
  decodeArp,
  decodeEthernet,
  ETHER_TYPE,
  type IpAddress,
} from '@berth/core';
import type { AnnouncerClock, Audience } from './announcer.ts';
import { type NeighborTables, readNeighbors } from './neighbors.ts';
import { PacketSocket } from './packet-socket.ts';
import { questionFilter } from './question-filter.ts';
import { type FrameSocket, ThrottledSocket } from './throttled-socket.ts';

/** Questions that are read in one window: what clients ask is far less, and of a flood a sample is enough. */
const BUDGET = { perWindow: 32, windowMs: 50 } as const;
const RECEIVE_BUFFER_BYTES = 1 << 16;
/** What was read of the kernel is used again for so long, since many VIPs are often taken over one after the other. */
const FRESH_MS = 1000;

export interface ListeningAudienceOptions {
  readonly clock: AnnouncerClock;
  /** An interface or the kernel could not be read; those who are not known are not told one by one. */
  onFailed(error: unknown): void;
  /** Default: a packet socket. */
  readonly openSocket?: (ifindex: number, filter: Uint8Array) => FrameSocket;
  /** Default: the tables of this host. */
  readonly readTables?: () => Promise<NeighborTables>;
}

interface Ear {
  readonly socket: ThrottledSocket;
  readonly askers: Askers;
}

export class ListeningAudience implements Audience {
  readonly #options: ListeningAudienceOptions;
  readonly #ears = new Map<number, Ear>();
  #vips: readonly IpAddress[] = [];
  #isWanted = new Set<string>();
  #filter = questionFilter([]);
  #tables: { readonly readMs: number; readonly read: Promise<NeighborTables> } | undefined;

  constructor(options: ListeningAudienceOptions) {
    this.#options = options;
  }

  /** Listens for questions for exactly these VIPs, on exactly these interfaces. Cheap when nothing has changed. */
  listen(vips: readonly IpAddress[], ifindexes: readonly number[]): void {
    for (const [ifindex, { socket }] of [...this.#ears]) {
      if (ifindexes.includes(ifindex)) continue;
      socket.close();
      this.#ears.delete(ifindex);
    }
    this.#follow(vips.filter(({ family }) => family === 'IPv4'));
    for (const ifindex of ifindexes) if (!this.#ears.has(ifindex)) this.#open(ifindex);
  }

  async of(vips: readonly IpAddress[], ifindex: number): Promise<ReadonlyMap<string, readonly Corrected[]>> {
    const { neighbors, gateways } = await this.#readTables();
    const hosts = {
      neighbors: neighbors.filter((one) => one.ifindex === ifindex),
      gateways: gateways.filter((one) => one.ifindex === ifindex).map(({ ip }) => ip),
    };
    const askers = this.#ears.get(ifindex)?.askers;
    return new Map(vips.map((vip) => [String(vip), correctedFor(vip, hosts, askers?.of(vip) ?? [])]));
  }

  close(): void {
    this.listen([], []);
  }

  #follow(vips: readonly IpAddress[]): void {
    if (vips.length === this.#vips.length && vips.every((vip) => this.#isWanted.has(String(vip)))) return;
    this.#vips = vips;
    this.#isWanted = new Set(vips.map(String));
    this.#filter = questionFilter(vips);
    for (const { socket, askers } of this.#ears.values()) {
      askers.keep(vips);
      try {
        socket.setFilter(this.#filter);
      } catch (error) {
        this.#options.onFailed(error);
      }
    }
  }

  #open(ifindex: number): void {
    const { clock, openSocket = openPacketSocket, onFailed } = this.#options;
    try {
      const socket = new ThrottledSocket({ socket: openSocket(ifindex, this.#filter), clock, ...BUDGET });
      const askers = new Askers();
      // The interface may go down and come back; that is told elsewhere.
      socket.receive(
        ({ bytes }) => this.#hear(askers, bytes),
        () => {},
      );
      this.#ears.set(ifindex, { socket, askers });
    } catch (error) {
      onFailed(error);
    }
  }

  #hear(askers: Askers, bytes: Uint8Array): void {
    const ethernet = decodeEthernet(bytes);
    const arp = ethernet.ok ? decodeArp(ethernet.frame.payload) : ethernet;
    if (!arp.ok) return;
    const { senderHardwareAddr: mac, senderProtocolAddr: ip, targetProtocolAddr: vip } = arp.packet;
    const isQuestion = !ip.equals(vip) && !mac.isZero && !mac.isMulticast;
    if (isQuestion && this.#isWanted.has(String(vip))) askers.note(vip, { mac, ip });
  }

  async #readTables(): Promise<NeighborTables> {
    const { clock, readTables = readNeighbors, onFailed } = this.#options;
    const nowMs = clock.now();
    if (!this.#tables || nowMs - this.#tables.readMs > FRESH_MS) this.#tables = { readMs: nowMs, read: readTables() };
    try {
      return await this.#tables.read;
    } catch (error) {
      onFailed(error);
      return { neighbors: [], gateways: [] };
    }
  }
}

function openPacketSocket(ifindex: number, filter: Uint8Array): FrameSocket {
  return PacketSocket.open({
    ifindex,
    protocol: ETHER_TYPE.ARP,
    receiveBufferBytes: RECEIVE_BUFFER_BYTES,
    filter,
  });
}
