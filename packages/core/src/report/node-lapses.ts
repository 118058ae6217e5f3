// SPDX-License-Identifier: Apache-2.0
/** Times that a node fell silent by itself, as a problem while they are recent. */
import { timeText } from '../history/time-text.ts';
import { MAX_LAPSE_TIMES } from '../node-state/node-state.ts';
import type { Problem } from './model.ts';
import type { DatedReport } from './node-report.ts';
import { problemOf } from './problem.ts';

/** What is longer ago is history. */
const LAPSES_FOR_MS = 3_600_000;

export function lapsesOf({ node, health }: DatedReport, nowMs: number): Problem[] {
  const { lapses = 0, lapsedSeconds } = health ?? {};
  if (lapses === 0) return [];
  const about = { about: [node], nodes: [node], command: `kubectl berth history ${node}` };
  // A speaker that does not say when counts since it started: that may be long ago.
  if (lapsedSeconds === undefined)
    return [
      problemOf({
        ...{ kind: 'heartbeats-late', severity: 'info', ...about },
        text: `${node}: stopped answering ${timesText(lapses)} since its speaker started: its heartbeats were late`,
      }),
    ];
  const recent = lapsedSeconds.map((seconds) => seconds * 1000).filter((atMs) => nowMs - atMs < LAPSES_FOR_MS);
  const last = recent.at(-1);
  if (last === undefined) return [];
  const isMore = recent.length === MAX_LAPSE_TIMES && lapses > MAX_LAPSE_TIMES;
  const times = isMore ? `at least ${recent.length} times` : timesText(recent.length);
  const when = recent.length === 1 ? `at ${timeText(last)}` : `within the last hour, last at ${timeText(last)}`;
  return [
    problemOf({
      ...{ kind: 'heartbeats-late', ...about, sinceMs: last },
      text: `${node}: stopped answering ${times} ${when}: its heartbeats were late`,
    }),
  ];
}

function timesText(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
