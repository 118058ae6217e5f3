// SPDX-License-Identifier: Apache-2.0
/** Carries out an operation; returns the exit code. */
import { adopt } from './commands/adopt.ts';
import { bundle } from './commands/bundle.ts';
import { check } from './commands/check.ts';
import { complete, completion } from './commands/completion.ts';
import { dashboard } from './commands/dashboard.ts';
import { doctor } from './commands/doctor.ts';
import { drain, undrain } from './commands/drain.ts';
import { explain } from './commands/explain.ts';
import { history } from './commands/history.ts';
import { lint } from './commands/lint.ts';
import { migrateMetallb } from './commands/migrate.ts';
import { move } from './commands/move.ts';
import { poolRelease } from './commands/pool-release.ts';
import { pools } from './commands/pools.ts';
import { preview } from './commands/preview.ts';
import { rebalance } from './commands/rebalance.ts';
import { renumber } from './commands/renumber.ts';
import { rotateKey } from './commands/rotate-key.ts';
import { status } from './commands/status.ts';
import { uninstall } from './commands/uninstall.ts';
import { version } from './commands/version.ts';
import { vips } from './commands/vips.ts';
import { type Environment, EXIT } from './environment.ts';
import type { NodeOperation, Operation } from './operation.ts';
import { printable } from './printable.ts';
import { readOnly } from './read-only-api.ts';

export async function run(operation: Operation, environment: Environment): Promise<number> {
  const { out, err, connect } = environment;
  const isDryRun = 'isDryRun' in operation && operation.isDryRun;
  return runOn(operation, {
    ...environment,
    out: (text, tone) => out(printable(text), tone),
    err: (text, tone) => err(printable(text), tone),
    connect: async (cluster) => {
      const connection = await connect(cluster);
      return isDryRun ? { ...connection, api: readOnly(connection.api) } : connection;
    },
  });
}

function runOn(operation: Operation, environment: Environment): Promise<number> | number {
  switch (operation.kind) {
    case 'help':
      environment.out(operation.text);
      return EXIT.ok;
    case 'usage error':
      environment.err(operation.text);
      return EXIT.usage;
    case 'bundle':
      return bundle(operation, environment);
    case 'version':
      return version(operation, environment);
    case 'completion':
      return completion(operation, environment);
    case 'complete':
      return complete(operation, environment);
    case 'lint':
      return lint(operation, environment);
    case 'preview':
      return preview(operation, environment);
    case 'migrate metallb':
      return migrateMetallb(operation, environment);
    case 'doctor':
      return doctor(operation, environment);
    case 'explain':
      return explain(operation, environment);
    case 'vips':
      return vips(operation, environment);
    case 'history':
      return history(operation, environment);
    case 'dashboard':
      return dashboard(operation, environment);
    case 'pools':
      return pools(operation, environment);
    case 'pool release':
      return poolRelease(operation, environment);
    case 'adopt':
      return adopt(operation, environment);
    case 'renumber':
      return renumber(operation, environment);
    case 'uninstall':
      return uninstall(operation, environment);
    default:
      return runOnNodes(operation, environment);
  }
}

function runOnNodes(operation: NodeOperation, environment: Environment): Promise<number> {
  switch (operation.kind) {
    case 'status':
      return status(operation, environment);
    case 'move':
      return move(operation, environment);
    case 'drain':
      return drain(operation, environment);
    case 'undrain':
      return undrain(operation, environment);
    case 'rebalance':
      return rebalance(operation, environment);
    case 'check':
      return check(operation, environment);
    case 'rotate-key':
      return rotateKey(operation, environment);
  }
}
