// SPDX-License-Identifier: Apache-2.0
/** What one node says of itself, as a reader of its Lease has it. */
import type { NodeState } from './node-state.ts';

export interface NodeReport {
  readonly node: string;
  /** Undefined where it cannot be read. */
  readonly state: NodeState | undefined;
  /** Why it cannot be read. */
  readonly problem: string | undefined;
  /**
   * `stale`: the node has not renewed its Lease for {@link NODE_STALE_SECONDS}. `unproven`, only for a reader that goes
   * by its own clock: nothing was heard of the node since this reader began to watch, and it may be long dead.
   */
  readonly freshness: 'fresh' | 'unproven' | 'stale';
}
