// SPDX-License-Identifier: Apache-2.0
/**
 * `kubectl berth explain SERVICE`: why it has this address, or none, and who answers for it, from all that is known.
 */
import { type Explanation, explainService } from '@berth/core';
import { readSettledFacts } from '../cluster-facts.ts';
import { noteOnConfig } from '../cluster-state.ts';
import { type Environment, EXIT } from '../environment.ts';
import { missingService } from '../names.ts';
import type { Operation } from '../operation.ts';
import { printRows, printValue } from '../output.ts';

type Explain = Extract<Operation, { kind: 'explain' }>;

export async function explain(operation: Explain, environment: Environment): Promise<number> {
  const { cluster, output } = operation;
  const { api, namespace } = await environment.connect(cluster);
  const { name, namespace: at = namespace } = operation.service;
  const key = `${at}/${name}`;
  const facts = await readSettledFacts(api, cluster, environment.clock);
  environment.err(noteOnConfig(facts));
  const explanation = explainService(facts, key);
  if (explanation === undefined) throw await missingService({ namespace: at, name }, api);
  if (!printValue(environment, output, explanation)) printText(explanation, operation, environment);
  return EXIT.ok;
}

function printText({ sections }: Explanation, { output }: Explain, environment: Environment): void {
  for (const { title, lines, rows } of sections) {
    for (const line of [...(title === '' ? [] : [title]), ...lines]) environment.out(`${line}\n`);
    const indented = rows.map(([first = '', ...rest]) => [`  ${first}`, ...rest]);
    printRows(environment, indented, { output });
  }
}
