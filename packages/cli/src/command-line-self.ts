// SPDX-License-Identifier: Apache-2.0
/** The commands about this program itself. */
import { Argument, type Command } from 'commander';
import type { Choose } from './command-line-nodes.ts';
import { SHELLS, type Shell } from './completion/scripts.ts';
import type { ClusterOptions, Output } from './operation.ts';
import { outputOption } from './options.ts';

export function addSelf(program: Command, choose: Choose, cluster: () => ClusterOptions): void {
  program
    .command('version')
    .summary('shows the version of this client and of each pod')
    .description('Shows the version of this client and of each pod, and says where they are not the same.')
    .option('--client', 'of this client alone, without a cluster', false)
    .addOption(outputOption())
    .action(({ client, output }: { client: boolean; output: Output }) =>
      choose({ kind: 'version', isClientOnly: client, output, cluster: cluster() }),
    );
  program
    .command('completion')
    .summary('prints what your shell needs to complete commands and names')
    .description(
      'Prints what your shell needs to complete commands, options, and the VIPs, nodes and Services of the cluster. Those for bash, zsh and fish complete kubectl-berth; that for kubectl completes kubectl berth in all of them.',
    )
    .addArgument(new Argument('<shell>', 'bash, zsh, fish or kubectl').choices(SHELLS))
    .addHelpText('after', HOW)
    .action((shell: Shell) => choose({ kind: 'completion', shell }));
}

const HOW = `
  source <(kubectl berth completion bash)          # in ~/.bashrc
  source <(kubectl berth completion zsh)           # in ~/.zshrc, after compinit
  kubectl berth completion fish > ~/.config/fish/completions/kubectl-berth.fish
  kubectl berth completion kubectl > ~/bin/kubectl_complete-berth; chmod +x ~/bin/kubectl_complete-berth`;
