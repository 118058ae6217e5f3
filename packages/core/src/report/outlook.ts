// SPDX-License-Identifier: Apache-2.0
/** What would happen, as plain JSON: who would own what, what would stay dark, and how to bring it about. */
import type { ConfigPreview, ServiceOutlook } from '../ipam/preview.ts';

/**
 * A question: nodes that are drained one after the other, nodes that are lost at once, and another pool file before
 * both.
 */
export interface WhatIf {
  readonly drain?: readonly string[];
  readonly lose?: readonly string[];
  readonly poolFile?: { readonly name: string; readonly text: string };
}

export interface Outlook {
  /** VIPs that would have another owner, in the order of addresses. */
  readonly moves: readonly OutlookMove[];
  /** VIPs that no one would answer for and somebody does now, or that are new. */
  readonly dark: readonly DarkVip[];
  /** By name. */
  readonly loads: readonly { readonly node: string; readonly before: number; readonly after: number }[];
  /** Undefined: no pool file was asked about. */
  readonly pools: PoolsOutlook | undefined;
  /** What brings it about, to copy. Nodes are lost without any. */
  readonly commands: readonly string[];
  /** What this cannot know. */
  readonly remarks: readonly string[];
}

export interface OutlookMove {
  readonly vip: string;
  readonly services: readonly string[];
  /** Undefined: no one answers for it now. */
  readonly from: string | undefined;
  readonly to: string;
}

export interface DarkVip {
  readonly vip: string;
  readonly services: readonly string[];
  readonly from: string | undefined;
  readonly why: string;
}

type Lists = Exclude<keyof ConfigPreview, 'staying'>;

/** What becomes of Services, as `kubectl berth preview` tells it. */
export type PoolsOutlook = { readonly [List in Lists]: readonly ServiceRow[] } & {
  /**
   * What is wrong with the file, in lines as `kubectl berth lint` prints them: then everything else is as without it.
   */
  readonly refused: readonly string[];
  readonly staying: number;
};

export interface ServiceRow {
  readonly service: string;
  readonly addresses: readonly string[];
  readonly reason: string;
  readonly message: string;
}

/** The lists of a preview as rows. */
export function serviceRows(lists: Omit<ConfigPreview, 'staying'>): Omit<PoolsOutlook, 'refused' | 'staying'> {
  const { stranded, recovered, gaining, adopted, foreign, waiting } = lists;
  return {
    ...{ stranded: stranded.map(rowOf), recovered: recovered.map(rowOf), gaining: gaining.map(rowOf) },
    ...{ adopted: adopted.map(rowOf), foreign: foreign.map(rowOf), waiting: waiting.map(rowOf) },
  };
}

function rowOf({ service, addresses, reason, message }: ServiceOutlook): ServiceRow {
  return { service, addresses: addresses.map(String), reason, message };
}
