// SPDX-License-Identifier: Apache-2.0
/** The smallest objects for the tests of this package. */
import { IpAddress, MacAddress } from '@berth/core';
import type { Clock, Node, Service, Timer } from '@berth/kube';
import type { LinkState } from '@berth/link';

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

/** Lets every promise that can go on do so. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
