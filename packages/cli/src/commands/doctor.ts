// SPDX-License-Identifier: Apache-2.0
/** `kubectl berth doctor [-f POOLS]`: what is wrong in a cluster, or will be once Berth is installed. */
import { type Examination, examine, type Finding, type PoolConfig } from '@berth/core';
import { readSettledFacts } from '../cluster-facts.ts';
import { readDoctorObjects } from '../doctor-objects.ts';
import { type Environment, EXIT } from '../environment.ts';
import type { Operation } from '../operation.ts';
import { countOf, printValue } from '../output.ts';
import { isWrong, SEVERITY_TONES, SEVERITY_WORDS } from '../severity.ts';
import { lint } from './lint.ts';
import { readNext } from './preview.ts';

export async function doctor(
  operation: Extract<Operation, { kind: 'doctor' }>,
  environment: Environment,
): Promise<number> {
  const { file, output, cluster } = operation;
  const next = file === undefined ? undefined : await readNext(file, environment);
  if (next !== undefined && file !== undefined && next.config === undefined)
    return lint({ kind: 'lint', files: [file], output }, next.again);
  const examination = await examineCluster(operation, environment, next?.config);
  if (!printValue(environment, output, examination)) printFindings(examination.findings, environment);
  const { findings, isInstalled } = examination;
  const wrong = findings.filter(isWrong).length;
  const text = wrong === 0 ? 'nothing is wrong' : `${wrong} of ${countOf(findings.length, 'finding')} to be dealt with`;
  environment.err(`${text}${isInstalled ? '' : `; Berth is not installed in ${cluster.berthNamespace}`}\n`);
  if (wrong > 0) return EXIT.failed;
  return isInstalled ? EXIT.ok : EXIT.noSpeaker;
}

async function examineCluster(
  { cluster }: Extract<Operation, { kind: 'doctor' }>,
  { connect, clock }: Environment,
  config: PoolConfig | undefined,
): Promise<Examination> {
  const { api } = await connect(cluster);
  const [facts, objects] = await Promise.all([readSettledFacts(api, cluster, clock), readDoctorObjects(api)]);
  return examine(facts, objects, config);
}

function printFindings(findings: readonly Finding[], { out }: Environment): void {
  for (const { severity, text, why, command, page } of findings) {
    out(`${SEVERITY_WORDS[severity]}: ${text}\n`, SEVERITY_TONES[severity]);
    out(`  why: ${why}\n`);
    if (command !== undefined) out(`  do:  ${command}\n`);
    if (page !== undefined) out(`  see: ${page}\n`);
    out('\n');
  }
}
