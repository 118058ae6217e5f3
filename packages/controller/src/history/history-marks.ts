// SPDX-License-Identifier: Apache-2.0
/**
 * What the controller itself knows for the history: what became of the configuration, and of addresses that strangers
 * use. Pure.
 */
import { endOf, formatProblem, MAX_WHAT, type MarkRecord, markOf } from '@berth/core';
import type { PoolState } from '../pools/pool-source.ts';
import type { QuarantineNews } from '../quarantine/quarantines.ts';

/** Refused, accepted again, or another one loaded. What a replica reads first is no change. */
export function configurationMarks(before: PoolState, now: PoolState, atMs: number): MarkRecord[] {
  if (now.report === 'Invalid') {
    const [first] = now.problems.map(formatProblem);
    const what = (first ?? '').split('\n', 1).join('').slice(0, MAX_WHAT);
    return [markOf({ kind: 'configuration', atMs, what })];
  }
  const isOver = before.report === 'Invalid' || (before.report === 'Unknown' && now.report === 'Valid');
  const isLoaded = now.report === 'Valid' && now.data !== before.data && before.report !== 'Unknown';
  const pools = now.config?.pools.length ?? 0;
  const what = `${pools} ${pools === 1 ? 'pool' : 'pools'}`;
  return [
    // It may have been refused when the last leader ended; where it was not, nothing ends.
    ...(isOver ? [endOf(markOf({ kind: 'configuration', atMs }), atMs)] : []),
    ...(isLoaded ? [markOf({ kind: 'configuration', state: 'happened', atMs, what })] : []),
  ];
}

export function quarantineMarks({ isolated, ended }: QuarantineNews, atMs: number): MarkRecord[] {
  return [
    ...isolated.map(({ address, quarantine }) =>
      markOf({ kind: 'quarantine', atMs, vip: String(address), what: String(quarantine.mac) }),
    ),
    ...ended.map((address) => endOf(markOf({ kind: 'quarantine', atMs, vip: String(address) }), atMs)),
  ];
}
