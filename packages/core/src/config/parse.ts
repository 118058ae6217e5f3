// SPDX-License-Identifier: Apache-2.0
/** Reads the documents of the ConfigMap `ip-address-pools`, and reports all that is wrong with them at once. */
import { buildPoolConfig } from './build-config.ts';
import {
  binaryKey,
  type ConfigMapContent,
  foreignEncoding,
  isNearlyYamlKey,
  isYamlKey,
  misspeltKey,
  nothingConfigured,
  problemOfKey,
  unreadKey,
} from './config-keys.ts';
import { isObject } from './is-object.ts';
import { isLegacyConfig } from './metallb-legacy.ts';
import { legacyText, parseDocument, type Source, type TypedDocument } from './parse-document.ts';
import type { PoolConfig } from './pool-config.ts';
import type { ConfigProblem } from './problem.ts';
import { MAX_KEYS, ProblemList, ReadingBudget } from './reading-budget.ts';
import { checkTogether } from './together.ts';
import { readYaml, type SourceDocument } from './yaml-documents.ts';

export type ParsedPoolConfig =
  | { readonly ok: true; readonly config: PoolConfig; readonly warnings: readonly ConfigProblem[] }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[]; readonly warnings: readonly ConfigProblem[] };

export interface ReadingOptions {
  /** @default a new one with all that one configuration may take */
  readonly budget?: ReadingBudget;
  /** Base64 by key, see {@link ConfigMapContent}. @default none */
  readonly binaryData?: Readonly<Record<string, string>>;
  /** `part`: other documents join these, so that pools may be missing here. @default whole */
  readonly extent?: 'whole' | 'part';
}

/** Reads a ConfigMap, {@link parsePoolConfig} with all that it holds. */
export function parseConfigMap({ data = {}, binaryData = {} }: ConfigMapContent): ParsedPoolConfig {
  return parsePoolConfig(data, { binaryData });
}

/**
 * Reads `data` of the ConfigMap (or file names with their text). Keys that end in .yaml or .yml count, others are
 * warned about. A configuration without any pool is refused, since it is hardly ever meant. Never throws; a refused
 * configuration has at least one problem, ordered by key, line and column.
 */
export function parsePoolConfig(
  data: Readonly<Record<string, string>>,
  { budget = new ReadingBudget(), binaryData = {}, extent = 'whole' }: ReadingOptions = {},
): ParsedPoolConfig {
  const reading = new Reading(budget);
  for (const key of Object.keys(data).sort()) {
    if (!reading.read(key, data[key] ?? '')) break;
  }
  for (const key of Object.keys(binaryData).sort().slice(0, MAX_KEYS)) reading.readBinary(key, binaryData[key] ?? '');
  return reading.conclude(data, extent);
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
    if (isYamlKey(key)) this.#readText(key, text);
    else if (isNearlyYamlKey(key)) this.#problems.add(() => misspeltKey(key));
    else this.#warnings.add(() => unreadKey(key));
    return !this.#problems.isFull;
  }

  readBinary(key: string, base64: string): void {
    const problem = binaryKey(key, base64);
    if (problem !== undefined) this.#problems.add(() => problem);
  }

  conclude(data: Readonly<Record<string, string>>, extent: 'whole' | 'part'): ParsedPoolConfig {
    const findings = { problems: this.#problems, warnings: this.#warnings };
    if (!this.#problems.isFull) checkTogether(this.#documents, this.#unread, findings);
    if (this.#problems.length === 0) this.#refuseNothing(data, extent);
    const warnings = this.#warnings.inOrder();
    if (this.#problems.length > 0) return { ok: false, problems: this.#problems.inOrder(), warnings };
    return { ok: true, config: buildPoolConfig(this.#documents), warnings };
  }

  /**
   * A template that rendered nothing, a wrong key and MetalLB's old format all look like a configuration without pools.
   */
  #refuseNothing(data: Readonly<Record<string, string>>, extent: 'whole' | 'part'): void {
    const count = this.#documents.length;
    if (this.#documents.some(({ kind }) => kind === 'IPAddressPool') || (extent === 'part' && count > 0)) return;
    const keys = Object.keys(data).sort();
    const legacy = keys.filter((key) => !isYamlKey(key)).flatMap((key) => this.#legacyIn(key, data[key] ?? ''));
    if (legacy.length > 0) this.#problems.addAll(legacy);
    else this.#problems.add(() => nothingConfigured(keys, count));
  }

  #legacyIn(key: string, text: string): ConfigProblem[] {
    const { documents } = readYaml(text, this.#budget);
    return documents.flatMap(({ value }) => (isLegacyConfig(value) ? [problemOfKey(key, legacyText(value))] : []));
  }

  #readText(key: string, text: string): void {
    const encoding = foreignEncoding(key, text);
    if (encoding !== undefined) this.#problems.add(() => encoding);
    else for (const source of this.#sourcesOf(key, text)) this.#readSource(source);
  }

  #sourcesOf(key: string, text: string): Source[] {
    const { documents, problems } = readYaml(text, this.#budget);
    for (const { reason, ...problem } of problems) {
      const message = `found ${problem.found}, wanted ${problem.wanted}${reason === undefined ? '' : `: ${reason}`}`;
      this.#problems.add(() => ({ key, path: '', message, ...problem }));
    }
    return documents.flatMap((document) => sourcesIn(key, document));
  }

  #readSource(source: Source): void {
    if (this.#problems.isFull) return;
    const parsed = parseDocument(source);
    if (!parsed.ok) {
      this.#problems.addAll(parsed.problems);
      this.#unread.push(source);
    } else if (parsed.typed === undefined) this.#warnings.add(() => parsed.warning);
    else this.#documents.push(parsed.typed);
  }
}

/** What `kubectl get -o yaml` wraps an export into, or `kubectl get --raw`. */
const LIST_KIND = /^(IPAddressPool|L2Advertisement)?List$/;

/** The objects of a document: itself, or the items of a List; none where it is empty. */
export function sourcesIn(key: string, document: SourceDocument): Source[] {
  const { value } = document;
  if (value === null || value === undefined) return [];
  if (isObject(value) && typeof value.kind === 'string' && LIST_KIND.test(value.kind) && Array.isArray(value.items)) {
    return value.items.map((item: unknown, index) => ({ key, document, base: ['items', index], value: item }));
  }
  return [{ key, document, base: [], value }];
}
