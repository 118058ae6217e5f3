// SPDX-License-Identifier: Apache-2.0
/** Reads the arguments into an operation. Nothing is carried out here, and nothing is printed. */
import { DEFAULT_LOAD_BALANCER_CLASS, type IpAddress } from '@berth/core';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { addOnNodes, type Choose } from './command-line-nodes.ts';
import type { ClusterOptions, Operation, Output, ServiceName } from './operation.ts';
import { outputOption, parseAddress, timeoutOption } from './options.ts';

const RENUMBER_TIMEOUT_SECONDS = 30;

interface GlobalFlags {
  readonly kubeconfig?: string;
  readonly berthNamespace: string;
  readonly loadBalancerClass: string;
}

/** `argv` without the program itself. A wrong command line is an operation too. */
export function parseCommandLine(argv: readonly string[]): Operation {
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

function programFor(choose: (operation: Operation) => void): Command {
  const program = new Command('kubectl berth')
    .description('Asks and tells Berth, the LoadBalancer of this cluster.')
    .option('--kubeconfig <file>', 'kubeconfig to use; default: as kubectl finds it')
    .option('--berth-namespace <name>', 'namespace of Berth', 'berth-system')
    .option('--load-balancer-class <class>', 'class of the Services that Berth serves', DEFAULT_LOAD_BALANCER_CLASS)
    .showHelpAfterError('(kubectl berth help tells more)');
  const cluster = (): ClusterOptions => clusterOf(program.opts<GlobalFlags>());
  addOffline(program, choose);
  addReading(program, choose, cluster);
  addWriting(program, choose, cluster);
  addOnNodes(program, choose, cluster);
  return program;
}

function addOffline(program: Command, choose: Choose): void {
  program
    .command('lint')
    .description('Finds everything that is wrong in pool configurations, without a cluster.')
    .argument(
      '<file...>',
      'ConfigMap ip-address-pools, or bare IPAddressPool and L2Advertisement documents; - is the standard input',
    )
    .addOption(outputOption())
    .action((files: string[], { output }: { output: Output }) => choose({ kind: 'lint', files, output }));
}

function addReading(program: Command, choose: Choose, cluster: () => ClusterOptions): void {
  program
    .command('preview')
    .description('Tells what would become of each Service if this configuration were applied. Nothing is written.')
    .argument('<file>', 'ConfigMap ip-address-pools, or bare documents; - is the standard input')
    .addOption(outputOption())
    .action((file: string, { output }: { output: Output }) =>
      choose({ kind: 'preview', file, output, cluster: cluster() }),
    );
  program
    .command('explain')
    .description('Tells why a Service has its address, or none, and who answers for it since when and why.')
    .argument('<service>', 'NAME or NAMESPACE/NAME', parseServiceName)
    .option('-n, --namespace <name>', 'namespace of the Service')
    .action((service: ServiceName, flags: NamespaceFlag) =>
      choose({ kind: 'explain', service: within(service, flags), cluster: cluster() }),
    );
  program
    .command('pools')
    .description('Shows how full each pool is.')
    .addOption(outputOption())
    .action(({ output }: { output: Output }) => choose({ kind: 'pools', output, cluster: cluster() }));
}

function addWriting(program: Command, choose: Choose, cluster: () => ClusterOptions): void {
  program
    .command('pool')
    .description('Changes what is known of addresses.')
    .command('release')
    .description('Takes an address out of quarantine, once whoever used it beside Berth is gone.')
    .argument('<address>', 'as kubectl berth pools shows it', parseAddress)
    .action((address: IpAddress) => choose({ kind: 'pool release', address, cluster: cluster() }));
  program
    .command('renumber')
    .description('Gives a Service another address, e.g. where a pool edit left it outside the pools.')
    .argument('<service>', 'NAME or NAMESPACE/NAME', parseServiceName)
    .option('-n, --namespace <name>', 'namespace of the Service')
    .addOption(timeoutOption(RENUMBER_TIMEOUT_SECONDS))
    .action((service: ServiceName, flags: NamespaceFlag & { timeout: number }) =>
      choose({ kind: 'renumber', service: within(service, flags), timeoutSeconds: flags.timeout, cluster: cluster() }),
    );
  program
    .command('uninstall')
    .description(
      'Takes finalizers, addresses, conditions and annotations of Berth from all Services, and deletes ledger and Lease.',
    )
    .option('--dry-run', 'only tell what would be done', false)
    .action(({ dryRun }: { dryRun: boolean }) => choose({ kind: 'uninstall', isDryRun: dryRun, cluster: cluster() }));
}

interface NamespaceFlag {
  readonly namespace?: string;
}

function clusterOf({ kubeconfig, berthNamespace, loadBalancerClass }: GlobalFlags): ClusterOptions {
  return { kubeconfig, berthNamespace, loadBalancerClass };
}

function within(service: ServiceName, { namespace }: NamespaceFlag): ServiceName {
  return { ...service, namespace: service.namespace ?? namespace };
}

function parseServiceName(text: string): ServiceName {
  const parts = text.split('/');
  const [first = '', second] = parts[0] === 'service' || parts[0] === 'svc' ? parts.slice(1) : parts;
  if (parts.length > 2 || first === '' || second === '')
    throw new InvalidArgumentError('Wanted NAME or NAMESPACE/NAME.');
  return second === undefined ? { namespace: undefined, name: first } : { namespace: first, name: second };
}
