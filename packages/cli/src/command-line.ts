// SPDX-License-Identifier: Apache-2.0
/** Reads the arguments into an operation. Nothing is carried out here, and nothing is printed. */
import { DEFAULT_LOAD_BALANCER_CLASS, type IpAddress } from '@berth/core';
import type { AccessChoice } from '@berth/kube';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { addMoving } from './command-line-moving.ts';
import { addOnNodes, type Choose } from './command-line-nodes.ts';
import { addReports } from './command-line-reports.ts';
import { addSelf } from './command-line-self.ts';
import { exitHelp } from './exit-texts.ts';
import type { ClusterOptions, Operation, Output, ServiceName } from './operation.ts';
import {
  dryRunOption,
  outputOption,
  parseQuarantined,
  portOption,
  requestTimeoutOption,
  timeoutOption,
  watchOption,
} from './options.ts';

const RENUMBER_TIMEOUT_SECONDS = 30;

interface GlobalFlags extends AccessChoice, NamespaceFlag {
  readonly requestTimeout?: number;
  readonly berthNamespace: string;
  readonly loadBalancerClass: string;
}

/** `argv` without the program itself. A wrong command line is an operation too. */
export function parseCommandLine(argv: readonly string[]): Operation {
  const [verb, ...words] = argv;
  // Its words are those of another command line, options and all.
  if (verb === '__complete') return { kind: 'complete', words };
  let operation: Operation | undefined;
  const texts: string[] = [];
  const program = programFor((chosen) => {
    operation = chosen;
  });
  for (const command of withSubcommands(program)) {
    command
      .exitOverride()
      .configureOutput({ writeOut: (text) => texts.push(text), writeErr: (text) => texts.push(text) });
  }
  try {
    program.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { kind: error.exitCode === 0 ? 'help' : 'usage error', text: texts.join('') };
  }
  return operation ?? { kind: 'usage error', text: program.helpInformation() };
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

/** All commands with their options, as `--help` shows them; `choose` is called with what a command line says. */
export function programFor(choose: (operation: Operation) => void = () => {}): Command {
  const program = new Command('kubectl berth')
    .description('Shows and changes what Berth does, the LoadBalancer of this cluster.')
    .option(
      '--kubeconfig <file>',
      'kubeconfig to use; default: the files in KUBECONFIG, ~/.kube/config, the pod itself',
    )
    .option('--context <name>', 'context of the kubeconfig; default: current-context')
    .option('--cluster <name>', 'cluster of the kubeconfig; default: that of the context')
    .option('--user <name>', 'user of the kubeconfig; default: that of the context')
    .option('--as <name>', 'user to act as')
    .option('-n, --namespace <name>', 'namespace of the Service; default: that of the context')
    .addOption(requestTimeoutOption())
    .option('--berth-namespace <name>', 'namespace of Berth', 'berth-system')
    .option('--load-balancer-class <class>', 'class of the Services that Berth serves', DEFAULT_LOAD_BALANCER_CLASS)
    .addHelpText('after', exitHelp())
    .showHelpAfterError('(kubectl berth help tells more)');
  const cluster = (): ClusterOptions => clusterOf(program.opts<GlobalFlags>());
  const within = ({ namespace, name }: ServiceName): ServiceName => {
    return { namespace: namespace ?? program.opts<GlobalFlags>().namespace, name };
  };
  addOffline(program, choose);
  addReading(program, { choose, cluster, within });
  addWriting(program, { choose, cluster, within });
  addReports(program, choose, cluster);
  addMoving(program, choose, cluster);
  addOnNodes(program, choose, cluster);
  addSelf(program, choose, cluster);
  return program;
}

function addOffline(program: Command, choose: Choose): void {
  program
    .command('lint')
    .summary('finds everything that is wrong in pool configurations, without a cluster')
    .description(
      'Finds everything that is wrong in pool configurations, without a cluster. Of a folder it reads the .yaml, .yml and .json files that have pools in them; an empty file is a finding.',
    )
    .argument(
      '<file...>',
      'ConfigMap ip-address-pools, or bare IPAddressPool and L2Advertisement documents; a folder stands for what is in it, - for the standard input',
    )
    .addOption(outputOption())
    .action((files: string[], { output }: { output: Output }) => choose({ kind: 'lint', files, output }));
}

/** What the commands need to make an operation. */
interface Making {
  readonly choose: Choose;
  readonly cluster: () => ClusterOptions;
  /** The Service, in the namespace of the command line where its name has none. */
  readonly within: (service: ServiceName) => ServiceName;
}

function addReading(program: Command, { choose, cluster, within }: Making): void {
  program
    .command('preview')
    .summary('tells what would become of each Service if this configuration were applied')
    .description(
      'Tells what would become of each Service if this file were applied, by the rules of kubectl apply: bare documents take the place of those of their kind and name in the ConfigMap, and what stays beside the file is named. Nothing is written. Ends with 4 where Services would be stranded: they would keep an address that the pools no longer give.',
    )
    .argument('<file>', 'ConfigMap ip-address-pools, or bare documents; - is the standard input')
    .addOption(outputOption())
    .action((file: string, { output }: { output: Output }) =>
      choose({ kind: 'preview', file, output, cluster: cluster() }),
    );
  program
    .command('explain')
    .summary('tells why a Service has its address, or none')
    .description(
      'Tells why a Service has its address, or none, and who answers for it since when and why: its wishes, the ledger, each pool, and what would be decided now.',
    )
    .argument('<service>', 'NAME or NAMESPACE/NAME', parseServiceName)
    .addOption(outputOption())
    .action((service: ServiceName, { output }: { output: Output }) =>
      choose({ kind: 'explain', service: within(service), output, cluster: cluster() }),
    );
  program
    .command('dashboard')
    .summary('opens a page about this cluster in your browser')
    .description(
      'Opens a page about this cluster in your browser, served by this command on 127.0.0.1 until Ctrl-C, or a minute after the page was closed. Nothing is written.',
    )
    .addOption(portOption())
    .option('--no-open', 'only print the address')
    .action(({ port, open }: { port: number; open: boolean }) =>
      choose({ kind: 'dashboard', port, opens: open, cluster: cluster() }),
    );
  program
    .command('pools')
    .summary('shows how full each pool is')
    .description('Shows how full each pool is, counted from the ledger, and which addresses are in quarantine.')
    .addOption(outputOption())
    .addOption(watchOption())
    .action(({ output, watch }: { output: Output; watch: boolean }) =>
      choose({ kind: 'pools', output, isWatching: watch, cluster: cluster() }),
    );
}

interface DryRun {
  readonly dryRun: boolean;
}

function addWriting(program: Command, { choose, cluster, within }: Making): void {
  program
    .command('pool')
    .summary('changes what is known of addresses')
    .description('Changes what is known of addresses.')
    .command('release')
    .summary('takes an address out of quarantine')
    .description('Takes an address out of quarantine, once whoever used it beside Berth is gone.')
    .argument('<address>', 'as kubectl berth pools shows it', parseQuarantined)
    .addOption(dryRunOption())
    .action((address: IpAddress, { dryRun }: DryRun) =>
      choose({ kind: 'pool release', address, isDryRun: dryRun, cluster: cluster() }),
    );
  program
    .command('adopt')
    .summary('takes over a Service whose addresses another LoadBalancer gave')
    .description(
      'Takes over a Service whose addresses another LoadBalancer gave: as they are, or with others out of the pools.',
    )
    .argument('<service>', 'NAME or NAMESPACE/NAME', parseServiceName)
    .option('--renumber', 'with addresses out of the pools instead of those that it shows', false)
    .addOption(dryRunOption())
    .addOption(timeoutOption(RENUMBER_TIMEOUT_SECONDS))
    .action((service: ServiceName, { timeout, renumber, dryRun }: DryRun & { timeout: number; renumber: boolean }) =>
      choose({
        ...{ kind: 'adopt', service: within(service), isRenumbering: renumber, isDryRun: dryRun },
        ...{ timeoutSeconds: timeout, cluster: cluster() },
      }),
    );
  program
    .command('renumber')
    .summary('gives a Service another address')
    .description(
      'Gives a Service another address, e.g. where a pool edit left it outside the pools. Refused where the Service itself asks for the one that it has, with the place.',
    )
    .argument('<service>', 'NAME or NAMESPACE/NAME', parseServiceName)
    .addOption(dryRunOption())
    .addOption(timeoutOption(RENUMBER_TIMEOUT_SECONDS))
    .action((service: ServiceName, { timeout, dryRun }: DryRun & { timeout: number }) =>
      choose({
        ...{ kind: 'renumber', service: within(service), isDryRun: dryRun },
        ...{ timeoutSeconds: timeout, cluster: cluster() },
      }),
    );
  program
    .command('uninstall')
    .summary('takes everything of Berth from all Services')
    .description(
      'Takes finalizers, addresses, conditions and annotations of Berth from all Services, and deletes ledger, history and Lease. A controller that still runs is scaled to 0 first.',
    )
    .addOption(dryRunOption())
    .action(({ dryRun }: DryRun) => choose({ kind: 'uninstall', isDryRun: dryRun, cluster: cluster() }));
}

interface NamespaceFlag {
  readonly namespace?: string;
}

function clusterOf(flags: GlobalFlags): ClusterOptions {
  const { kubeconfig, context, cluster, user, as, requestTimeout, berthNamespace, loadBalancerClass } = flags;
  const access = { kubeconfig, context, cluster, user, as };
  return { access, requestTimeoutMs: requestTimeout, berthNamespace, loadBalancerClass };
}

function parseServiceName(text: string): ServiceName {
  const parts = text.split('/');
  const [first = '', second] = parts[0] === 'service' || parts[0] === 'svc' ? parts.slice(1) : parts;
  if (parts.length > 2 || first === '' || second === '')
    throw new InvalidArgumentError('Wanted the NAME of a Service, or NAMESPACE/NAME.');
  return second === undefined ? { namespace: undefined, name: first } : { namespace: first, name: second };
}
