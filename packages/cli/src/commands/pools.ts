// SPDX-License-Identifier: Apache-2.0
/** `kubectl berth pools`: how full each pool is, counted from the ledger. */
import { Allocator, poolReport } from '@berth/core';
import { noteOnConfig, readClusterState } from '../cluster-state.ts';
import { type Environment, EXIT } from '../environment.ts';
import type { Operation } from '../operation.ts';
import { formatJson, formatTable, usageRows } from '../output.ts';

export async function pools(
  { output, cluster }: Extract<Operation, { kind: 'pools' }>,
  environment: Environment,
): Promise<number> {
  const { api } = await environment.connect(cluster);
  const state = await readClusterState(api, cluster);
  environment.err(noteOnConfig(state));
  const allocator = new Allocator(state);
  for (const { object, key, message } of allocator.reset(state.ledger)) {
    environment.err(`ledger ${object}: ${key}: ${message}\n`);
  }
  const usage = poolReport(allocator, environment.clock.date().getTime());
  environment.out(output === 'json' ? formatJson(usage) : formatTable(usageRows(usage)));
  return EXIT.ok;
}
