// SPDX-License-Identifier: Apache-2.0
/** What is told of spreading on this node: to people, in the Lease, and as metrics. */
import type { MovesState, ServingState, SpreadHealth } from '@berth/core';
import type { ServedVip } from '../layer2/wire.ts';
import type { ConntrackReading } from './conntrack-reading.ts';
import type { KernelTables } from './kernel-tables.ts';
import type { MoveGate } from './move-gate.ts';
import { servingStates } from './serving-state.ts';
import { packetsBy, type SpreadSources } from './spread-metrics.ts';
import type { SpreadSegments } from './spread-segments.ts';
import type { Keeping, SpreadObstacle } from './spread-table-port.ts';
import type { SpreadWishes } from './spread-wishes.ts';
import type { SpreadingOptions } from './spreading-options.ts';

export interface SpreadingFactsParts {
  readonly options: Pick<SpreadingOptions, 'clock' | 'segments'>;
  readonly tables: Pick<KernelTables, 'obstacle' | 'excess' | 'crowded' | 'keeper' | 'counters'>;
  readonly wishes: Pick<SpreadWishes, 'all'>;
  readonly conntrack: Pick<ConntrackReading, 'obstacle' | 'fill'>;
  readonly segments: Pick<SpreadSegments, 'get' | 'commits' | 'strayCount' | 'flowCount' | 'keptCount'>;
  readonly gate: Pick<MoveGate, 'counts' | 'state' | 'hasRefused'>;
}

export class SpreadingFacts implements SpreadSources {
  readonly #parts: SpreadingFactsParts;

  constructor(parts: SpreadingFactsParts) {
    this.#parts = parts;
  }

  /** Undefined while this node can take part. */
  get obstacle(): SpreadObstacle | undefined {
    return this.#parts.tables.obstacle ?? this.#parts.conntrack.obstacle;
  }

  commits(): readonly { readonly how: string; readonly times: number }[] {
    return this.#parts.segments.commits;
  }

  /** Strays that the table in the kernel had no room for. */
  get excess(): number {
    return this.#parts.tables.excess;
  }

  /** Flows of this node whose hash names another one. */
  get ownStrays(): number {
    return this.#parts.segments.strayCount;
  }

  /** VIPs that moved away from this node, or are served elsewhere, while it keeps connections of them. */
  get keeping(): number {
    return this.#parts.segments.keptCount;
  }

  /** Hand-overs on purpose, by whether connections were kept. */
  get plannedMoves(): MoveGate['counts'] {
    return this.#parts.gate.counts;
  }

  /** What becomes of connections when this node hands a VIP over on purpose, or takes one over. */
  get moves(): MovesState {
    return this.#parts.gate.state;
  }

  /** Whether a VIP may move for its own good: no connection breaks, as far as this node knows. */
  get keepsConnections(): boolean {
    return this.moves === 'kept' && !this.#parts.gate.hasRefused;
  }

  /** Who serves what this node answers for. */
  serving(served: readonly ServedVip[]): readonly ServingState[] {
    const { options, tables, wishes, segments } = this.#parts;
    const { clock } = options;
    return servingStates(served, {
      ...{ wishes: wishes.all, obstacle: this.obstacle, crowded: tables.crowded },
      segmentOf: (ifname) => {
        const found = options.segments().find(({ segment }) => segment.ifname === ifname);
        return found && segments.get(found.segment.ifindex);
      },
      secondsAt: (ms) => Math.floor((clock.date().getTime() - (clock.now() - ms)) / 1000),
    });
  }

  get health(): SpreadHealth | undefined {
    const counters = this.#parts.tables.counters();
    return counters && { forwarded: counters.forwarded, strays: this.ownStrays, flows: this.#parts.segments.flowCount };
  }

  /** Part of connection tracking that was in use when it was last read, 0 to 1. */
  get conntrackFill(): number {
    return this.#parts.conntrack.fill;
  }

  /** Whether the program would go on for a moment if this process died. */
  get keeper(): Keeping {
    return this.#parts.tables.keeper;
  }

  packets(): ReturnType<typeof packetsBy> {
    return packetsBy(this.#parts.tables.counters());
  }
}
