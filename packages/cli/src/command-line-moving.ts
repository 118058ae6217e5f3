// SPDX-License-Identifier: Apache-2.0
/** The commands that bring a cluster from another LoadBalancer to Berth. */
import { type Command, Option } from 'commander';
import type { Choose } from './command-line-nodes.ts';
import type { ClusterOptions, Output } from './operation.ts';
import { outputOption, timeoutOption } from './options.ts';

/** For each step: pods start and end, and a Deployment is rolled out. */
const STEP_TIMEOUT_SECONDS = 120;

interface Flags {
  readonly apply: boolean;
  readonly rollback: boolean;
  readonly filename: string[];
  readonly output: Output;
  readonly timeout: number;
}

export function addMoving(program: Command, choose: Choose, cluster: () => ClusterOptions): void {
  program
    .command('migrate')
    .summary('moves a cluster from another LoadBalancer to Berth')
    .description('Moves a cluster from another LoadBalancer to Berth.')
    .command('metallb')
    .summary('moves a cluster from MetalLB to Berth, with all addresses')
    .description(
      'Shows what a move from MetalLB comes to: those Services first that would not keep their address, what has no counterpart, and the ConfigMap to apply. Nothing is written without --apply or --rollback. Ends with 1 where a Service would not go on as it is.',
    )
    .option(
      '-f, --filename <file>',
      'file with objects of MetalLB instead of those of the cluster; may be given again',
      append,
      [],
    )
    .addOption(
      new Option('--apply', 'move now, step by step, each of them checked').default(false).conflicts('rollback'),
    )
    .addOption(new Option('--rollback', 'go back to MetalLB, with all addresses').default(false))
    .addOption(outputOption())
    .addOption(timeoutOption(STEP_TIMEOUT_SECONDS))
    .action(({ apply, rollback, filename, output, timeout }: Flags) =>
      choose({
        ...{ kind: 'migrate metallb', action: rollback ? 'roll back' : apply ? 'apply' : 'plan' },
        ...{ files: filename, output, timeoutSeconds: timeout, cluster: cluster() },
      }),
    );
}

function append(value: string, before: string[]): string[] {
  return [...before, value];
}
