// SPDX-License-Identifier: Apache-2.0
/** The Services that no one announces, by what was found last. */
import type { AnnouncedFinding } from '@berth/core';

type Reason = AnnouncedFinding['reason'];

export class SilentServices {
  readonly #reasons = new Map<string, Reason>();

  /** Why no one announces them, by Service. */
  get reasons(): ReadonlyMap<string, Reason> {
    return this.#reasons;
  }

  /** Why no one announces a Service; undefined: somebody does, or nothing was found yet. */
  reasonOf(key: string): Reason | undefined {
    return this.#reasons.get(key);
  }

  /** How many there are, by reason. */
  counts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const reason of this.#reasons.values()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    return counts;
  }

  note(key: string, { status, reason }: AnnouncedFinding): void {
    if (status === 'True') this.#reasons.delete(key);
    else this.#reasons.set(key, reason);
  }

  forget(key: string): void {
    this.#reasons.delete(key);
  }
}
