// SPDX-License-Identifier: Apache-2.0
/** The smallest objects for the tests of this package. */
import { createHash } from 'node:crypto';
import { HEARTBEAT_OFFSET, HEARTBEAT_TAG_BYTES, IpAddress, MacAddress } from '@berth/core';
import type { Clock, Node, Service, Timer } from '@berth/kube';
import type { LinkState } from '@berth/link';
import type { BeatFrame, BeatThread, PaddedKey } from './native-beats.ts';

const ETHERNET_HEADER_BYTES = 14;

export function ip(text: string): IpAddress {
  const parsed = IpAddress.parse(text);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value;
}

export function mac(lastByte: number): MacAddress {
  return MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, lastByte)) ?? MacAddress.ZERO;
}

/** A Service `shop/NAME` of our class that holds these addresses. */
export function service(name: string, ...ips: string[]): Service {
  return {
    metadata: { namespace: 'shop', name },
    spec: { type: 'LoadBalancer' },
    status: { loadBalancer: { ingress: ips.map((one) => ({ ip: one, ipMode: 'VIP' })) } },
  };
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

/** A clock that stands still until it is told to advance; then timers run in order, and after each the promises that wait for it. */
export class FakeClock implements Clock {
  #nowMs = 0;
  readonly #timers = new Set<{ readonly dueMs: number; readonly callback: () => void }>();

  now(): number {
    return this.#nowMs;
  }

  date(): Date {
    return new Date(this.#nowMs);
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer = { dueMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  /** Time goes by while code runs: no timer gets its turn. */
  pass(milliseconds: number): void {
    this.#nowMs += milliseconds;
  }

  async advance(milliseconds: number): Promise<void> {
    const endMs = this.#nowMs + milliseconds;
    for (;;) {
      const [next] = [...this.#timers].filter(({ dueMs }) => dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs);
      if (!next) break;
      this.#timers.delete(next);
      this.#nowMs = next.dueMs;
      next.callback();
      await settle();
    }
    this.#nowMs = endMs;
  }
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

/** Lets every promise that can go on do so. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
