// SPDX-License-Identifier: Apache-2.0
/** `kubectl berth preview FILE`: what an edit of the pools would mean for every Service. */
import { type ConfigPreview, type PoolConfig, parseConfigFiles, previewConfig, type ServiceOutlook } from '@berth/core';
import { type ClusterState, noteOnConfig, readClusterState } from '../cluster-state.ts';
import { CommandError, type Environment, EXIT } from '../environment.ts';
import type { Operation } from '../operation.ts';
import { formatJson, formatTable } from '../output.ts';
import { lint, readTexts } from './lint.ts';

export async function preview(
  operation: Extract<Operation, { kind: 'preview' }>,
  environment: Environment,
): Promise<number> {
  const { file, output, cluster } = operation;
  const next = await nextConfig(file, environment);
  if (next === undefined) return lint({ kind: 'lint', files: [file], output: 'text' }, environment);
  const { api } = await environment.connect(cluster);
  const state = await readClusterState(api, cluster);
  environment.err(noteOnConfig(state));
  const nowMs = environment.clock.date().getTime();
  const result = previewConfig(state.config, next, { ...state, nowMs });
  environment.out(output === 'json' ? formatJson(result) : formatPreview(result, state));
  return EXIT.ok;
}

/** The configuration of the file, undefined when it is refused. */
async function nextConfig(file: string, environment: Environment): Promise<PoolConfig | undefined> {
  const parsed = parseConfigFiles(await readTexts([file], environment));
  const [first, second] = parsed;
  if (first === undefined || second !== undefined)
    throw new CommandError(`${file}: wanted one ConfigMap ip-address-pools`);
  return first.ok ? first.config : undefined;
}

function formatPreview(preview: ConfigPreview, { requests }: ClusterState): string {
  const { stranded, recovered, gaining, waiting, staying } = preview;
  return [
    section('Stranded: they keep an address that the pools would no longer give them', stranded),
    section('Recovered: their address is in a pool that matches again', recovered),
    section('Gaining an address', gaining),
    section('Waiting: no address before and after', waiting),
    `${staying} of ${requests.length} Services stay as they are.\n`,
  ].join('');
}

function section(title: string, outlooks: readonly ServiceOutlook[]): string {
  if (outlooks.length === 0) return '';
  const rows = outlooks.map(({ service, addresses, reason, message }) => [
    `  ${service}`,
    addresses.join(' ') || '-',
    reason,
    message,
  ]);
  return `${title} (${outlooks.length}):\n${formatTable(rows)}\n`;
}
