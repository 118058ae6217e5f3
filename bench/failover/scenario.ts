// SPDX-License-Identifier: Apache-2.0

// What every scenario of `failover` is.

import type { Figure } from '../report.ts';
import type { Stage } from './stage.ts';

export interface Scenario {
  readonly about: string;
  /** Plays the rounds and returns its lines of the table. */
  measure(stage: Stage, rounds: number): Promise<Figure[]>;
}

/** Before a fault: probes are warm, and so is the client's neighbor entry. */
export const WARM_MS = 400;
