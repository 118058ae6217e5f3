// SPDX-License-Identifier: Apache-2.0

// The commands of `npm run lab`: each turns its arguments into one call of the
// Lab class. Results go to `output`, what is being done to `messages`.

import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { MAX_NODES, MAX_SEGMENTS } from './address-plan.ts';
import { installBerth } from './berth.ts';
import { formatEnvironment } from './environment.ts';
import { FAULT_TARGETS, type Fault, type FaultTarget } from './faults.ts';
import { KUBERNETES_VERSIONS, type KubernetesVersion, minorOf, parseKubernetesVersion } from './kubernetes-versions.ts';
import { DEFAULT_NAME, Lab, type LabOptions } from './lab.ts';
import type { ProgressOutput } from './progress.ts';
import { KUBE_PROXY_MODES } from './state.ts';
import { formatStatus, statusOf } from './status.ts';
import { runInTerminal } from './terminal.ts';

/** What the commands call: the Lab class, or a fake of it. */
export type LabEntry = Pick<typeof Lab, 'up' | 'attach' | 'down'>;

export interface UpFlags extends Omit<LabOptions, 'report'> {
  /** Install Berth from this tree too. */
  readonly berth?: true;
}

const FAULT_TEXTS: Readonly<Record<Fault, string>> = {
  freeze: 'stop the processes where they are (SIGSTOP); the kernel of the node goes on',
  thaw: 'let frozen processes go on (SIGCONT)',
  kill: 'kill (SIGKILL) the speaker, or all that runs on the node until the next `up`',
};

/** The lab that a command names. */
type Attach = (self: Command) => Promise<Lab>;

interface Context {
  readonly output: ProgressOutput;
  readonly messages: ProgressOutput;
  readonly labs: LabEntry;
}

/** The command line; `parseAsync` runs one command. */
export function commandLine(output: ProgressOutput, messages: ProgressOutput, labs: LabEntry = Lab): Command {
  const context = { output, messages, labs };
  const attach = (self: Command) => labs.attach(labName(self));
  const program = new Command('npm run lab --')
    .description('a real Kubernetes cluster on this machine, in network namespaces')
    .addOption(nameOption())
    .enablePositionalOptions();
  program.addCommand(upCommand(context));
  program.addCommand(
    command('env', 'print KUBECONFIG, LAN, POOL and the namespace of each host').action(async (_flags, self) => {
      output.write(formatEnvironment(await attach(self)));
    }),
  );
  program.addCommand(
    passThrough('kubectl', 'kubectl against the lab').action(async (args: string[], _flags, self) => {
      const lab = await attach(self);
      process.exitCode = await runInTerminal([lab.program('kubectl'), ...args], { KUBECONFIG: lab.kubeconfig });
    }),
  );
  program.addCommand(execCommand(attach));
  program.addCommand(cableCommand(attach));
  for (const fault of ['freeze', 'thaw', 'kill'] as const) program.addCommand(faultCommand(fault, attach));
  program.addCommand(
    command('load', 'import an OCI or docker archive into every node')
      .argument('<archive>', 'the .tar file')
      .action(async (archive: string, _flags, self) => (await attach(self)).load(archive)),
  );
  program.addCommand(
    command('status', 'show hosts, cables, programs and nodes').action(async (_flags, self) => {
      output.write(formatStatus(await statusOf(await attach(self))));
    }),
  );
  program.addCommand(
    command('down', 'remove every process, mount, namespace and link of the lab').action(async (_flags, self) =>
      labs.down(labName(self)),
    ),
  );
  return program;
}

function upCommand({ messages, labs }: Context): Command {
  return command('up', 'bring the lab up, or back to health; the shape of one that is up stays')
    .addOption(
      new Option('--nodes <count>', `cluster nodes, 0 for a control plane alone (default: 3)`).argParser(
        upTo(MAX_NODES),
      ),
    )
    .addOption(new Option('--family <family>', 'address family (default: dual)').choices(['ipv4', 'ipv6', 'dual']))
    .addOption(new Option('--segments <count>', 'layer-2 segments (default: 1)').argParser(upTo(MAX_SEGMENTS)))
    .addOption(
      new Option('--node-grace-seconds <seconds>', 'a silent node turns NotReady after (default: 4)').argParser(
        upTo(600),
      ),
    )
    .addOption(
      new Option(
        '--kubernetes <version>',
        `one of ${KUBERNETES_VERSIONS.map(minorOf).join(', ')} (default: the first)`,
      ).argParser(kubernetesVersion),
    )
    .addOption(new Option('--kube-proxy <mode>', 'mode of kube-proxy (default: nftables)').choices(KUBE_PROXY_MODES))
    .option('--berth', 'also build Berth from this tree and install it')
    .action(async ({ berth, ...flags }: UpFlags, self: Command) => {
      const report = stopwatch(messages);
      const lab = await labs.up({ ...flags, name: labName(self), report });
      if (berth) await installBerth(lab, { report });
      report(`up: KUBECONFIG=${lab.kubeconfig}`);
    });
}

function execCommand(attach: Attach): Command {
  return command('exec', 'run a command in the network namespace of a host')
    .argument('<host>', 'cp, node-1 ..., client')
    .argument('<command...>')
    .passThroughOptions()
    .allowUnknownOption()
    .action(async (host: string, argv: string[], _flags, self) => {
      // Commander leaves the `--` of `exec HOST -- CMD` where it stands.
      const wanted = argv[0] === '--' ? argv.slice(1) : argv;
      process.exitCode = await runInTerminal((await attach(self)).argvOn(host, wanted));
    });
}

function cableCommand(attach: Attach): Command {
  return command('cable', 'pull or plug the cables of a host')
    .argument('<host>', 'cp, node-1 ..., client')
    .addArgument(new Argument('<position>').choices(['down', 'up']))
    .addOption(new Option('--segment <number>', 'only the cable on this segment').argParser(upTo(MAX_SEGMENTS)))
    .action(async (host: string, position: 'up' | 'down', flags: { segment?: number }, self: Command) => {
      await (await attach(self)).cable(host, position, flags.segment);
    });
}

function faultCommand(fault: Fault, attach: Attach): Command {
  return command(fault, FAULT_TEXTS[fault])
    .argument('<node>', 'node-1 ...')
    .addArgument(new Argument('[target]').choices(FAULT_TARGETS).default('speaker'))
    .action(async (node: string, target: FaultTarget, _flags, self) => {
      await (await attach(self))[fault](node, target);
    });
}

function command(name: string, description: string): Command {
  return new Command(name).description(description).addOption(nameOption());
}

function passThrough(name: string, description: string): Command {
  return command(name, description).argument('[args...]').passThroughOptions().allowUnknownOption().helpOption(false);
}

/** May stand before the command or right after it. */
function nameOption(): Option {
  return new Option('--name <name>', `which lab (default: ${DEFAULT_NAME})`);
}

function labName(self: Command): string {
  return self.optsWithGlobals<{ name?: string }>().name ?? self.opts<{ name?: string }>().name ?? DEFAULT_NAME;
}

function kubernetesVersion(text: string): KubernetesVersion {
  try {
    return parseKubernetesVersion(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

/** Parses a whole number from 0 to `most`. */
function upTo(most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value <= most) return value;
    throw new InvalidArgumentError(`want a whole number from 0 to ${most}.`);
  };
}

/** Prints each line with the seconds since the start. */
function stopwatch(messages: ProgressOutput): (line: string) => void {
  const startMs = performance.now();
  return (line) => messages.write(`lab ${((performance.now() - startMs) / 1000).toFixed(1).padStart(5)} s  ${line}\n`);
}
