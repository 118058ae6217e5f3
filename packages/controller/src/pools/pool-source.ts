// SPDX-License-Identifier: Apache-2.0
/**
 * Which pools are in force. A ConfigMap that is refused, emptied of its object, or broken at a start leaves the last
 * good one in force: its data are kept in the ConfigMap `last-good-pools`, so that they survive a restart.
 */
import {
  type ConfigMapContent,
  type ConfigProblem,
  type ParsedPoolConfig,
  type PoolConfig,
  parseConfigMap,
} from '@berth/core';
import { joinSources, lostObjects, type MetallbSource, reservedKey } from './metallb-source.ts';

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

const NO_OBJECTS: MetallbSource = { kind: 'unread', why: 'Off' };

/**
 * Returns the state after the ConfigMap is seen with this content (undefined: it is not there), and objects of MetalLB,
 * from the state before.
 */
export function nextPoolState(
  before: PoolState,
  configMap: ConfigMapContent | undefined,
  objects: MetallbSource = NO_OBJECTS,
): PoolState {
  const content = joinSources(before.data, configMap, objects);
  if (content === undefined)
    return { ...before, report: before.config ? 'Missing' : 'Unknown', problems: [], warnings: [] };
  const { data = {}, binaryData = {} } = content;
  const isSame = before.data !== undefined && isSameData(before.data, data);
  const isText = Object.keys(binaryData).length === 0;
  if (isSame && isText && before.report === 'Valid') return before;
  const parsed = parseConfigMap(content);
  const problems = problemsOf(before, { parsed, configMap, objects });
  if (!parsed.ok || problems.length > 0) return { ...before, report: 'Invalid', problems, warnings: parsed.warnings };
  const rest = { report: 'Valid', problems: [], warnings: parsed.warnings } as const;
  // The very same objects go on where nothing changed, so that no one works through them again.
  return isSame ? { ...before, ...rest } : { config: parsed.config, data, ...rest };
}

interface Reading {
  readonly parsed: ParsedPoolConfig;
  readonly configMap: ConfigMapContent | undefined;
  readonly objects: MetallbSource;
}

// What else is wrong comes first: who sets that right hears of the objects then.
function problemsOf(before: PoolState, { parsed, configMap, objects }: Reading): readonly ConfigProblem[] {
  const reserved = reservedKey(configMap);
  if (parsed.ok) return [...reserved, ...lostObjects(before.data, parsed.config, objects)];
  const isNothing = configMap === undefined && objects.kind !== 'unknown';
  const lost = isNothing ? lostObjects(before.data, undefined, objects) : [];
  return lost.length > 0 ? lost : [...reserved, ...parsed.problems];
}

/** Returns the first state of a start: the last good data are in force until the ConfigMap says otherwise. */
export function restoredPoolState(lastGood: PoolData | undefined): PoolState {
  const parsed = lastGood === undefined ? undefined : parseConfigMap({ data: lastGood });
  if (lastGood === undefined || !parsed?.ok) return NO_POOLS;
  return { ...NO_POOLS, config: parsed.config, data: lastGood };
}

export function isSameData(a: PoolData, b: PoolData): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
