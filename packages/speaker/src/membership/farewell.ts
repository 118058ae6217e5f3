// SPDX-License-Identifier: Apache-2.0
/** How a node leaves all its segments: it hands over what it owns, and says goodbye several times. */
import type { JoinedSegments } from './joined-segments.ts';
import type { MembershipsOptions } from './memberships-options.ts';

/** The goodbye goes out at once and twice more, against loss. */
const GOODBYES = 3;

export class Farewell {
  readonly #options: Pick<MembershipsOptions, 'clock' | 'timing'>;
  readonly #joined: JoinedSegments;
  #onSaid: (() => void) | undefined;

  constructor(options: Pick<MembershipsOptions, 'clock' | 'timing'>, joined: JoinedSegments) {
    this.#options = options;
    this.#joined = joined;
  }

  /** Resolves when all segments were left and the last goodbye went out. */
  say(): Promise<void> {
    return new Promise((resolve) => {
      this.#onSaid = resolve;
      for (const { loop } of this.#joined.all) loop.give({ type: 'leave' });
      this.settle();
    });
  }

  /** To be called when a segment was left. */
  settle(): void {
    if (this.#joined.all.some(({ loop }) => loop.state.phase !== 'gone')) return;
    const said = this.#onSaid;
    this.#onSaid = undefined;
    if (said) this.#options.clock.after(GOODBYES * this.#options.timing.intervalMs, said);
  }
}
