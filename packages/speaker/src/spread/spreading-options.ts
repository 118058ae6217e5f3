// SPDX-License-Identifier: Apache-2.0
/** What spreading needs from the rest of the speaker. */
import type { BrokenMoves } from '@berth/core';
import type { ConntrackFlows, ConntrackQuery } from '@berth/link';
import type { Clock, Log } from '@berth/runtime';
import type { Segment } from '../layer2/segments.ts';
import type { NodeQuestions } from './node-questions.ts';
import type { OpenTrialFrames } from './passage-trials.ts';
import type { SegmentMembership } from './segment-spread.ts';
import type { SpreadTablePort } from './spread-table-port.ts';
import type { SpreadWishesOptions } from './spread-wishes.ts';

export interface SpreadingOptions extends SpreadWishesOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Default: there is no keeper. */
  readonly keeperSocket?: string | undefined;
  openTable(): Promise<SpreadTablePort>;
  readConntrack(query: ConntrackQuery): Promise<ConntrackFlows>;
  /** 16 hex digits that name the cluster. */
  clusterId(): string;
  /** The segments that this node takes part in. */
  segments(): readonly { readonly segment: Segment; readonly loop: SegmentMembership }[];
  /** Opens what asks nodes on a segment; `onAnswer` is given the id of one that answers. */
  openNodeQuestions(segment: Segment, onAnswer: (id: number) => void): NodeQuestions;
  readonly openTrialFrames: OpenTrialFrames;
  /** Whether this node could serve clients, by what it knows of itself. */
  isFit(): boolean;
  /** Others go first from now on: VIPs are handed over. */
  handOver(): void;
  /** Why nothing is done to keep connections when a VIP is handed over on purpose; undefined: it is tried. */
  plainMoves(): BrokenMoves | undefined;
  /** Who serves what, or why the owner alone does, has changed. */
  onNews(): void;
}
