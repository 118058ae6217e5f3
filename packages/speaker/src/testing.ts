// SPDX-License-Identifier: Apache-2.0
/** The smallest objects for the tests of this package. */

import { createHash } from 'node:crypto';
import { HEARTBEAT_OFFSET, HEARTBEAT_TAG_BYTES, IpAddress, usageCondition } from '@berth/core';
import { ip, mac } from '@berth/core/testing';
import type { Node, Service } from '@berth/kube';
import type { LinkState } from '@berth/link';
import type { Clock, Timer } from '@berth/runtime';
import type { BeatFrame, BeatThread, PaddedKey } from './membership/native-beats.ts';
import type { Questions } from './membership/segment-questions.ts';

export { ip, mac };

const ETHERNET_HEADER_BYTES = 14;

/** A Service `shop/NAME` of our class to which Berth gave these addresses. */
export function service(name: string, ...ips: string[]): Service {
  return {
    metadata: { namespace: 'shop', name },
    spec: { type: 'LoadBalancer' },
    status: {
      loadBalancer: { ingress: ips.map((one) => ({ ip: one, ipMode: 'VIP' })) },
      conditions: [fact(ips)],
    },
  };
}

/** What the controller says of addresses that it gave; those that are no addresses are left out. */
export function fact(given: readonly string[], { used = [], loadBalancerClass = 'berth.dev/l2' }: FactChanges = {}) {
  const addresses = (texts: readonly string[]) => texts.filter((text) => IpAddress.parse(text).ok).map(ip);
  const condition = usageCondition({ loadBalancerClass, given: addresses(given), used: addresses(used) });
  return { ...condition, lastTransitionTime: '2026-01-01T00:00:00Z' };
}

interface FactChanges {
  readonly used?: readonly string[];
  readonly loadBalancerClass?: string;
}

export function node(
  name: string,
  labels: Record<string, string> = {},
  ready: 'True' | 'False' | 'Unknown' = 'True',
): Node {
  return { metadata: { name, labels }, status: { conditions: [{ type: 'Ready', status: ready }] } };
}

export function link(index: number, name: string, changes: Partial<LinkState> = {}): LinkState {
  return {
    index,
    name,
    mac: mac(index),
    isEthernet: true,
    isUp: true,
    hasCarrier: true,
    isLoopback: false,
    hasBroadcast: true,
    isNoArp: false,
    operState: 'up',
    masterIndex: undefined,
    masterKind: undefined,
    kind: undefined,
    addresses: [],
    ...changes,
  };
}

/** Counts frames from 1. */
export function frameCounter(): () => number {
  let counter = 0;
  return () => ++counter;
}

export interface FakeBeatThreadOptions {
  readonly clock: Clock;
  /** Sends on an interface. */
  readonly send: (frame: Uint8Array, ifindex: number) => void;
  /** The counter that the frames of this speaker's lists have too. */
  readonly nextCounter: () => number;
}

/** Sends heartbeats as the native thread does, by the clock of a test. It is never late, and has no fence. */
export class FakeBeatThread implements BeatThread {
  readonly #options: FakeBeatThreadOptions;
  readonly #frames = new Map<number, BeatFrame>();
  #paceMs = 0;
  #untilMs = 0;
  #timer: Timer | undefined;
  #rounds = 0;

  constructor(options: FakeBeatThreadOptions) {
    this.#options = options;
  }

  pace(intervalMs: number): void {
    this.#paceMs = intervalMs;
  }

  setFrame(ifindex: number, frame: Uint8Array, key: PaddedKey): void {
    this.#frames.set(ifindex, { ifindex, frame, key });
  }

  detach(ifindex: number): void {
    this.#frames.delete(ifindex);
  }

  renew(milliseconds: number): void {
    this.#untilMs = this.#options.clock.now() + milliseconds;
    this.#timer ??= this.#options.clock.after(0, () => this.#round());
  }

  hold(): void {}

  release(): void {}

  report(): ReturnType<BeatThread['report']> {
    return { rounds: this.#rounds, lapses: 0, latestMs: 0, isLapsed: false };
  }

  close(): void {
    this.#timer?.cancel();
  }

  #round(): void {
    const { clock, send, nextCounter } = this.#options;
    this.#timer = clock.after(this.#paceMs, () => this.#round());
    if (clock.now() >= this.#untilMs) return;
    this.#rounds += 1;
    for (const one of [...this.#frames.values()]) send(sealedAnew(one, nextCounter()), one.ifindex);
  }
}

// HMAC by its two padded blocks (RFC 2104, 2).
function sealedAnew({ frame, key }: BeatFrame, counter: number): Uint8Array {
  const bytes = Buffer.from(frame);
  bytes.writeUIntBE(counter, ETHERNET_HEADER_BYTES + HEARTBEAT_OFFSET.COUNTER, 6);
  const tagAt = bytes.length - HEARTBEAT_TAG_BYTES;
  const inner = createHash('sha256').update(key.inner).update(bytes.subarray(ETHERNET_HEADER_BYTES, tagAt)).digest();
  const outer = createHash('sha256').update(key.outer).update(inner).digest();
  bytes.set(outer.subarray(0, HEARTBEAT_TAG_BYTES), tagAt);
  return bytes;
}

/** Asks no one, and gets no answer. */
export const NO_QUESTIONS: Questions = {
  askOwner: () => {},
  askWitnesses: () => {},
  identify: () => {},
  drain: () => {},
  counts: { asked: { owner: 0, witness: 0 }, answered: { owner: 0, witness: 0 } },
  close: () => {},
};
