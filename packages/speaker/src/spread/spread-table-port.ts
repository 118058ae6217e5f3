// SPDX-License-Identifier: Apache-2.0
/** What is needed of the table in the kernel, and what may be wrong with it. */
import type { AttachmentState, SpreadContents, SpreadCounters } from '@berth/link';
import type { Segment } from '../layer2/segments.ts';

/** The table of packages/link. */
export interface SpreadTablePort {
  readonly attached: readonly number[];
  attach(ifindex: number, mac: Segment['mac']): void;
  attachAgain(ifindex: number): void;
  detach(ifindex: number): void;
  look(ifindex: number): AttachmentState;
  replace(contents: SpreadContents): void;
  setStrays(fingerprints: BigUint64Array, numbers: Uint8Array): number;
  renew(milliseconds: number): void;
  keepBy(path: string): void;
  /** Whether the keeper is there. */
  readonly isKept: boolean;
  counters(): SpreadCounters;
  close(): void;
}

/** What keeps this node from serving as one of several. */
export interface SpreadObstacle {
  /** program: it cannot be loaded or attached; conntrack: it cannot be read; room: the tables are full. */
  readonly what: 'program' | 'conntrack' | 'room';
  readonly error: unknown;
}

/** Whether a keeper holds the program: `none` where this process has no keeper, or the program is not loaded. */
export type Keeping = 'none' | 'kept' | 'not-kept';
