// SPDX-License-Identifier: Apache-2.0
/**
 * Probes addresses on the wire before their first use: executes the state machine of core on packet sockets, which are open only while
 * something is probed. For IPv6 the group of the candidate is joined meanwhile, or a rival's question would not be heard. Needs
 * CAP_NET_RAW.
 */
import {
  ARP_PROBE_TIMING,
  arpClaimant,
  beginProbe,
  DAD_TIMING,
  decodeArp,
  decodeEthernet,
  decodeIpv6,
  decodeNdp,
  ETHER_TYPE,
  type EthernetFrame,
  type IpAddress,
  type IpFamily,
  type MacAddress,
  ndpClaimant,
  type ProbeEvent,
  type ProbeState,
  type ProbeTiming,
  probeFrame,
  stepProbe,
} from '@berth/core';
import type { AnnouncerClock } from './announcer.ts';
import { PacketSocket } from './packet-socket.ts';
import { SolicitedGroups } from './solicited-groups.ts';

/** How it ended. `failed`: the question could not be asked, so nothing is known. */
export type ProbeResult =
  | { readonly end: 'free' }
  | { readonly end: 'conflict'; readonly claimant: MacAddress }
  | { readonly end: 'failed'; readonly error: unknown };

export interface ProbeRequest {
  readonly candidate: IpAddress;
  readonly ifindex: number;
  /** MAC address of the interface. */
  readonly mac: MacAddress;
  /** Default: the times of RFC 5227 or RFC 4862. */
  readonly timing?: ProbeTiming;
}

/** The part of a packet socket that is used. */
export interface ProbeSocket {
  receive(onFrame: (frame: { readonly bytes: Uint8Array }) => void, onError: (error: unknown) => void): void;
  send(frame: Uint8Array): boolean;
  close(): void;
}

/** The part of the multicast groups that is used. */
export type ProbeGroups = Pick<SolicitedGroups, 'attach' | 'replace' | 'close'>;

export interface AddressProberOptions {
  readonly clock: AnnouncerClock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  /** Whether a MAC address is another member's: what it says about the candidate is no conflict. */
  isMember(mac: MacAddress): boolean;
  /** Default: a packet socket. */
  readonly openSocket?: (ifindex: number, family: IpFamily) => ProbeSocket;
  /** Default: those of this host. */
  readonly groups?: ProbeGroups;
}

interface Running {
  readonly request: ProbeRequest;
  readonly resolve: (result: ProbeResult) => void;
  state: ProbeState;
  timer: { cancel(): void } | undefined;
}

interface Port {
  readonly socket: ProbeSocket;
  readonly running: Set<Running>;
}

const PROTOCOL = { IPv4: ETHER_TYPE.ARP, IPv6: ETHER_TYPE.IPV6 } as const;
const TIMING = { IPv4: ARP_PROBE_TIMING, IPv6: DAD_TIMING } as const;

export class AddressProber {
  readonly #options: AddressProberOptions;
  readonly #groups: ProbeGroups;
  readonly #ports = new Map<string, Port>();

  constructor(options: AddressProberOptions) {
    this.#options = options;
    // A group that cannot be joined only makes the ear for rivals worse; the answer of an owner comes to all nodes.
    this.#groups = options.groups ?? new SolicitedGroups({ onFailed: () => {} });
  }

  /** Asks for a candidate on one interface. Many may be asked for at the same time. Never rejects. */
  probe(request: ProbeRequest): Promise<ProbeResult> {
    return new Promise((resolve) => {
      const { clock } = this.#options;
      const running: Running = {
        request,
        resolve,
        state: beginProbe(this.#context(request), clock.now()),
        timer: undefined,
      };
      try {
        this.#portOf(request).running.add(running);
      } catch (error) {
        resolve({ end: 'failed', error });
        return;
      }
      this.#joinGroups();
      this.#arm(running);
    });
  }

  /** Ends all probes as failed and closes everything. */
  stop(): void {
    for (const { running } of [...this.#ports.values()])
      for (const one of [...running]) this.#finish(one, { end: 'failed', error: new Error('link: probe: stopped') });
    this.#groups.close();
  }

  #context({ candidate, timing }: ProbeRequest) {
    return { timing: timing ?? TIMING[candidate.family], random: this.#options.random };
  }

  #portOf({ candidate, ifindex }: ProbeRequest): Port {
    const key = `${ifindex} ${candidate.family}`;
    const known = this.#ports.get(key);
    if (known) return known;
    const socket = (this.#options.openSocket ?? openPacketSocket)(ifindex, candidate.family);
    const port: Port = { socket, running: new Set() };
    this.#ports.set(key, port);
    const onError = (error: unknown) => {
      for (const one of [...port.running]) this.#finish(one, { end: 'failed', error });
    };
    socket.receive(({ bytes }) => this.#onFrame(port, bytes), onError);
    return port;
  }

  #onFrame(port: Port, bytes: Uint8Array): void {
    const ethernet = decodeEthernet(bytes);
    if (!ethernet.ok) return;
    for (const one of [...port.running]) {
      const claimant = this.#claimantOf(ethernet.frame, one.request);
      if (claimant) this.#step(one, { type: 'claimed', claimant });
    }
  }

  #claimantOf(frame: EthernetFrame, { candidate, mac }: ProbeRequest): MacAddress | undefined {
    const isOurs = (one: MacAddress) => one.equals(mac) || this.#options.isMember(one);
    if (candidate.family === 'IPv4') {
      const arp = decodeArp(frame.payload);
      return arp.ok ? arpClaimant(arp.packet, candidate, isOurs) : undefined;
    }
    const ip = decodeIpv6(frame.payload);
    const ndp = ip.ok ? decodeNdp(ip.packet) : ip;
    return ndp.ok && 'message' in ndp.packet
      ? ndpClaimant(ndp.packet, { candidate, frameSource: frame.source, isOurs })
      : undefined;
  }

  #arm(one: Running): void {
    if (!('dueMs' in one.state)) return;
    const { clock } = this.#options;
    const delayMs = Math.max(0, one.state.dueMs - clock.now());
    one.timer = clock.after(delayMs, () => this.#step(one, { type: 'time' }));
  }

  #step(one: Running, event: ProbeEvent): void {
    one.timer?.cancel();
    const { candidate, mac } = one.request;
    const context = { ...this.#context(one.request), nowMs: this.#options.clock.now() };
    const [state, actions] = stepProbe(one.state, event, context);
    one.state = state;
    try {
      const port = this.#portOf(one.request);
      for (const _probe of actions)
        if (!port.socket.send(probeFrame(candidate, mac))) throw new Error('link: probe: send: no room in the queue');
    } catch (error) {
      this.#finish(one, { end: 'failed', error });
      return;
    }
    if (state.phase === 'free') this.#finish(one, { end: 'free' });
    else if (state.phase === 'conflict') this.#finish(one, { end: 'conflict', claimant: state.claimant });
    else this.#arm(one);
  }

  #finish(one: Running, result: ProbeResult): void {
    one.timer?.cancel();
    const key = `${one.request.ifindex} ${one.request.candidate.family}`;
    const port = this.#ports.get(key);
    port?.running.delete(one);
    if (port?.running.size === 0) {
      port.socket.close();
      this.#ports.delete(key);
    }
    this.#joinGroups();
    one.resolve(result);
  }

  #joinGroups(): void {
    const requests = [...this.#ports.values()].flatMap(({ running }) => [...running].map(({ request }) => request));
    for (const { ifindex } of requests) this.#groups.attach(ifindex);
    this.#groups.replace(requests.map(({ candidate, ifindex }) => ({ vip: candidate, ifindexes: [ifindex] })));
  }
}

function openPacketSocket(ifindex: number, family: IpFamily): ProbeSocket {
  return PacketSocket.open({ ifindex, protocol: PROTOCOL[family] });
}
