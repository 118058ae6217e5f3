// SPDX-License-Identifier: Apache-2.0
/**
 * What a membership asks on its segment, carried out: whether the owner of a VIP answers for it, and whether a witness
 * hears this node. Witnesses are the next hops of the interface's default routes and hosts that asked for VIPs lately;
 * never members, and never this node.
 */
import type { Asker, IpAddress, MacAddress, StationKind } from '@berth/core';
import type { Inquiry } from '@berth/link';

/** Witnesses of one question: routers for sure, then those who asked last. */
const MOST_GATEWAYS = 4;
const MOST_WITNESSES = 8;
/** Of so many hosts that asked last: nodes ask for VIPs too, all of them at the same time where one fell silent. */
const MOST_ASKERS = 128;

/** What comes back. */
export interface Answers {
  /** The station with this MAC address answers for the VIP. */
  onAnswered(vip: IpAddress, mac: MacAddress): void;
  /** A host that is no member answered. */
  onWitnessed(): void;
  /** Whose a station is. */
  onIdentified(mac: MacAddress, as: StationKind): void;
}

/** How often was asked and answered since the start. */
export interface QuestionCounts {
  readonly asked: Readonly<Record<'owner' | 'witness', number>>;
  readonly answered: Readonly<Record<'owner' | 'witness', number>>;
}

/** What a membership has carried out; answers come back later. */
export interface Questions {
  /** Asks the owner's station, where it is known, and then everybody who answers for the VIP. */
  askOwner(vip: IpAddress, mac: MacAddress | undefined): void;
  askWitnesses(): void;
  /** Finds out whose a station is that answered for a VIP and is no member's. */
  identify(mac: MacAddress): void;
  /** Gives the answers that have arrived by now. */
  drain(): void;
  readonly counts: QuestionCounts;
  close(): void;
}

export interface SegmentQuestionsOptions {
  readonly inquiry: Pick<Inquiry, 'ask' | 'drain' | 'close'>;
  readonly answers: Answers;
  /** Next hops of the interface's default routes at this moment. */
  gateways(): readonly IpAddress[];
  /** Hosts that asked for VIPs on the interface lately, the latest first; this many at most. */
  askers(atMost: number): readonly Asker[];
  /** Whether a MAC address is this node's, a member's or another node's. */
  isOurs(mac: MacAddress): boolean;
  /** Whether a station that is not heard is a node's of the cluster. Never rejects. */
  kindOf(mac: MacAddress): Promise<StationKind>;
  /** Addresses of this node and of the others, as text: a node whose speaker is not heard is no witness either. */
  nodeAddresses(): ReadonlySet<string>;
}

export class SegmentQuestions implements Questions {
  readonly #options: SegmentQuestionsOptions;
  /** Addresses of the witnesses that were asked last. */
  #witnesses: ReadonlySet<string> = new Set();
  /** Where a next hop answered from, so that it can be asked alone too. */
  readonly #stations = new Map<string, MacAddress>();
  readonly #asked = { owner: 0, witness: 0 };
  readonly #answered = { owner: 0, witness: 0 };

  constructor(options: SegmentQuestionsOptions) {
    this.#options = options;
  }

  get counts(): QuestionCounts {
    return { asked: this.#asked, answered: this.#answered };
  }

  askOwner(vip: IpAddress, mac: MacAddress | undefined): void {
    this.#asked.owner += 1;
    this.#options.inquiry.ask({ target: vip, stations: mac ? [mac] : [], audience: 'everybody' });
  }

  askWitnesses(): void {
    const { inquiry, isOurs, askers } = this.#options;
    const nodes = this.#options.nodeAddresses();
    const gateways = this.#options.gateways().filter((ip) => !nodes.has(String(ip)));
    const routers = gateways.slice(0, MOST_GATEWAYS);
    const hosts = askers(MOST_ASKERS)
      .filter(({ ip, mac }) => !isOurs(mac) && !nodes.has(String(ip)) && !routers.some((one) => one.equals(ip)))
      .slice(0, MOST_WITNESSES - routers.length);
    this.#witnesses = new Set([...routers, ...hosts.map(({ ip }) => ip)].map(String));
    if (this.#witnesses.size > 0) this.#asked.witness += 1;
    for (const ip of routers) inquiry.ask({ target: ip, stations: this.#stationsOf(ip), audience: 'everybody' });
    // Where they were seen is known; the others of the segment need not hear of it.
    for (const { ip, mac } of hosts) inquiry.ask({ target: ip, stations: [mac], audience: 'stations' });
  }

  identify(mac: MacAddress): void {
    const { kindOf, answers, isOurs } = this.#options;
    if (isOurs(mac)) answers.onIdentified(mac, 'node');
    else void kindOf(mac).then((kind) => answers.onIdentified(mac, kind));
  }

  /** What {@link Inquiry} heard. */
  heard(address: IpAddress, mac: MacAddress): void {
    const { answers, isOurs } = this.#options;
    if (!this.#witnesses.has(String(address))) {
      this.#answered.owner += 1;
      answers.onAnswered(address, mac);
    } else if (!isOurs(mac)) {
      this.#answered.witness += 1;
      this.#stations.set(String(address), mac);
      answers.onWitnessed();
    }
  }

  drain(): void {
    this.#options.inquiry.drain();
  }

  close(): void {
    this.#options.inquiry.close();
  }

  #stationsOf(ip: IpAddress): readonly MacAddress[] {
    const known = this.#stations.get(String(ip));
    return known ? [known] : [];
  }
}
