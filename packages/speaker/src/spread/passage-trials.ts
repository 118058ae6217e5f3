// SPDX-License-Identifier: Apache-2.0
/**
 * Whether a packet with a client's source address gets to this node from others of a segment. A hypervisor or switch
 * that lets nothing pass but what bears a node's own address would drop what is passed on, so planned moves do not rely
 * on it there. Who takes part shows it to the owners; they listen until they know.
 */
import { type MacAddress, type SpreadPeer, type SpreadState, takesPart } from '@berth/core';
import type { Clock } from '@berth/runtime';
import type { Segment } from '../layer2/segments.ts';

/** What sends and hears trial frames on one segment; packages/link. */
export interface TrialFrames {
  /** Never throws. */
  send(to: MacAddress): void;
  listen(): void;
  rest(): void;
  close(): void;
}

export type OpenTrialFrames = (segment: Segment, onHeard: (from: MacAddress) => void) => TrialFrames;

/** Whether what a speaker passes on gets here; `fails`: it was listened to for long enough, and nothing arrived. */
export type Passage = 'passes' | 'fails' | 'unknown';

/** An owner gets one at each tick at first, for so long, then one in so long; in milliseconds. */
const OFTEN_FOR_MS = 1_000;
const SELDOM_EVERY_MS = 1_000;
/** A speaker that takes part and of which none arrives for so long is filtered, in milliseconds. */
const FAILS_AFTER_MS = 1_500;
/** What was found holds for so long, in milliseconds. */
const KNOWN_FOR_MS = 3_600_000;

interface SegmentTrials {
  readonly port: TrialFrames;
  /** Speakers that own VIPs, since when, and when they got the last one; by boot id. */
  readonly owners: Map<string, { readonly sinceMs: number; sentMs: number }>;
  /** Since when frames of speakers are listened for, by boot id. */
  readonly awaited: Map<string, number>;
}

export class PassageTrials {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #open: OpenTrialFrames;
  readonly #segments = new Map<number, SegmentTrials>();
  /** When a frame of a station was last heard, by interface and MAC address. */
  readonly #heardMs = new Map<string, number>();

  constructor(clock: Pick<Clock, 'now'>, open: OpenTrialFrames) {
    this.#clock = clock;
    this.#open = open;
  }

  /** By the boot id of a speaker. */
  passageFrom(bootId: string, ifindex: number, state: SpreadState | undefined): Passage {
    const peer = state?.peers.get(bootId);
    if (peer === undefined) return 'unknown';
    if (this.#isKnown(peer, ifindex)) return 'passes';
    const sinceMs = this.#segments.get(ifindex)?.awaited.get(bootId);
    return sinceMs !== undefined && this.#clock.now() - sinceMs >= FAILS_AFTER_MS ? 'fails' : 'unknown';
  }

  /** Sends what is due, and listens while something is to be found out. Called at each tick. */
  follow(segment: Segment, state: SpreadState): void {
    const { port, owners, awaited } = this.#on(segment);
    const nowMs = this.#clock.now();
    const peers = [...state.peers.values()].filter((peer) => takesPart(peer, nowMs));
    for (const { bootId, mac, sets } of peers) if (sets.known.size > 0 && isDue(owners, bootId, nowMs)) port.send(mac);
    const unknown = state.owned.size === 0 ? [] : peers.filter((peer) => !this.#isKnown(peer, segment.ifindex));
    for (const bootId of awaited.keys()) if (!unknown.some((peer) => peer.bootId === bootId)) awaited.delete(bootId);
    for (const { bootId } of unknown) awaited.set(bootId, awaited.get(bootId) ?? nowMs);
    if (unknown.length > 0) port.listen();
    else port.rest();
  }

  /** Nothing moves: no one is sent to, or listened to. What was found is kept. */
  rest(): void {
    for (const ifindex of [...this.#segments.keys()]) this.close(ifindex);
  }

  close(ifindex: number): void {
    this.#segments.get(ifindex)?.port.close();
    this.#segments.delete(ifindex);
  }

  #isKnown({ mac }: SpreadPeer, ifindex: number): boolean {
    const heardMs = this.#heardMs.get(`${ifindex} ${mac}`);
    return heardMs !== undefined && this.#clock.now() - heardMs < KNOWN_FOR_MS;
  }

  #on(segment: Segment): SegmentTrials {
    const { ifindex } = segment;
    const known = this.#segments.get(ifindex);
    if (known) return known;
    const port = this.#open(segment, (from) => this.#heardMs.set(`${ifindex} ${from}`, this.#clock.now()));
    const opened: SegmentTrials = { port, owners: new Map(), awaited: new Map() };
    this.#segments.set(ifindex, opened);
    return opened;
  }
}

function isDue(owners: SegmentTrials['owners'], bootId: string, nowMs: number): boolean {
  const one = owners.get(bootId) ?? { sinceMs: nowMs, sentMs: Number.NEGATIVE_INFINITY };
  const isIt = nowMs - one.sinceMs < OFTEN_FOR_MS || nowMs - one.sentMs >= SELDOM_EVERY_MS;
  if (isIt) one.sentMs = nowMs;
  owners.set(bootId, one);
  return isIt;
}
