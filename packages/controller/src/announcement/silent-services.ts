// SPDX-License-Identifier: Apache-2.0
/** The Services that no one announces, by what was found last. */
import type { AnnouncedFinding } from '@berth/core';

export class SilentServices {
  readonly #findings = new Map<string, AnnouncedFinding>();

  get findings(): ReadonlyMap<string, AnnouncedFinding> {
    return this.#findings;
  }

  /** Why no one announces a Service; undefined: somebody does, or nothing was found yet. */
  reasonOf(key: string): AnnouncedFinding['reason'] | undefined {
    return this.#findings.get(key)?.reason;
  }

  /** How many there are, by reason. */
  counts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { reason } of this.#findings.values()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    return counts;
  }

  note(key: string, finding: AnnouncedFinding): void {
    if (finding.status === 'True') this.#findings.delete(key);
    else this.#findings.set(key, finding);
  }

  forget(key: string): void {
    this.#findings.delete(key);
  }
}
