// SPDX-License-Identifier: Apache-2.0
/** What connection tracking says of this node's flows, for each segment that asks; and how full it is. */
import { type ConntrackFlows, isNearlyFull } from '@berth/link';
import { errorFields } from '@berth/runtime';
import { queryOf } from './conntrack-query.ts';
import type { SegmentSpread } from './segment-spread.ts';
import type { SpreadObstacle } from './spread-table-port.ts';
import type { SpreadWishes } from './spread-wishes.ts';
import type { SpreadingOptions } from './spreading-options.ts';

export interface ConntrackReadingParts {
  readonly options: Pick<SpreadingOptions, 'clock' | 'log' | 'readConntrack' | 'clusterId'>;
  readonly wishes: Pick<SpreadWishes, 'byOwners' | 'everywhere'>;
  /** A segment has taken in what was read, or that nothing was. */
  onRead(): void;
}

export class ConntrackReading {
  readonly #parts: ConntrackReadingParts;
  #obstacle: SpreadObstacle | undefined;
  #failedMs = Number.NEGATIVE_INFINITY;
  #isNearlyFull = false;
  #fill = 0;

  constructor(parts: ConntrackReadingParts) {
    this.#parts = parts;
  }

  /** Undefined unless it could not be read. */
  get obstacle(): SpreadObstacle | undefined {
    return this.#obstacle;
  }

  /** When it could last not be read. */
  get failedMs(): number {
    return this.#failedMs;
  }

  /** Part of it that was in use when it was last read, 0 to 1. */
  get fill(): number {
    return this.#fill;
  }

  /** Gives a segment the flows of this node. */
  async read(segment: SegmentSpread): Promise<void> {
    const { options, wishes, onRead } = this.#parts;
    const { clock, log, readConntrack, clusterId } = options;
    const { byOwners, everywhere } = wishes;
    // What it served before it ended it has to know from the start, also what no owner has named yet.
    const vips = segment.state.phase === 'starting' ? new Map([...byOwners, ...everywhere]) : everywhere;
    const { query, flowsOf } = queryOf(vips, BigInt(`0x${clusterId()}`));
    try {
      const read = await readConntrack(query);
      this.#obstacle = undefined;
      this.#noteFill(read);
      segment.give({ type: 'flows', flows: flowsOf(read) });
    } catch (error) {
      if (this.#obstacle === undefined)
        log.warn('every node serves: connection tracking cannot be read', errorFields(error));
      this.#obstacle ??= { what: 'conntrack', error };
      this.#failedMs = clock.now();
      segment.give({ type: 'no-flows' });
    }
    onRead();
  }

  // The kernel drops what it has no entry for, on this node as without Berth; here it costs connections of the others'
  // clients as well.
  #noteFill({ total, max }: ConntrackFlows): void {
    const isFull = isNearlyFull({ total, max });
    if (isFull && !this.#isNearlyFull)
      this.#parts.options.log.warn('every node serves: connection tracking is nearly full', {
        entries: total,
        room: max,
      });
    this.#isNearlyFull = isFull;
    this.#fill = max > 0 ? total / max : 0;
  }
}
