// SPDX-License-Identifier: Apache-2.0
/** Reads the documents of the ConfigMap `ip-address-pools`, and reports all that is wrong with them at once. */
import { buildPoolConfig } from './build-config.ts';
import { isObject, parseDocument, type Source, type TypedDocument } from './parse-document.ts';
import type { PoolConfig } from './pool-config.ts';
import type { ConfigProblem } from './problem.ts';
import { checkTogether } from './together.ts';
import { readYaml, type SourceDocument } from './yaml-documents.ts';

export type ParsedPoolConfig =
  | { readonly ok: true; readonly config: PoolConfig; readonly warnings: readonly ConfigProblem[] }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[]; readonly warnings: readonly ConfigProblem[] };

/** Most problems that are told; who has more will not read them. */
export const MAX_PROBLEMS = 500;

const YAML_KEY = /\.ya?ml$/;

/**
 * Reads `data` of the ConfigMap (or file names with their text). Keys that end in .yaml or .yml count, others are
 * warned about. Never throws; a refused configuration has at least one problem, ordered by key, line and column.
 */
export function parsePoolConfig(data: Readonly<Record<string, string>>): ParsedPoolConfig {
  const problems: ConfigProblem[] = [];
  const warnings: ConfigProblem[] = [];
  const documents: TypedDocument[] = [];
  const unread: Source[] = [];
  for (const key of Object.keys(data).sort()) {
    if (!YAML_KEY.test(key)) {
      warnings.push(ignoredKey(key));
      continue;
    }
    for (const source of sourcesOf(key, data[key] ?? '', problems)) {
      const parsed = parseDocument(source);
      if (parsed.ok) documents.push(parsed.typed);
      else {
        problems.push(...parsed.problems);
        unread.push(source);
      }
    }
  }
  const together = checkTogether(documents, unread);
  problems.push(...together.problems);
  warnings.push(...together.warnings);
  if (problems.length > 0) return { ok: false, problems: inOrder(problems), warnings: inOrder(warnings) };
  return { ok: true, config: buildPoolConfig(documents), warnings: inOrder(warnings) };
}

function sourcesOf(key: string, text: string, problems: ConfigProblem[]): Source[] {
  const { documents, problems: found } = readYaml(text);
  for (const { reason, ...problem } of found) {
    problems.push({
      key,
      path: '',
      message: `found ${problem.found}, wanted ${problem.wanted}: ${reason}`,
      ...problem,
    });
  }
  return documents.flatMap((document) => objectsOf(key, document));
}

// An empty document says nothing. `kubectl get -o yaml` wraps what it exports into a List.
function objectsOf(key: string, document: SourceDocument): Source[] {
  const { value } = document;
  if (value === null || value === undefined) return [];
  if (isObject(value) && value.kind === 'List' && Array.isArray(value.items)) {
    return value.items.map((item: unknown, index) => ({ key, document, base: ['items', index], value: item }));
  }
  return [{ key, document, base: [], value }];
}

function ignoredKey(key: string): ConfigProblem {
  const [found, wanted] = [`key "${key}"`, 'a key that ends in .yaml or .yml'];
  const message = `${found} is ignored: only keys that end in .yaml or .yml are read`;
  return { key, document: 1, line: 1, column: 1, path: '', found, wanted, message };
}

function inOrder(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const sorted = problems.toSorted((a, b) => compareText(a.key, b.key) || a.line - b.line || a.column - b.column);
  return sorted.slice(0, MAX_PROBLEMS);
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
