// SPDX-License-Identifier: Apache-2.0
/**
 * Sharers that change together. Two Services that swap ports in one apply are seen one after the other: the first one
 * clashes with what the second had. So a holder that clashes with one of its own namespace is given a moment, in which
 * the other may change too. In another namespace is another tenant, whose port no one uses even for a moment.
 */
import { namespaceOfKey, type ServiceKey } from '../service/kube-service.ts';
import type { StayObstacle } from './sharing.ts';

/** How long a holder whose terms changed may clash with another one of its namespace, in milliseconds. */
export const SHARING_GRACE_MS = 5_000;

/** Since when holders clash. Mutable, and not part of the ledger: a new leader is patient anew. */
export class SharingPatience {
  readonly #graceMs: number;
  readonly #sinceMs = new Map<ServiceKey, number>();

  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  /** Until when the holder may stay in spite of the obstacle; undefined when it has to leave now. */
  untilMs(service: ServiceKey, { by, isChange }: StayObstacle, nowMs: number): number | undefined {
    const isSame = by !== undefined && namespaceOfKey(by) === namespaceOfKey(service);
    if (!isSame || !isChange || this.#graceMs === 0) return undefined;
    const sinceMs = this.#sinceMs.get(service) ?? nowMs;
    this.#sinceMs.set(service, sinceMs);
    const untilMs = sinceMs + this.#graceMs;
    return nowMs < untilMs ? untilMs : undefined;
  }

  /** The holder clashes with no one any more, or has left. */
  end(service: ServiceKey): void {
    this.#sinceMs.delete(service);
  }
}
