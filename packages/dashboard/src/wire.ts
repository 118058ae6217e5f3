// SPDX-License-Identifier: Apache-2.0
/**
 * What the server of the page sends: first everything, then what is different. All of it is plain JSON; times are
 * milliseconds since 1970.
 */
import type { ClusterReport, HistoryEntry, VipRow } from '@berth/core';

/** The parts of a report that are sent whole whenever anything in them is different; VIPs are sent one by one. */
export type ReportParts = Omit<ClusterReport, 'atMs' | 'vips'>;

/** What stays the same as long as the server runs. */
export interface Origin {
  /** Address of the API server. */
  readonly cluster: string;
  /** Namespace of Berth. */
  readonly namespace: string;
}

/** Whether the API server tells news. */
export interface ApiLink {
  readonly state: 'reached' | 'lost';
  /** Since when it is so. */
  readonly sinceMs: number;
  /** As of when all that is shown is known to be right. */
  readonly asOfMs: number;
  /** Why it is lost, in words; empty when it is reached. */
  readonly text: string;
}

/** How late a node's heartbeats were: pairs of time and milliseconds, oldest first. */
export interface LatenessRow {
  readonly node: string;
  readonly points: readonly (readonly [number, number])[];
}

export interface Everything {
  readonly kind: 'everything';
  readonly atMs: number;
  readonly origin: Origin;
  readonly api: ApiLink;
  readonly parts: ReportParts;
  readonly vips: readonly VipRow[];
  readonly history: readonly HistoryEntry[];
  readonly lateness: readonly LatenessRow[];
}

/** Whatever is absent is as it was. */
export interface Difference {
  readonly kind: 'difference';
  readonly atMs: number;
  readonly api?: ApiLink;
  readonly parts?: Partial<ReportParts>;
  readonly vips?: { readonly set: readonly VipRow[]; readonly gone: readonly string[] };
  /** Entries that were added at the end. */
  readonly history?: readonly HistoryEntry[];
  /** Points that were added at the end of their rows. */
  readonly lateness?: readonly LatenessRow[];
}

export type Message = Everything | Difference;

/** Of the VIPs of one page the keys: a VIP that several Services show on purpose is one row. */
export function keyOfVip({ vip }: Pick<VipRow, 'vip'>): string {
  return vip;
}
