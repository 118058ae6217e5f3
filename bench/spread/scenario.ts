// SPDX-License-Identifier: Apache-2.0

// What every scenario of `spread` is. Those that need the whole cluster get the lab of all of them.

import type { BenchLab } from '../berth-lab.ts';
import type { BenchOptions, Figure } from '../report.ts';

/** What a scenario is asked for. */
export interface Asked extends Pick<BenchOptions, 'connections' | 'progress'> {
  readonly rounds: number;
}

interface Common {
  /** Unless asked otherwise with --rounds. */
  readonly rounds: number;
}

/** In network namespaces of its own, or on no interface at all. */
export interface KernelScenario extends Common {
  readonly on: 'kernel';
  measure(asked: Asked): Promise<Figure[]>;
}

export interface LabScenario extends Common {
  readonly on: 'lab';
  measure(bench: BenchLab, asked: Asked): Promise<Figure[]>;
}
