// SPDX-License-Identifier: Apache-2.0
/**
 * Reads the file that a user keeps: the ConfigMap `ip-address-pools` as a manifest, or the bare documents. Problems are
 * reported with their place in the file, also where the documents stand in a block of the ConfigMap.
 */
import type { ConfigMapContent } from './config-keys.ts';
import { isObject } from './is-object.ts';
import { isLegacyConfig } from './metallb-legacy.ts';
import { type ParsedPoolConfig, parsePoolConfig } from './parse.ts';
import { show, subjectOf } from './parse-document.ts';
import { hashSuffixRemark, isHashSuffixed, POOL_CONFIG_MAP } from './pool-config.ts';
import { type ConfigProblem, sentenceOf } from './problem.ts';
import { ReadingBudget } from './reading-budget.ts';
import { METALLB_API_VERSION } from './schema.ts';
import { MAX_TEXT_CHARACTERS, readYaml, type SourceDocument } from './yaml-documents.ts';

export interface NamedText {
  /** As the user calls the file. */
  readonly name: string;
  readonly text: string;
}

/**
 * What the files say together: bare documents of all of them are one configuration, each ConfigMap is another. A file
 * without any document is refused: a template that rendered nothing would take all pools away.
 */
export function parseConfigFiles(files: readonly NamedText[]): readonly ParsedPoolConfig[] {
  const bare: Record<string, string> = {};
  const results: ParsedPoolConfig[] = [];
  for (const file of files) {
    if (isEmpty(file)) {
      results.push({ ok: false, problems: [emptyFile(file)], warnings: [] });
      continue;
    }
    const { documents } = readYaml(file.text, new ReadingBudget(MAX_TEXT_CHARACTERS));
    const configMaps = documents.filter(isPoolConfigMap);
    if (configMaps.length === 0) bare[file.name] = file.text;
    const beside = documents.filter(isPoolDocument);
    for (const [index, document] of configMaps.entries())
      results.push(parseConfigMap(file, document, index === 0 ? beside : []));
  }
  if (Object.keys(bare).length > 0) results.push(parseBare(bare));
  return results;
}

/** Whether a file of a folder of manifests is meant for Berth: it has pools or L2 policies in it, or nothing at all. */
export function concernsPools({ name, text }: NamedText): boolean {
  const { documents, problems } = readYaml(text, new ReadingBudget(MAX_TEXT_CHARACTERS));
  // Text that cannot be read, such as a template, is recognised by the words in it.
  if (problems.length > 0) return POOL_WORDS.test(text);
  return isEmpty({ name, text }) || documents.some((document) => isPoolConfigMap(document) || isPoolDocument(document));
}

const POOL_WORDS = new RegExp(`kind: *(IPAddressPool|L2Advertisement)\\b|${POOL_CONFIG_MAP}`);

function isPoolDocument({ value }: SourceDocument): boolean {
  return isObject(value) && (value.kind === 'IPAddressPool' || value.kind === 'L2Advertisement');
}

function isEmpty({ text }: NamedText): boolean {
  const { documents, problems } = readYaml(text, new ReadingBudget(MAX_TEXT_CHARACTERS));
  return problems.length === 0 && documents.every(({ value }) => value === null || value === undefined);
}

function emptyFile({ name }: NamedText): ConfigProblem {
  const text = { found: 'an empty file', wanted: 'an IPAddressPool, or the ConfigMap ip-address-pools' };
  return { ...{ key: name, document: 1, line: 1, column: 1, path: '' }, ...text, message: sentenceOf(text) };
}

/** Whether a file is a manifest, which kubectl applies as it is; bare documents are not. */
export function isConfigMapManifest(file: NamedText): boolean {
  return configMapsIn(file).length > 0;
}

/** What the ConfigMaps of the pools in a file hold. */
export function configMapsIn({ text }: NamedText): readonly ConfigMapContent[] {
  const { documents } = readYaml(text, new ReadingBudget(MAX_TEXT_CHARACTERS));
  return documents
    .filter(isPoolConfigMap)
    .map((document) => ({ data: textsAt(document, 'data'), binaryData: textsAt(document, 'binaryData') }));
}

// A name of a file is no key of a ConfigMap: what it ends in does not matter. Nor need one file hold all documents.
function parseBare(texts: Readonly<Record<string, string>>): ParsedPoolConfig {
  const suffix = '.yaml';
  const data = Object.fromEntries(Object.entries(texts).map(([name, text]) => [name + suffix, text]));
  const parsed = parsePoolConfig(data, { extent: 'part' });
  return withPlaces(parsed, (problem) => ({ ...problem, key: problem.key.slice(0, -suffix.length) }));
}

/** `beside`: documents of pools in the same file, which are no part of the ConfigMap. */
function parseConfigMap(
  file: NamedText,
  document: SourceDocument,
  beside: readonly SourceDocument[],
): ParsedPoolConfig {
  const binaryData = textsAt(document, 'binaryData');
  const parsed = withPlaces(parsePoolConfig(textsAt(document, 'data'), { binaryData }), (problem) => ({
    ...problem,
    ...placeInFile(file, document, problem),
  }));
  const name = nameOf(document);
  const others = Map.groupBy(beside, isOfMetallb);
  const own = [
    ...versionProblems(file, document),
    ...(isHashSuffixed(name) ? [nameProblem(file, document, name)] : []),
  ];
  const stray = (others.get(false) ?? []).map((one) => strayProblem(file, one));
  const warnings = [...parsed.warnings, ...(others.get(true) ?? []).map((one) => strayProblem(file, one))];
  const problems = [...own, ...(parsed.ok ? [] : parsed.problems), ...stray];
  return parsed.ok && problems.length === 0 ? { ...parsed, warnings } : { ok: false, problems, warnings };
}

function versionProblems(file: NamedText, document: SourceDocument): ConfigProblem[] {
  const found = isObject(document.value) ? document.value.apiVersion : undefined;
  if (found === 'v1') return [];
  const place = { key: file.name, document: document.document, ...document.locate(['apiVersion']) };
  const text = { path: 'apiVersion', found: show(found), wanted: 'v1' };
  return [{ ...place, ...text, message: `ConfigMap ${nameOf(document)}: ${sentenceOf(text)}` }];
}

/** Objects of MetalLB may stand beside the ConfigMap, and are read where MetalLB does not run. */
function isOfMetallb({ value }: SourceDocument): boolean {
  const version = isObject(value) ? value.apiVersion : undefined;
  return typeof version === 'string' && METALLB_API_VERSION.test(version);
}

function strayProblem({ name }: NamedText, document: SourceDocument): ConfigProblem {
  const subject = subjectOf({ key: name, document, base: [], value: document.value });
  const place = { key: name, document: document.document, ...document.locate([]), path: '' };
  const text = { found: `${subject} beside the ConfigMap`, wanted: 'it in the data of the ConfigMap' };
  return { ...place, ...text, message: sentenceOf({ ...text, reason: 'the ConfigMap is read without it' }) };
}

function nameProblem(file: NamedText, document: SourceDocument, name: string): ConfigProblem {
  const place = { key: file.name, document: document.document, ...document.locate(['metadata', 'name']) };
  const text = { path: 'metadata.name', found: `"${name}"`, wanted: POOL_CONFIG_MAP };
  return { ...place, ...text, message: hashSuffixRemark(name) };
}

/** The texts of a field of the ConfigMap by key; what is no text counts as an empty one. */
function textsAt({ value }: SourceDocument, field: 'data' | 'binaryData'): Record<string, string> {
  const texts = isObject(value) && isObject(value[field]) ? value[field] : {};
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, typeof text === 'string' ? text : '']));
}

/** Where a problem of a data key stands in the file: below the head of its block, or at the text if it is no block. */
function placeInFile({ name, text }: NamedText, document: SourceDocument, problem: ConfigProblem) {
  const head = document.locate(['data', problem.key]);
  const lines = text.split('\n');
  const isBlock = lines[head.line - 1]?.[head.column - 1] === '|';
  if (!isBlock) return { key: name, ...head };
  const indent = /^ */.exec(lines[head.line] ?? '')?.[0].length ?? 0;
  return { key: name, line: head.line + problem.line, column: indent + problem.column };
}

function withPlaces(parsed: ParsedPoolConfig, place: (problem: ConfigProblem) => ConfigProblem): ParsedPoolConfig {
  const warnings = parsed.warnings.map(place);
  return parsed.ok ? { ...parsed, warnings } : { ok: false, problems: parsed.problems.map(place), warnings };
}

/** Whether a document is meant to be the ConfigMap of the pools, or is the one that MetalLB had before 0.13. */
function isPoolConfigMap(document: SourceDocument): boolean {
  const { value } = document;
  if (!isObject(value) || value.kind !== 'ConfigMap') return false;
  const name = nameOf(document);
  return name === POOL_CONFIG_MAP || isHashSuffixed(name) || hasLegacyText(document);
}

function hasLegacyText(document: SourceDocument): boolean {
  const { config = '' } = textsAt(document, 'data');
  return readYaml(config).documents.some(({ value }) => isLegacyConfig(value));
}

function nameOf({ value }: SourceDocument): string {
  const name = isObject(value) && isObject(value.metadata) ? value.metadata.name : undefined;
  return typeof name === 'string' ? name : '';
}
