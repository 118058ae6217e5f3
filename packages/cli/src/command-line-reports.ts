// SPDX-License-Identifier: Apache-2.0
/** The commands that show what is and what was. */
import type { Command } from 'commander';
import type { Choose } from './command-line-nodes.ts';
import type { ClusterOptions, Output } from './operation.ts';
import { logLinesOption, outputOption, sinceOption, watchOption } from './options.ts';

export function addReports(program: Command, choose: Choose, cluster: () => ClusterOptions): void {
  program
    .command('doctor')
    .summary('finds what is wrong in a cluster, or will be')
    .description(
      'Finds what is wrong in a cluster, or will be: before Berth is installed and afterwards. Nothing is written. Ends with 1 where something has to be done, with 3 where only Berth is missing.',
    )
    .option('-f, --filename <file>', 'pools to judge instead of those in force; - is the standard input')
    .addOption(outputOption())
    .action(({ filename, output }: { filename?: string; output: Output }) =>
      choose({ kind: 'doctor', file: filename, output, cluster: cluster() }),
    );
  program
    .command('vips')
    .summary('shows each address with its Service, and who answers for it')
    .description(
      'Shows each address with its Service, who answers for it since when and why, and whether it is reached. With -o wide also the pool, the nodes that can serve it (any, or with externalTrafficPolicy: Local those with an endpoint) and a remark.',
    )
    .addOption(outputOption())
    .addOption(watchOption())
    .action(({ output, watch }: { output: Output; watch: boolean }) =>
      choose({ kind: 'vips', output, isWatching: watch, cluster: cluster() }),
    );
  program
    .command('history')
    .summary('shows who answered for what and when, and why that changed')
    .description(
      'Shows who answered for what and when, why that changed and how long no one answered; and conflicts, drains, restarts, outages and refused configurations beside it.',
    )
    .argument('[about]', 'an address, a Service (NAME or NAMESPACE/NAME) or a node; default: all')
    .addOption(sinceOption())
    .addOption(outputOption())
    .action((about: string | undefined, { since, output }: { since?: number; output: Output }) =>
      choose({
        ...{ kind: 'history', about, namespace: program.opts<{ namespace?: string }>().namespace },
        ...{ sinceMs: since, output, cluster: cluster() },
      }),
    );
  program
    .command('bundle')
    .summary('writes an archive for whoever is to help')
    .description(
      'Writes an archive (tar) for whoever is to help: what status, explain and history read, the logs of the pods of Berth, and what these commands say. Secrets are not read; keys, tokens and values of the environment are left out.',
    )
    .option('-f, --file <path>', 'where to write it, - for the standard output; default: berth-bundle-TIME.tar')
    .addOption(logLinesOption())
    .action(({ file, logLines }: { file?: string; logLines: number }) =>
      choose({ kind: 'bundle', file, logLines, cluster: cluster() }),
    );
}
