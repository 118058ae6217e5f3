// SPDX-License-Identifier: Apache-2.0
/** Carries out an operation; returns the exit code. */
import { explain } from './commands/explain.ts';
import { lint } from './commands/lint.ts';
import { pools } from './commands/pools.ts';
import { preview } from './commands/preview.ts';
import { renumber } from './commands/renumber.ts';
import { uninstall } from './commands/uninstall.ts';
import { type Environment, EXIT } from './environment.ts';
import type { Operation } from './operation.ts';

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
    case 'renumber':
      return renumber(operation, environment);
    case 'uninstall':
      return uninstall(operation, environment);
  }
}
