// SPDX-License-Identifier: Apache-2.0
/**
 * What is drawn on the timeline beside the owners: one lane for each kind of event that happened in the time that is
 * shown. Pure.
 */
import type { HistoryEntry } from '@berth/core';

export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A point in time, or a time between two; cut to the range. */
export interface Mark {
  readonly id: string;
  readonly fromMs: number;
  /** The same as `fromMs` for a point. */
  readonly toMs: number;
  /** It has not ended yet. */
  readonly isOpen: boolean;
  readonly text: string;
  readonly tone: 'critical' | 'warning' | 'calm';
}

export interface MarkLane {
  readonly title: string;
  readonly marks: readonly Mark[];
}

type MarkedKind = Exclude<HistoryEntry['kind'], 'moved'>;

/** In the order in which lanes stand. */
const LANES: Readonly<Record<MarkedKind, { readonly title: string; readonly tone: Mark['tone'] }>> = {
  outage: { title: 'API outages', tone: 'critical' },
  conflict: { title: 'Conflicts', tone: 'critical' },
  hearing: { title: 'Hearing', tone: 'warning' },
  speaker: { title: 'Speakers', tone: 'warning' },
  drain: { title: 'Drains', tone: 'calm' },
  eligibility: { title: 'May own nothing', tone: 'calm' },
  quarantine: { title: 'Quarantine', tone: 'warning' },
  configuration: { title: 'Configuration', tone: 'calm' },
  leader: { title: 'Leader', tone: 'calm' },
  history: { title: 'History', tone: 'calm' },
};

/** The lanes in which there is anything. `entries`: oldest first. */
export function markLanes(entries: readonly HistoryEntry[], range: TimeRange): readonly MarkLane[] {
  const kinds = Object.keys(LANES) as MarkedKind[];
  return kinds.flatMap((kind) => {
    const marks = marksOf(
      entries.filter((entry) => entry.kind === kind),
      { range, tone: LANES[kind].tone },
    );
    return marks.length === 0 ? [] : [{ title: LANES[kind].title, marks }];
  });
}

interface MarkWish {
  readonly range: TimeRange;
  readonly tone: Mark['tone'];
}

function marksOf(entries: readonly HistoryEntry[], { range, tone }: MarkWish): Mark[] {
  const begun = new Map<string, HistoryEntry>();
  const marks: Mark[] = [];
  const add = (first: HistoryEntry, mark: Pick<Mark, 'fromMs' | 'toMs' | 'isOpen'>, text = first.text) => {
    if (mark.toMs < range.fromMs || mark.fromMs > range.toMs) return;
    const cut = { fromMs: Math.max(mark.fromMs, range.fromMs), toMs: Math.min(mark.toMs, range.toMs) };
    marks.push({ id: first.id, ...cut, isOpen: mark.isOpen, text, tone });
  };
  for (const entry of entries) {
    const first = begun.get(entry.subject);
    if (entry.state === 'began') begun.set(entry.subject, first ?? entry);
    else if (entry.state === 'happened') add(entry, { fromMs: entry.atMs, toMs: entry.atMs, isOpen: false });
    else {
      begun.delete(entry.subject);
      // The history is a ring: the beginning may be gone from it.
      add(first ?? entry, { fromMs: first?.atMs ?? range.fromMs, toMs: entry.atMs, isOpen: false }, entry.text);
    }
  }
  for (const entry of begun.values()) add(entry, { fromMs: entry.atMs, toMs: range.toMs, isOpen: true });
  return marks;
}

/** Times of the lines of an axis: about `count` of them, at round times of the reader's clock. */
export function ticks({ fromMs, toMs }: TimeRange, count: number): number[] {
  const step = STEPS_MS.find((one) => (toMs - fromMs) / one <= count) ?? STEPS_MS.at(-1) ?? toMs - fromMs;
  const offsetMs = new Date(fromMs).getTimezoneOffset() * 60_000;
  const first = Math.ceil((fromMs - offsetMs) / step) * step + offsetMs;
  const times: number[] = [];
  for (let atMs = first; atMs <= toMs; atMs += step) times.push(atMs);
  return times;
}

const MINUTE_MS = 60_000;
const STEPS_MS = [1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1440].map((minutes) => minutes * MINUTE_MS);
