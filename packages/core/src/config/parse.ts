// SPDX-License-Identifier: Apache-2.0
/** Reads the documents of the ConfigMap `ip-address-pools`, and reports all that is wrong with them at once. */
import type { PoolConfig } from './pool-config.ts';
import type { ConfigProblem } from './problem.ts';

export type ParsedPoolConfig =
  | { readonly ok: true; readonly config: PoolConfig; readonly warnings: readonly ConfigProblem[] }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[]; readonly warnings: readonly ConfigProblem[] };

/**
 * Reads `data` of the ConfigMap (or file names with their text). Keys that end in .yaml or .yml count, others are
 * warned about. Never throws; a refused configuration has at least one problem, ordered by key, line and column.
 */
export function parsePoolConfig(_data: Readonly<Record<string, string>>): ParsedPoolConfig {
  throw new Error('core: parsePoolConfig: to follow');
}
