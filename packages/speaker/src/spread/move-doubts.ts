// SPDX-License-Identifier: Apache-2.0
/**
 * Why planned moves break connections here: by what people want, by what else is on the node, by what was found out.
 */
import type { BrokenMoves, MovesState } from '@berth/core';
import type { Clock } from '@berth/runtime';
import type { SpreadObstacle } from './spread-table-port.ts';

/** What a kernel refused is tried again after so long, in milliseconds. */
const REFUSED_FOR_MS = 60_000;
/** Where what is passed on did not arrive, it is tried again after so long, in milliseconds. */
const FILTERED_FOR_MS = 3_600_000;
/** A node that says nothing of who serves is forgotten by others after three seconds; in milliseconds. */
const FORGOTTEN_AFTER_MS = 3_300;

/** What the kernel refused, if anything, and when. */
export interface Refusal {
  readonly obstacle: SpreadObstacle | undefined;
  readonly atMs: number;
}

export class MoveDoubts {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #always: () => BrokenMoves | undefined;
  #filteredMs = Number.NEGATIVE_INFINITY;

  /** `always`: what does not depend on any attempt. */
  constructor(clock: Pick<Clock, 'now'>, always: () => BrokenMoves | undefined) {
    this.#clock = clock;
    this.#always = always;
  }

  /** What other nodes pass on does not get here. */
  noteFiltered(): void {
    this.#filteredMs = this.#clock.now();
  }

  /** Whether others may count on this node still, although it takes no part any more. */
  get isBeingForgotten(): boolean {
    return this.#clock.now() - this.#filteredMs < FORGOTTEN_AFTER_MS;
  }

  /** Whether nothing is even tried now. */
  isPlain({ obstacle, atMs }: Refusal): boolean {
    const isRefused = obstacle !== undefined && this.#clock.now() - atMs < REFUSED_FOR_MS;
    return isRefused || this.#found !== undefined;
  }

  /** For people: what is known against it. */
  stateWith(obstacle: SpreadObstacle | undefined): MovesState {
    return this.#found ?? (obstacle ? { why: obstacle.what, code: codeOf(obstacle.error) } : 'kept');
  }

  get #found(): BrokenMoves | undefined {
    const isFiltered = this.#clock.now() - this.#filteredMs < FILTERED_FOR_MS;
    return this.#always() ?? (isFiltered ? { why: 'filter', code: '' } : undefined);
  }
}

/** What the system said, such as `EPERM`; empty where it said nothing. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code).slice(0, 64) : '';
}
