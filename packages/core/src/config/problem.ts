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
  /** What to write instead, as lines of YAML, where that is known. */
  readonly suggestion?: string;
  /**
   * The object of MetalLB that it is about, as `IPAddressPool metallb-system/lan`; key, line and column then say
   * nothing to people.
   */
  readonly object?: string;
}

export interface ProblemText {
  readonly found: string;
  readonly wanted: string;
  /** More about it, after what was found and wanted. */
  readonly reason?: string;
  readonly suggestion?: string;
}

/**
 * `pools.yaml:7:5: spec.addresses[2]: message`, with the document where a key has several of them, or
 * `object IPAddressPool metallb-system/lan: spec.addresses[2]: message`. A suggestion follows in lines of its own.
 */
export function formatProblem(problem: ConfigProblem): string {
  const { object } = problem;
  const place = object === undefined ? `${problem.key}:${problem.line}:${problem.column}` : `object ${object}`;
  const whole = object === undefined ? `document ${problem.document}` : 'as a whole';
  const path = problem.path === '' ? whole : problem.path;
  const suggestion = problem.suggestion === undefined ? '' : `; write instead:\n${problem.suggestion.trimEnd()}`;
  return `${place}: ${path}: ${problem.message}${suggestion}`;
}

/** A problem in the words of a sentence: what was found, what was wanted and why. */
export function sentenceOf({ found, wanted, reason }: ProblemText): string {
  return `found ${found}, wanted ${wanted}${reason === undefined ? '' : `: ${reason}`}`;
}
