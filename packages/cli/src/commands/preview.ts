// SPDX-License-Identifier: Apache-2.0
/**
 * `kubectl berth preview FILE`: what an edit of the pools would mean for every Service. Ends with 4 where Services
 * would be stranded.
 */
import {
  applyFiles,
  type ConfigPreview,
  formatProblem,
  type IpAddress,
  joinObjects,
  type NamedText,
  objectsWithout,
  POOL_CONFIG_MAP,
  type PoolConfig,
  parseConfigFiles,
  previewConfig,
  type ServiceOutlook,
  stayingText,
  wasAnnounced,
} from '@berth/core';
import { type ConfigMap, configMaps, keyOf } from '@berth/kube';
import { type ClusterState, findObject, noteOnConfig, readClusterState } from '../cluster-state.ts';
import { CommandError, type Environment, EXIT } from '../environment.ts';
import type { Operation, Output } from '../operation.ts';
import { countOf, printRows, printValue } from '../output.ts';
import type { Tone } from '../tone.ts';
import { lint, readTexts } from './lint.ts';

export async function preview(
  operation: Extract<Operation, { kind: 'preview' }>,
  environment: Environment,
): Promise<number> {
  const { file, output, cluster } = operation;
  const read = await readNext(file, environment);
  if (read.config === undefined) return lint({ kind: 'lint', files: [file], output }, read.again);
  const { api } = await environment.connect(cluster);
  const at = { namespace: cluster.berthNamespace, name: POOL_CONFIG_MAP };
  const [state, live] = await Promise.all([readClusterState(api, cluster), findObject(api, configMaps, at)]);
  environment.err(noteOnConfig(state));
  const next = nextIn(file, { texts: read.texts, live, state, environment });
  if (next === undefined) return EXIT.failed;
  const nowMs = environment.clock.date().getTime();
  const byKey = new Map(state.services.map((service) => [keyOf(service), service]));
  const used = (key: string, address: IpAddress) => wasAnnounced(byKey.get(key) ?? {}, address, nowMs);
  const result = previewConfig(state.config, next, { ...state, nowMs, wasAnnounced: used });
  if (!printValue(environment, output, result)) printPreview(result, state, { output, environment });
  return result.stranded.length > 0 ? EXIT.stranded : EXIT.ok;
}

interface Next {
  readonly texts: readonly NamedText[];
  /** Undefined: it is refused. */
  readonly config: PoolConfig | undefined;
  /** Reads the same once more: the standard input can be read once. */
  readonly again: Environment;
}

/** A file of pools by itself. */
export async function readNext(file: string, environment: Environment): Promise<Next> {
  const known = new Map<string, Promise<string>>();
  const readFile = (name: string) => {
    const text = known.get(name) ?? environment.readFile(name);
    known.set(name, text);
    return text;
  };
  const again = { ...environment, readFile };
  const { texts, missing } = await readTexts([file], again);
  if (missing.length > 0) return { texts, config: undefined, again };
  const [first, second] = parseConfigFiles(texts);
  if (first === undefined || second !== undefined)
    throw new CommandError(`${file}: wanted one ConfigMap ip-address-pools, or bare documents`);
  return { texts, config: first.ok ? first.config : undefined, again };
}

interface Applying {
  readonly texts: readonly NamedText[];
  /** The ConfigMap that is there. */
  readonly live: ConfigMap | undefined;
  readonly state: ClusterState;
  readonly environment: Environment;
}

/** What would be configured once the file is applied, undefined when that is refused; says what stays beside it. */
function nextIn(file: string, { texts, live, state, environment }: Applying): PoolConfig | undefined {
  const { err } = environment;
  const applied = applyFiles(texts, live);
  if (applied === undefined) return undefined;
  const { parsed, staying, objects } = applied;
  if (staying.length > 0) err(`${stayingText(file, staying)}\n`);
  if (!parsed.ok) {
    for (const problem of parsed.problems) err(`${formatProblem(problem)}\n`, 'bad');
    return undefined;
  }
  const joined = joinObjects(parsed.config, objectsWithout(state.metallbObjects, objects));
  for (const conflict of joined.conflicts) err(`${file}: ${conflict}\n`);
  if (joined.conflicts.length > 0) return undefined;
  for (const object of joined.replaced)
    err(`object ${object} of MetalLB must be deleted: while it is there, this file is refused\n`);
  return joined.config;
}

interface Printed {
  readonly output: Output;
  readonly environment: Environment;
}

function printPreview(preview: ConfigPreview, { requests }: ClusterState, printed: Printed): void {
  const { stranded, recovered, gaining, adopted, foreign, waiting, staying } = preview;
  section(['Stranded: they keep an address that the pools would no longer give them', 'bad'], stranded, printed);
  section(['Recovered: their address is in a pool that matches again', 'good'], recovered, printed);
  section(['Gaining an address', 'good'], gaining, printed);
  section(['Taken over as they are: somebody else gave their address'], adopted, printed);
  section(['Left alone: somebody else gave their address, and Berth does not announce it'], foreign, printed);
  section(['Waiting: no address before and after', 'warning'], waiting, printed);
  printed.environment.out(`Nothing changes for ${staying} of ${countOf(requests.length, 'Service')}.\n`);
}

function section(
  [title, tone]: [title: string, tone?: Tone],
  outlooks: readonly ServiceOutlook[],
  { output, environment }: Printed,
): void {
  if (outlooks.length === 0) return;
  const rows = outlooks.map(({ service, addresses, reason, message }) => [
    `  ${service}`,
    addresses.join(' ') || '-',
    reason,
    message,
  ]);
  environment.out(`${title} (${outlooks.length}):\n`, tone);
  printRows(environment, rows, { output });
  environment.out('\n');
}
