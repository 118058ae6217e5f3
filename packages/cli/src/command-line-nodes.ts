// SPDX-License-Identifier: Apache-2.0
/** The commands about nodes and about who answers for which VIP. */
import type { IpAddress } from '@berth/core';
import type { Command } from 'commander';
import type { ClusterOptions, Operation, Output } from './operation.ts';
import { outputOption, parseAddress, timeoutOption } from './options.ts';

/** Hand-overs take a fraction of a second; what people wait for is that the nodes tell of them. */
const TIMEOUT_SECONDS = 30;
/** VIPs move one a second. */
const REBALANCE_TIMEOUT_SECONDS = 300;

interface Timeout {
  readonly timeout: number;
}

interface Force {
  readonly force: boolean;
}

/** Told what the command line says. */
export type Choose = (operation: Operation) => void;

export function addOnNodes(program: Command, choose: Choose, cluster: () => ClusterOptions): void {
  program
    .command('status')
    .description('Shows each node: what answers, whom it hears, how many VIPs it owns, and all that is not well.')
    .addOption(outputOption())
    .action(({ output }: { output: Output }) => choose({ kind: 'status', output, cluster: cluster() }));
  program
    .command('move')
    .description('Moves a VIP to another node, without a gap.')
    .argument('<vip>', 'address of a Service', parseAddress)
    .argument('<node>', 'name of the node')
    .addOption(timeoutOption(TIMEOUT_SECONDS))
    .action((vip: IpAddress, node: string, { timeout }: Timeout) =>
      choose({ kind: 'move', vip, node, timeoutSeconds: timeout, cluster: cluster() }),
    );
  program
    .command('rebalance')
    .description('Evens out once how many VIPs each node owns, one VIP after the other, without a gap.')
    .addOption(timeoutOption(REBALANCE_TIMEOUT_SECONDS))
    .action(({ timeout }: Timeout) => choose({ kind: 'rebalance', timeoutSeconds: timeout, cluster: cluster() }));
  addDraining(program, choose, cluster);
  program
    .command('check')
    .description(
      'Has each node ask on the wire who answers for a VIP, or for all VIPs of other nodes, and shows what they hear.',
    )
    .argument('[vip]', 'address of a Service', parseAddress)
    .addOption(outputOption())
    .addOption(timeoutOption(TIMEOUT_SECONDS))
    .action((vip: IpAddress | undefined, { output, timeout }: Timeout & { output: Output }) =>
      choose({ kind: 'check', vip, output, timeoutSeconds: timeout, cluster: cluster() }),
    );
  program
    .command('rotate-key')
    .description('Gives the heartbeats a new key; the old one is accepted until all nodes have it.')
    .option('--force', 'even while another rotation is under way', false)
    .addOption(timeoutOption(TIMEOUT_SECONDS))
    .action(({ force, timeout }: Force & Timeout) =>
      choose({ kind: 'rotate-key', isForced: force, timeoutSeconds: timeout, cluster: cluster() }),
    );
}

function addDraining(program: Command, choose: Choose, cluster: () => ClusterOptions): void {
  program
    .command('drain')
    .description('Hands over all VIPs of a node, without a gap, and gives it no more until it is undrained.')
    .argument('<node>', 'name of the node')
    .option('--force', 'even if nobody else can answer for some of them', false)
    .addOption(timeoutOption(TIMEOUT_SECONDS))
    .action((node: string, { force, timeout }: Force & Timeout) =>
      choose({ kind: 'drain', node, isForced: force, timeoutSeconds: timeout, cluster: cluster() }),
    );
  program
    .command('undrain')
    .description('Lets a node own VIPs again.')
    .argument('<node>', 'name of the node')
    .addOption(timeoutOption(TIMEOUT_SECONDS))
    .action((node: string, { timeout }: Timeout) =>
      choose({ kind: 'undrain', node, timeoutSeconds: timeout, cluster: cluster() }),
    );
}
