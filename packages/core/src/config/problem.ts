// SPDX-License-Identifier: Apache-2.0
/** One thing that is wrong, or odd, in a configuration: where it is, what was found and what was wanted. */

export interface ConfigProblem {
  /** Data key of the ConfigMap, or the name of the file. */
  readonly key: string;
  /** Number of the YAML document inside the key, from 1. */
  readonly document: number;
  /** Line inside the key, from 1. */
  readonly line: number;
  /** Column inside the line, from 1. */
  readonly column: number;
  /** Path inside the document, as in `spec.addresses[2]`; empty for the document itself. */
  readonly path: string;
  /** What was found, shortened to be shown. */
  readonly found: string;
  /** What was wanted instead. */
  readonly wanted: string;
  /** The problem in one sentence, without its place. Names pool and entry where there are any. */
  readonly message: string;
}

/** `pools.yaml:7:5: spec.addresses[2]: message`, with the document where a key has several of them. */
export function formatProblem(problem: ConfigProblem): string {
  const place = `${problem.key}:${problem.line}:${problem.column}`;
  const path = problem.path === '' ? `document ${problem.document}` : problem.path;
  return `${place}: ${path}: ${problem.message}`;
}
