// SPDX-License-Identifier: Apache-2.0
/**
 * Which pools are in force. A ConfigMap that is refused, emptied of its object, or broken at a start leaves the last good
 * one in force: its data are kept in the ConfigMap `last-good-pools`, so that they survive a restart.
 */
import { type ConfigProblem, type PoolConfig, parsePoolConfig } from '@berth/core';

/** Data of a ConfigMap. */
export type PoolData = Readonly<Record<string, string>>;

export interface PoolState {
  /** Unknown: neither the ConfigMap nor a last good one was seen. Invalid: refused, an older one may be in force. */
  readonly report: 'Unknown' | 'Valid' | 'Invalid' | 'Missing';
  /** What is in force; undefined while there is nothing. */
  readonly config: PoolConfig | undefined;
  /** The data that `config` was read from. */
  readonly data: PoolData | undefined;
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly ConfigProblem[];
}

export const NO_POOLS: PoolState = {
  report: 'Unknown',
  config: undefined,
  data: undefined,
  problems: [],
  warnings: [],
};

/** Returns the state after the ConfigMap is seen with these data (undefined: it is not there), from the state before. */
export function nextPoolState(before: PoolState, data: PoolData | undefined): PoolState {
  if (data === undefined)
    return { ...before, report: before.config ? 'Missing' : 'Unknown', problems: [], warnings: [] };
  const isSame = before.data !== undefined && isSameData(before.data, data);
  if (isSame && before.report === 'Valid') return before;
  const parsed = parsePoolConfig(data);
  if (!parsed.ok) return { ...before, report: 'Invalid', problems: parsed.problems, warnings: parsed.warnings };
  const rest = { report: 'Valid', problems: [], warnings: parsed.warnings } as const;
  // The very same objects go on where nothing changed, so that nobody works through them again.
  return isSame ? { ...before, ...rest } : { config: parsed.config, data, ...rest };
}

/** Returns the first state of a start: the last good data are in force until the ConfigMap says otherwise. */
export function restoredPoolState(lastGood: PoolData | undefined): PoolState {
  const parsed = lastGood === undefined ? undefined : parsePoolConfig(lastGood);
  if (lastGood === undefined || !parsed?.ok) return NO_POOLS;
  return { ...NO_POOLS, config: parsed.config, data: lastGood };
}

export function isSameData(a: PoolData, b: PoolData): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
