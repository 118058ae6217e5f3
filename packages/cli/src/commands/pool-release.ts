// SPDX-License-Identifier: Apache-2.0
/** `kubectl berth pool release ADDRESS`: takes an address out of quarantine, so that Services may have it again. */
import { Allocator, describeQuarantine, type IpAddress, type LedgerWrite, releaseWrite } from '@berth/core';
import { configMaps, isKubeError, type KubeApi } from '@berth/kube';
import { readClusterState } from '../cluster-state.ts';
import { CommandError, type Environment, EXIT } from '../environment.ts';
import { readReports } from '../node-reports.ts';
import type { ClusterOptions, Operation } from '../operation.ts';

/** The controller writes the ledger too; so often a lost race is run again. */
const MAX_ATTEMPTS = 10;

export async function poolRelease(
  { address, cluster, isDryRun }: Extract<Operation, { kind: 'pool release' }>,
  environment: Environment,
): Promise<number> {
  const { api } = await environment.connect(cluster);
  if (isDryRun) {
    const { what } = await findQuarantine(api, cluster, address);
    environment.out(`${address} would be taken out of quarantine; ${what}\n`);
    return EXIT.ok;
  }
  const found = await release(api, cluster, address);
  environment.out(`${address} is no longer in quarantine; ${found}\n`);
  const reports = await readReports(api, cluster.berthNamespace, environment.clock);
  const nodes = reports.filter(({ state }) => state?.conflicts.some(({ vip }) => vip.equals(address)));
  if (nodes.length > 0) {
    const names = nodes.map(({ node }) => node).join(', ');
    environment.err(`still reported by ${names}, which will look again; where it is taken anew it goes back\n`);
  }
  return EXIT.ok;
}

/**
 * What was known of the address. The write is a compare-and-swap; the controller notices it and reads the ledger anew.
 */
async function release(api: KubeApi, cluster: ClusterOptions, address: IpAddress): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    const { write, what } = await findQuarantine(api, cluster, address);
    if (await isWritten(api, cluster, write)) return what.replace(' is used', ' was used');
    if (attempt === MAX_ATTEMPTS) throw new CommandError('the ledger changes all the time; try again');
  }
}

/** What is known of an address in quarantine, and the write that takes it out. */
async function findQuarantine(api: KubeApi, cluster: ClusterOptions, address: IpAddress) {
  const state = await readClusterState(api, cluster);
  const allocator = new Allocator(state);
  allocator.reset(state.ledger);
  const quarantine = allocator.table.get(address)?.quarantine;
  const write = releaseWrite(state.ledger, address);
  if (quarantine === undefined || write === undefined) throw new CommandError(`${address} is not in quarantine`);
  return { write, what: describeQuarantine(address, quarantine) };
}

async function isWritten(api: KubeApi, { berthNamespace }: ClusterOptions, write: LedgerWrite): Promise<boolean> {
  const body = write.kind === 'patch' ? write.patch : {};
  try {
    await api.patch(configMaps, { namespace: berthNamespace, name: write.name }, { type: 'merge', body });
    return true;
  } catch (error) {
    if (isKubeError(error, 'conflict')) return false;
    throw error;
  }
}
