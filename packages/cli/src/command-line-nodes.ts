// SPDX-License-Identifier: Apache-2.0
/** The commands about nodes and about who answers for which VIP. */
import type { IpAddress } from '@berth/core';
import type { Command } from 'commander';
import { nodeName } from './names.ts';
import type { ClusterOptions, Operation, Output } from './operation.ts';
import { dryRunOption, outputOption, parseVip, timeoutOption, watchOption } from './options.ts';

/** Hand-overs take a fraction of a second; what people wait for is that the nodes tell of them. */
const TIMEOUT_SECONDS = 30;
/** VIPs move one a second. */
const REBALANCE_TIMEOUT_SECONDS = 300;

interface Timeout {
  readonly timeout: number;
}

/** Flags of what changes something and waits for the outcome. */
interface Change extends Timeout {
  readonly dryRun: boolean;
}

interface Force {
  readonly force: boolean;
}

/** Called with what the command line says. */
export type Choose = (operation: Operation) => void;

export function addOnNodes(program: Command, choose: Choose, cluster: () => ClusterOptions): void {
  program
    .command('status')
    .summary('shows each node, and all that is not well')
    .description(
      'Shows each node: what answers, whom it hears, how many VIPs it owns; and all that is not well, of nodes, pools, Services and the leader. Ends with 1 when something is wrong, and with 3 when no speaker is there. With -o wide each problem has the command that ends it, and its runbook.',
    )
    .addOption(outputOption())
    .addOption(watchOption())
    .action(({ output, watch }: { output: Output; watch: boolean }) =>
      choose({ kind: 'status', output, isWatching: watch, cluster: cluster() }),
    );
  program
    .command('move')
    .summary('moves a VIP to another node, without a gap')
    .description('Moves a VIP to another node, without a gap.')
    .argument('<vip>', 'address of a Service', parseVip)
    .argument('<node>', 'name of the node', nodeName)
    .addOption(dryRunOption())
    .addOption(timeoutOption(TIMEOUT_SECONDS))
    .action((vip: IpAddress, node: string, { timeout, dryRun }: Change) =>
      choose({ kind: 'move', vip, node, isDryRun: dryRun, timeoutSeconds: timeout, cluster: cluster() }),
    );
  program
    .command('rebalance')
    .summary('evens out once how many VIPs each node owns')
    .description('Evens out once how many VIPs each node owns, one VIP after the other, without a gap.')
    .addOption(dryRunOption())
    .addOption(timeoutOption(REBALANCE_TIMEOUT_SECONDS))
    .action(({ timeout, dryRun }: Change) =>
      choose({ kind: 'rebalance', isDryRun: dryRun, timeoutSeconds: timeout, cluster: cluster() }),
    );
  addDraining(program, choose, cluster);
  program
    .command('check')
    .summary('has each node ask on the wire who answers for a VIP')
    .description(
      'Has each node ask on the wire who answers for a VIP, or for all VIPs of other nodes, and shows what they hear. Ends with 1 when an answer is wrong or missing.',
    )
    .argument('[vip]', 'address of a Service', parseVip)
    .addOption(outputOption())
    .addOption(timeoutOption(TIMEOUT_SECONDS))
    .action((vip: IpAddress | undefined, { output, timeout }: Timeout & { output: Output }) =>
      choose({ kind: 'check', vip, output, timeoutSeconds: timeout, cluster: cluster() }),
    );
  program
    .command('rotate-key')
    .summary('gives the heartbeats a new key')
    .description('Gives the heartbeats a new key; the old one is accepted until all nodes have it.')
    .option('--force', 'even while another rotation is under way', false)
    .addOption(dryRunOption())
    .addOption(timeoutOption(TIMEOUT_SECONDS))
    .action(({ force, timeout, dryRun }: Force & Change) =>
      choose({ kind: 'rotate-key', isForced: force, isDryRun: dryRun, timeoutSeconds: timeout, cluster: cluster() }),
    );
}

function addDraining(program: Command, choose: Choose, cluster: () => ClusterOptions): void {
  program
    .command('drain')
    .summary('hands over all VIPs of a node, and gives it no more')
    .description('Hands over all VIPs of a node, without a gap, and gives it no more until it is undrained.')
    .argument('<node>', 'name of the node', nodeName)
    .option('--force', 'even if no one else can answer for some of them', false)
    .option(
      '--wait',
      'end when the last connection that the node keeps has ended, however long that takes; --timeout is for the hand-over',
      false,
    )
    .addOption(dryRunOption())
    .addOption(timeoutOption(TIMEOUT_SECONDS))
    .action((node: string, { force, wait, timeout, dryRun }: Force & Change & { readonly wait: boolean }) =>
      choose({
        ...{ kind: 'drain', node, isForced: force, isPatient: wait, isDryRun: dryRun, timeoutSeconds: timeout },
        cluster: cluster(),
      }),
    );
  program
    .command('undrain')
    .summary('lets a node own VIPs again')
    .description(
      'Lets a node own VIPs again. It gets its share by itself where no connection breaks; rebalance brings it at once.',
    )
    .argument('<node>', 'name of the node', nodeName)
    .addOption(dryRunOption())
    .addOption(timeoutOption(TIMEOUT_SECONDS))
    .action((node: string, { timeout, dryRun }: Change) =>
      choose({ kind: 'undrain', node, isDryRun: dryRun, timeoutSeconds: timeout, cluster: cluster() }),
    );
}
