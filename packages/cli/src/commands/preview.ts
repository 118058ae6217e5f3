// SPDX-License-Identifier: Apache-2.0
/**
 * `kubectl berth preview FILE`: what an edit of the pools would mean for every Service. Ends with 4 where Services
 * would be stranded.
 */
import {
  type ConfigPreview,
  type IpAddress,
  joinObjects,
  type PoolConfig,
  parseConfigFiles,
  previewConfig,
  type ServiceOutlook,
  wasAnnounced,
} from '@berth/core';
import { keyOf } from '@berth/kube';
import { type ClusterState, noteOnConfig, readClusterState } from '../cluster-state.ts';
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
  const next = await nextConfig(file, environment);
  if (next === undefined) return lint({ kind: 'lint', files: [file], output }, environment);
  const { api } = await environment.connect(cluster);
  const state = await readClusterState(api, cluster);
  environment.err(noteOnConfig(state));
  const nowMs = environment.clock.date().getTime();
  const byKey = new Map(state.services.map((service) => [keyOf(service), service]));
  const used = (key: string, address: IpAddress) => wasAnnounced(byKey.get(key) ?? {}, address, nowMs);
  const joined = joinObjects(next, state.metallbObjects);
  for (const conflict of joined.conflicts) environment.err(`${file}: ${conflict}\n`);
  if (joined.conflicts.length > 0) return EXIT.failed;
  for (const object of joined.replaced)
    environment.err(`object ${object} of MetalLB must be deleted: while it is there, this file is refused\n`);
  const result = previewConfig(state.config, joined.config, { ...state, nowMs, wasAnnounced: used });
  if (!printValue(environment, output, result)) printPreview(result, state, { output, environment });
  return result.stranded.length > 0 ? EXIT.stranded : EXIT.ok;
}

/** The configuration of the file, undefined when it is refused. */
export async function nextConfig(file: string, environment: Environment): Promise<PoolConfig | undefined> {
  const { texts, missing } = await readTexts([file], environment);
  if (missing.length > 0) return undefined;
  const [first, second] = parseConfigFiles(texts);
  if (first === undefined || second !== undefined)
    throw new CommandError(`${file}: wanted one ConfigMap ip-address-pools`);
  return first.ok ? first.config : undefined;
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
