// SPDX-License-Identifier: Apache-2.0
/** Carries out an operation; returns the exit code. */
import { check } from './commands/check.ts';
import { drain, undrain } from './commands/drain.ts';
import { explain } from './commands/explain.ts';
import { lint } from './commands/lint.ts';
import { move } from './commands/move.ts';
import { poolRelease } from './commands/pool-release.ts';
import { pools } from './commands/pools.ts';
import { preview } from './commands/preview.ts';
import { rebalance } from './commands/rebalance.ts';
import { renumber } from './commands/renumber.ts';
import { rotateKey } from './commands/rotate-key.ts';
import { status } from './commands/status.ts';
import { uninstall } from './commands/uninstall.ts';
import { type Environment, EXIT } from './environment.ts';
import type { NodeOperation, Operation } from './operation.ts';

export async function run(operation: Operation, environment: Environment): Promise<number> {
  switch (operation.kind) {
    case 'help':
      environment.out(operation.text);
      return EXIT.ok;
    case 'usage error':
      environment.err(operation.text);
      return EXIT.usage;
    case 'lint':
      return lint(operation, environment);
    case 'preview':
      return preview(operation, environment);
    case 'explain':
      return explain(operation, environment);
    case 'pools':
      return pools(operation, environment);
    case 'pool release':
      return poolRelease(operation, environment);
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
