// SPDX-License-Identifier: Apache-2.0
/**
 * Knows who may hold the old entry of a VIP: listens to questions for the VIPs of the cluster on each interface, and
 * reads the kernel's neighbours and default routes when VIPs are taken over. Questions for an IPv6 VIP go to a group
 * that its owner alone joins, so the others hear them only where the LAN floods that group. Needs CAP_NET_RAW.
 */
import { type Asker, Askers, type Corrected, correctedFor, type IpAddress, type IpFamily } from '@berth/core';
import { type Clock, Signal } from '@berth/runtime';
import { decodeAddressFrame, PROTOCOL } from './address-frame.ts';
import type { Audience } from './announcer.ts';
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
  readonly clock: Clock;
  /** Default: a packet socket. */
  readonly openSocket?: (ifindex: number, family: IpFamily, filter: Uint8Array) => FrameSocket;
  /** Default: the tables of this host. */
  readonly readTables?: () => Promise<NeighborTables>;
}

const FAMILIES = ['IPv4', 'IPv6'] as const;

/**
 * One interface. A socket for each family of which there are VIPs: each packet of a family passes the filter of its
 * socket.
 */
interface Port {
  readonly sockets: Map<IpFamily, ThrottledSocket>;
  readonly askers: Askers;
}

export class ListeningAudience implements Audience {
  /** Each question that is heard, nodes' and members' included: a host asked for a VIP on an interface. */
  readonly questions = new Signal<[vip: IpAddress, asker: Asker, ifindex: number]>();
  /** An interface or the kernel could not be read; those who are not known get no frame of their own. */
  readonly failures = new Signal<[error: unknown]>();
  readonly #options: ListeningAudienceOptions;
  readonly #ports = new Map<number, Port>();
  #vips: readonly IpAddress[] = [];
  #isWanted = new Set<string>();
  readonly #filters = new Map<IpFamily, Uint8Array>();
  #tables: { readonly readMs: number; readonly read: Promise<NeighborTables> } | undefined;

  constructor(options: ListeningAudienceOptions) {
    this.#options = options;
  }

  /** Listens for questions for exactly these VIPs, on exactly these interfaces. Cheap when nothing has changed. */
  listen(vips: readonly IpAddress[], ifindexes: readonly number[]): void {
    for (const [ifindex, { sockets }] of [...this.#ports]) {
      if (ifindexes.includes(ifindex)) continue;
      for (const socket of sockets.values()) socket.close();
      this.#ports.delete(ifindex);
    }
    this.#follow(vips);
    for (const ifindex of ifindexes) this.#open(ifindex);
  }

  async of(vips: readonly IpAddress[], ifindex: number): Promise<ReadonlyMap<string, readonly Corrected[]>> {
    const { neighbors, gateways } = await this.#readTables();
    const hosts = {
      neighbors: neighbors.filter((one) => one.ifindex === ifindex),
      gateways: gateways.filter((one) => one.ifindex === ifindex).map(({ ip }) => ip),
    };
    const askers = this.#ports.get(ifindex)?.askers;
    return new Map(vips.map((vip) => [String(vip), correctedFor(vip, hosts, askers?.of(vip) ?? [])]));
  }

  /** Hosts that asked for VIPs on an interface within this time, the latest first; `atMost` of them. */
  lately(ifindex: number, { withinMs, atMost }: { readonly withinMs: number; readonly atMost: number }): Asker[] {
    return this.#ports.get(ifindex)?.askers.lately(this.#options.clock.now() - withinMs, atMost) ?? [];
  }

  close(): void {
    this.listen([], []);
  }

  #follow(vips: readonly IpAddress[]): void {
    if (vips.length === this.#vips.length && vips.every((vip) => this.#isWanted.has(String(vip)))) return;
    this.#vips = vips;
    this.#isWanted = new Set(vips.map(String));
    this.#filters.clear();
    for (const family of FAMILIES)
      if (vips.some((vip) => vip.family === family)) this.#filters.set(family, questionFilter(vips, family));
    for (const { sockets, askers } of this.#ports.values()) {
      askers.keep(vips);
      for (const [family, socket] of sockets) this.#refilter(sockets, family, socket);
    }
  }

  #refilter(sockets: Port['sockets'], family: IpFamily, socket: ThrottledSocket): void {
    const filter = this.#filters.get(family);
    if (filter === undefined) {
      socket.close();
      sockets.delete(family);
      return;
    }
    try {
      socket.setFilter(filter);
    } catch (error) {
      this.failures.emit(error);
    }
  }

  #open(ifindex: number): void {
    const port = this.#ports.get(ifindex) ?? { sockets: new Map(), askers: new Askers() };
    this.#ports.set(ifindex, port);
    for (const [family, filter] of this.#filters)
      if (!port.sockets.has(family)) this.#openFamily(ifindex, family, { port, filter });
  }

  #openFamily(
    ifindex: number,
    family: IpFamily,
    { port, filter }: { readonly port: Port; readonly filter: Uint8Array },
  ) {
    const { clock, openSocket = openPacketSocket } = this.#options;
    try {
      const socket = new ThrottledSocket({ socket: openSocket(ifindex, family, filter), clock, ...BUDGET });
      // The interface may go down and come back; that is reported elsewhere.
      socket.receive(
        ({ bytes }) => this.#hear(ifindex, family, { askers: port.askers, bytes }),
        () => {},
      );
      port.sockets.set(family, socket);
    } catch (error) {
      this.failures.emit(error);
    }
  }

  #hear(ifindex: number, family: IpFamily, heard: { readonly askers: Askers; readonly bytes: Uint8Array }): void {
    const question = decodeAddressFrame(family, heard.bytes)?.question;
    if (question === undefined || !this.#isWanted.has(String(question.target))) return;
    heard.askers.note(question.target, question.asker, this.#options.clock.now());
    this.questions.emit(question.target, question.asker, ifindex);
  }

  async #readTables(): Promise<NeighborTables> {
    const { clock, readTables = readNeighbors } = this.#options;
    const nowMs = clock.now();
    if (!this.#tables || nowMs - this.#tables.readMs > FRESH_MS) this.#tables = { readMs: nowMs, read: readTables() };
    try {
      return await this.#tables.read;
    } catch (error) {
      this.failures.emit(error);
      return { neighbors: [], gateways: [] };
    }
  }
}

function openPacketSocket(ifindex: number, family: IpFamily, filter: Uint8Array): FrameSocket {
  return PacketSocket.open({
    ifindex,
    protocol: PROTOCOL[family],
    receiveBufferBytes: RECEIVE_BUFFER_BYTES,
    filter,
    // The program that answers takes every question for a VIP, whoever owns it.
    isTap: true,
  });
}
