// SPDX-License-Identifier: Apache-2.0
/** What the page was sent last, and what is different by now. */
import type { ClusterReport, HistoryEntry, VipRow } from '@berth/core';
import {
  type ApiLink,
  type Difference,
  type Everything,
  keyOfVip,
  type LatenessRow,
  type Origin,
  type ReportParts,
} from '@berth/dashboard';

/** What the page is made from at one moment. */
export interface PageState {
  readonly report: ClusterReport;
  /** Oldest first. */
  readonly history: readonly HistoryEntry[];
}

/** How many points of lateness are kept for a node: four hours of one every ten seconds. */
const MOST_POINTS = 1_440;

/** A part as text, to see whether it is different: reports are plain JSON and made in a fixed order. */
interface Sent {
  readonly parts: ReadonlyMap<keyof ReportParts, string>;
  readonly vips: ReadonlyMap<string, string>;
}

export class PageModel {
  readonly #origin: Origin;
  #state: PageState | undefined;
  #sent: Sent = { parts: new Map(), vips: new Map() };
  #api: ApiLink;
  readonly #lateness = new Map<string, (readonly [number, number])[]>();
  readonly #seenMs = new Map<string, number>();

  constructor(origin: Origin, api: ApiLink) {
    this.#origin = origin;
    this.#api = api;
  }

  get api(): ApiLink {
    return this.#api;
  }

  /** The last state; undefined before the first. */
  get state(): PageState | undefined {
    return this.#state;
  }

  /** All that is known, for a page that was opened just now; undefined before the first state. */
  everything(): Everything | undefined {
    if (this.#state === undefined) return undefined;
    const { report, history } = this.#state;
    const { atMs, vips, ...parts } = report;
    const lateness = [...this.#lateness].map(([node, points]): LatenessRow => ({ node, points }));
    return { kind: 'everything', atMs, origin: this.#origin, api: this.#api, parts, vips, history, lateness };
  }

  /** Takes over a state; returns what is different, or undefined when nothing is. */
  update(state: PageState): Difference | undefined {
    const before = this.#state;
    this.#state = state;
    const { atMs, vips, ...parts } = state.report;
    const sent: Sent = {
      parts: textsOf(parts),
      vips: new Map(vips.map((row) => [keyOfVip(row), JSON.stringify(row)])),
    };
    const changes: Omit<Difference, 'kind' | 'atMs'> = {
      ...changedParts(parts, this.#sent.parts, sent.parts),
      ...changedVips(vips, this.#sent.vips, sent.vips),
      ...addedEntries(state.history, before?.history ?? []),
      ...this.#notedLateness(state.report),
    };
    this.#sent = sent;
    return before !== undefined && Object.keys(changes).length === 0
      ? undefined
      : { kind: 'difference', atMs, ...changes };
  }

  /** Takes over what is known of the API server; returns what to tell. */
  updateApi(api: ApiLink, atMs: number): Difference {
    this.#api = api;
    return { kind: 'difference', atMs, api };
  }

  /** Each renewal of a node's Lease tells its longest delay since the one before. */
  #notedLateness({ nodes }: ClusterReport): Pick<Difference, 'lateness'> {
    const added: LatenessRow[] = [];
    for (const { node, seenMs, latestMs } of nodes) {
      if (seenMs === undefined || latestMs === undefined || seenMs === this.#seenMs.get(node)) continue;
      this.#seenMs.set(node, seenMs);
      const points = this.#lateness.get(node) ?? [];
      points.push([seenMs, latestMs]);
      this.#lateness.set(node, points.slice(-MOST_POINTS));
      added.push({ node, points: [[seenMs, latestMs]] });
    }
    return added.length === 0 ? {} : { lateness: added };
  }
}

function textsOf(parts: ReportParts): Map<keyof ReportParts, string> {
  const names = Object.keys(parts) as (keyof ReportParts)[];
  return new Map(names.map((name) => [name, JSON.stringify(parts[name]) ?? '']));
}

function changedParts(parts: ReportParts, before: Sent['parts'], now: Sent['parts']): Pick<Difference, 'parts'> {
  const changed = [...now].filter(([name, text]) => before.get(name) !== text);
  if (changed.length === 0) return {};
  // JSON has no undefined: a leader that is gone is sent as none.
  return { parts: Object.fromEntries(changed.map(([name]) => [name, parts[name] ?? null])) as Partial<ReportParts> };
}

function changedVips(rows: readonly VipRow[], before: Sent['vips'], now: Sent['vips']): Pick<Difference, 'vips'> {
  const set = rows.filter((row) => before.get(keyOfVip(row)) !== now.get(keyOfVip(row)));
  const gone = [...before.keys()].filter((key) => !now.has(key));
  return set.length + gone.length === 0 ? {} : { vips: { set, gone } };
}

function addedEntries(entries: readonly HistoryEntry[], before: readonly HistoryEntry[]): Pick<Difference, 'history'> {
  const known = new Set(before.map(({ id }) => id));
  const added = entries.filter(({ id }) => !known.has(id));
  return added.length === 0 ? {} : { history: added };
}
