// SPDX-License-Identifier: Apache-2.0
/**
 * `kubectl berth lint FILE...`: the parser of the controller, offline. One line per finding, as compilers print them.
 */
import { type ConfigProblem, concernsPools, formatProblem, type NamedText, parseConfigFiles } from '@berth/core';
import { type Environment, EXIT } from '../environment.ts';
import type { Operation } from '../operation.ts';
import { countOf, printValue } from '../output.ts';

export async function lint(
  { files, output }: Extract<Operation, { kind: 'lint' }>,
  environment: Environment,
): Promise<number> {
  const { texts, missing } = await readTexts(files, environment);
  const parsed = parseConfigFiles(texts);
  const problems = [...missing, ...parsed.flatMap((each) => (each.ok ? [] : each.problems))];
  const warnings = parsed.flatMap((each) => each.warnings);
  if (!printValue(environment, output, { problems, warnings })) {
    printLines(environment, 'error', problems);
    printLines(environment, 'warning', warnings);
  }
  const pools = parsed.reduce((count, each) => count + (each.ok ? each.config.pools.length : 0), 0);
  const rest = countOf(warnings.length, 'warning');
  if (problems.length === 0) environment.err(`${countOf(pools, 'pool')}, no errors, ${rest}\n`);
  else environment.err(`${countOf(problems.length, 'error')}, ${rest}\n`);
  return problems.length === 0 ? EXIT.ok : EXIT.failed;
}

interface Read {
  readonly texts: readonly NamedText[];
  /** Folders without anything of ours in them. */
  readonly missing: readonly ConfigProblem[];
}

/** Files with their texts, in the order named; of a folder those that have pools in them, and those that are empty. */
export async function readTexts(names: readonly string[], environment: Environment): Promise<Read> {
  const read = await Promise.all(names.map((name) => readOne(name, environment)));
  return { texts: read.flatMap(({ texts }) => texts), missing: read.flatMap(({ missing }) => missing) };
}

async function readOne(name: string, { readFile, listFolder }: Environment): Promise<Read> {
  const files = await listFolder?.(name);
  if (files === undefined) return { texts: [{ name, text: await readFile(name) }], missing: [] };
  const named = files.filter((file) => MANIFEST.test(file));
  const all = await Promise.all(named.map(async (file) => ({ name: file, text: await readFile(file) })));
  const texts = all.filter(concernsPools);
  return { texts, missing: texts.length === 0 ? [nothingIn(name)] : [] };
}

/** What kubectl takes out of a folder. */
const MANIFEST = /\.(ya?ml|json)$/;

function nothingIn(folder: string): ConfigProblem {
  const [found, wanted] = ['no pools in any .yaml, .yml or .json file', 'an IPAddressPool, or the ConfigMap'];
  const message = `found ${found}, wanted ${wanted} ip-address-pools`;
  return { ...{ key: folder, document: 1, line: 1, column: 1, path: '' }, found, wanted, message };
}

function printLines({ out }: Environment, severity: 'error' | 'warning', problems: readonly ConfigProblem[]): void {
  for (const problem of problems) {
    const text = formatProblem(problem);
    const place = `${problem.key}:${problem.line}:${problem.column}:`;
    out(`${place} ${severity}:${text.slice(place.length)}\n`, severity === 'error' ? 'bad' : 'warning');
  }
}
