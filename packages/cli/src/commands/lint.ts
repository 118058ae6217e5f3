// SPDX-License-Identifier: Apache-2.0
/** `kubectl berth lint FILE...`: the parser of the controller, offline. One line per finding, as compilers print them. */
import { type ConfigProblem, formatProblem, type NamedText, parseConfigFiles } from '@berth/core';
import { type Environment, EXIT } from '../environment.ts';
import type { Operation } from '../operation.ts';
import { formatJson } from '../output.ts';

export async function lint(
  { files, output }: Extract<Operation, { kind: 'lint' }>,
  environment: Environment,
): Promise<number> {
  const texts = await readTexts(files, environment);
  const parsed = parseConfigFiles(texts);
  const problems = parsed.flatMap((each) => (each.ok ? [] : each.problems));
  const warnings = parsed.flatMap((each) => each.warnings);
  if (output === 'json') environment.out(formatJson({ problems, warnings }));
  else environment.out([...lines('error', problems), ...lines('warning', warnings)].join(''));
  const pools = parsed.reduce((count, each) => count + (each.ok ? each.config.pools.length : 0), 0);
  if (problems.length === 0) environment.err(`${pools} pools, no errors, ${warnings.length} warnings\n`);
  else environment.err(`${problems.length} errors, ${warnings.length} warnings\n`);
  return problems.length === 0 ? EXIT.ok : EXIT.failed;
}

/** Files with their texts, in the order named. */
export function readTexts(files: readonly string[], environment: Environment): Promise<NamedText[]> {
  return Promise.all(files.map(async (name) => ({ name, text: await environment.readFile(name) })));
}

function lines(severity: string, problems: readonly ConfigProblem[]): string[] {
  return problems.map((problem) => {
    const text = formatProblem(problem);
    const place = `${problem.key}:${problem.line}:${problem.column}:`;
    return `${place} ${severity}:${text.slice(place.length)}\n`;
  });
}
