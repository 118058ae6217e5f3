// SPDX-License-Identifier: Apache-2.0
/** `kubectl berth pools`: how full each pool is, counted from the ledger, and which addresses strangers use. */
import { type AddressRecord, Allocator, poolReport } from '@berth/core';
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
  const quarantined = allocator.table.quarantined();
  if (output === 'json') {
    const ofRow = ({ pool, family }: (typeof usage)[number]) =>
      quarantined.filter((record) => record.pool === pool && record.address.family === family).map(factsOf);
    environment.out(formatJson(usage.map((row) => ({ ...row, quarantine: ofRow(row) }))));
    return EXIT.ok;
  }
  environment.out(formatTable(usageRows(usage)));
  if (quarantined.length > 0) environment.out(`\n${formatTable(quarantineRows(quarantined))}`);
  return EXIT.ok;
}

function quarantineRows(quarantined: readonly AddressRecord[]): string[][] {
  const rows = quarantined
    .map(factsOf)
    .map(({ address, mac, node, interface: ifname, since }) => [...[address, mac, `${node} on ${ifname}`, since]]);
  return [['IN QUARANTINE', 'USED BY', 'SEEN BY', 'SINCE'], ...rows];
}

function factsOf({ address, quarantine }: AddressRecord) {
  return {
    address: String(address),
    mac: String(quarantine?.mac ?? ''),
    node: quarantine?.node ?? '',
    interface: quarantine?.interface ?? '',
    since: new Date(quarantine?.sinceMs ?? 0).toISOString(),
  };
}
