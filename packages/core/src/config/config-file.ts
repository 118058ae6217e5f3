// SPDX-License-Identifier: Apache-2.0
/**
 * Reads the file that a user keeps: the ConfigMap `ip-address-pools` as a manifest, or the bare documents. Problems are told
 * with their place in the file, also where the documents stand in a block of the ConfigMap.
 */
import { type ParsedPoolConfig, parsePoolConfig } from './parse.ts';
import { isObject } from './parse-document.ts';
import { POOL_CONFIG_MAP } from './pool-config.ts';
import type { ConfigProblem } from './problem.ts';
import { ReadingBudget } from './reading-budget.ts';
import { MAX_TEXT_CHARACTERS, readYaml, type SourceDocument } from './yaml-documents.ts';

export interface NamedText {
  /** As the user calls the file. */
  readonly name: string;
  readonly text: string;
}

/** What the files say together: bare documents of all of them are one configuration, each ConfigMap is another. */
export function parseConfigFiles(files: readonly NamedText[]): readonly ParsedPoolConfig[] {
  const bare: Record<string, string> = {};
  const results: ParsedPoolConfig[] = [];
  for (const file of files) {
    const configMaps = readYaml(file.text, new ReadingBudget(MAX_TEXT_CHARACTERS)).documents.filter(isPoolConfigMap);
    if (configMaps.length === 0) bare[file.name] = file.text;
    for (const document of configMaps) results.push(parseConfigMap(file, document));
  }
  if (Object.keys(bare).length > 0) results.push(parseBare(bare));
  return results;
}

// A name of a file is no key of a ConfigMap: what it ends in does not matter.
function parseBare(texts: Readonly<Record<string, string>>): ParsedPoolConfig {
  const suffix = '.yaml';
  const data = Object.fromEntries(Object.entries(texts).map(([name, text]) => [name + suffix, text]));
  return withPlaces(parsePoolConfig(data), (problem) => ({ ...problem, key: problem.key.slice(0, -suffix.length) }));
}

function parseConfigMap(file: NamedText, document: SourceDocument): ParsedPoolConfig {
  const data = isObject(document.value) && isObject(document.value.data) ? document.value.data : {};
  const texts = Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, typeof value === 'string' ? value : '']),
  );
  return withPlaces(parsePoolConfig(texts), (problem) => ({ ...problem, ...placeInFile(file, document, problem) }));
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

function isPoolConfigMap({ value }: SourceDocument): boolean {
  return (
    isObject(value) && value.kind === 'ConfigMap' && isObject(value.metadata) && value.metadata.name === POOL_CONFIG_MAP
  );
}
