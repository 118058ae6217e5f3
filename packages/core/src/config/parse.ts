// SPDX-License-Identifier: Apache-2.0
/** Reads the documents of the ConfigMap `ip-address-pools`, and reports all that is wrong with them at once. */
import { buildPoolConfig } from './build-config.ts';
import { isObject, parseDocument, type Source, type TypedDocument } from './parse-document.ts';
import type { PoolConfig } from './pool-config.ts';
import type { ConfigProblem } from './problem.ts';
import { MAX_KEYS, ProblemList, ReadingBudget } from './reading-budget.ts';
import { checkTogether } from './together.ts';
import { readYaml, type SourceDocument, shorten } from './yaml-documents.ts';

export type ParsedPoolConfig =
  | { readonly ok: true; readonly config: PoolConfig; readonly warnings: readonly ConfigProblem[] }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[]; readonly warnings: readonly ConfigProblem[] };

const YAML_KEY = /\.ya?ml$/;

/**
 * Reads `data` of the ConfigMap (or file names with their text). Keys that end in .yaml or .yml count, others are
 * warned about. Never throws; a refused configuration has at least one problem, ordered by key, line and column.
 */
export function parsePoolConfig(
  data: Readonly<Record<string, string>>,
  budget: ReadingBudget = new ReadingBudget(),
): ParsedPoolConfig {
  const reading = new Reading(budget);
  for (const key of Object.keys(data).sort()) {
    if (!reading.read(key, data[key] ?? '')) break;
  }
  return reading.conclude();
}

/** What was read so far. */
class Reading {
  readonly #budget: ReadingBudget;
  readonly #problems = new ProblemList();
  readonly #warnings = new ProblemList();
  readonly #documents: TypedDocument[] = [];
  readonly #unread: Source[] = [];

  constructor(budget: ReadingBudget) {
    this.#budget = budget;
  }

  /** Reads one key; false when there is no use in reading more. */
  read(key: string, text: string): boolean {
    if (!this.#budget.take('keys')) {
      this.#problems.add(() => problemOfKey(key, { found: 'one key more', wanted: `at most ${MAX_KEYS} keys` }));
      return false;
    }
    if (!YAML_KEY.test(key)) this.#warnings.add(() => ignoredKey(key));
    else for (const source of this.#sourcesOf(key, text)) this.#readSource(source);
    return !this.#problems.isFull;
  }

  conclude(): ParsedPoolConfig {
    const findings = { problems: this.#problems, warnings: this.#warnings };
    if (!this.#problems.isFull) checkTogether(this.#documents, this.#unread, findings);
    const warnings = this.#warnings.inOrder();
    if (this.#problems.length > 0) return { ok: false, problems: this.#problems.inOrder(), warnings };
    return { ok: true, config: buildPoolConfig(this.#documents), warnings };
  }

  #sourcesOf(key: string, text: string): Source[] {
    const { documents, problems } = readYaml(text, this.#budget);
    for (const { reason, ...problem } of problems) {
      const message = `found ${problem.found}, wanted ${problem.wanted}${reason === undefined ? '' : `: ${reason}`}`;
      this.#problems.add(() => ({ key, path: '', message, ...problem }));
    }
    return documents.flatMap((document) => objectsOf(key, document));
  }

  #readSource(source: Source): void {
    if (this.#problems.isFull) return;
    const parsed = parseDocument(source);
    if (parsed.ok) {
      this.#documents.push(parsed.typed);
      return;
    }
    this.#problems.addAll(parsed.problems);
    this.#unread.push(source);
  }
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
  const text = { found: `key "${shorten(key)}"`, wanted: 'a key that ends in .yaml or .yml' };
  const message = `${text.found} is ignored: only keys that end in .yaml or .yml are read`;
  return { ...problemOfKey(key, text), message };
}

function problemOfKey(key: string, { found, wanted }: { readonly found: string; readonly wanted: string }) {
  const message = `found ${found}, wanted ${wanted}`;
  return { key, document: 1, line: 1, column: 1, path: '', found, wanted, message };
}
