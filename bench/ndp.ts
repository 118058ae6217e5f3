// SPDX-License-Identifier: Apache-2.0

// How long a neighbor advertisement for a VIP takes, against the kernel's own for the node's address: the IPv6 twin of
// arp.ts. Client and node run on one CPU, so that the answer is measured and not the scheduler; needs root.

import type { EngineName } from '@berth/link';
import { buildAddon } from '../packages/link/build.ts';
import { solicitation } from '../packages/link/test/support/ndp-text.ts';
import { until, type WireHost, WireLan } from '../packages/link/test/support/wire-lan.ts';
import { buildNativeProgram } from './native-program.ts';
import { type BenchOptions, type BenchReport, figure, scenarioNamed, thisMachine } from './report.ts';

const CLIENT = '2001:db8:5::99';
const NODE = '2001:db8:5::10';
const VIP = '2001:db8:5::20';
/** Rounds per question unless asked otherwise, and requests in each. */
const ROUNDS = 20;
const REQUESTS = 500;
const ONE_CPU = '0';

interface Scenario {
  readonly engine: EngineName;
  /** Times the kernel's own answer, at most. */
  readonly atMost: number;
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  default: { engine: 'packet-socket', atMost: 4 },
  kernel: { engine: 'kernel', atMost: 1.3 },
};

/** Scenarios: `default` (the thread) and `kernel` (the program in the kernel). */
export async function run(options: BenchOptions): Promise<BenchReport> {
  const name = options.scenario ?? 'default';
  const scenario = scenarioNamed(SCENARIOS, name);
  const rounds = options.rounds ?? ROUNDS;
  options.progress('building the addon and the client');
  buildAddon();
  const client = buildNativeProgram('neighbor-client');
  const plan = { client: { addresses: [`${CLIENT}/64`] }, owner: { addresses: [`${NODE}/64`] } };
  const lan = await WireLan.up(plan, scenario.engine);
  try {
    const owner = lan.host('owner');
    await owner.call('answerOn', 'lan0');
    await owner.call('replace', [VIP, 'lan0']);
    await owner.call('keepFence', 1000);
    await Promise.all([owner, lan.host('client')].map(hasItsAddresses));
    owner.run('taskset', '--all-tasks', '--cpu-list', '--pid', ONE_CPU, String(owner.pid));
    options.progress(`${rounds} rounds of ${REQUESTS} questions for the VIP and for the node's own address`);
    const output = await ask(lan.host('client'), client, rounds);
    return report(output, { name, rounds, atMost: scenario.atMost });
  } finally {
    await lan.down();
  }
}

async function ask(host: WireHost, client: string, rounds: number): Promise<string> {
  const mac = await host.call('macOf', 'lan0');
  const questions = [VIP, NODE].map((target) => solicitation({ mac, from: CLIENT, target }));
  const argv = ['--cpu-list', ONE_CPU, client, 'lan0', String(rounds), String(REQUESTS), ...questions];
  const { code, output } = await host.attempt('taskset', ...argv);
  if (code !== 0) throw new Error(`bench: neighbor-client: exit code ${code}`);
  return output;
}

// Duplicate detection takes about a second; before it ends the kernel does not answer for its own address.
async function hasItsAddresses(host: WireHost): Promise<void> {
  const isOver = () => !host.run('ip', '-6', 'address', 'show', 'dev', 'lan0').includes('tentative');
  await until('duplicate detection is over', isOver);
}

function report(
  output: string,
  of: { readonly name: string; readonly rounds: number; readonly atMost: number },
): BenchReport {
  const rows = output
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number));
  const times = (question: number) =>
    rows.flatMap(([index, time]) => (index === question && time !== undefined ? [time] : []));
  const answered = (question: number) =>
    times(question)
      .filter((time) => time >= 0)
      .map((time) => time / 1000);
  const target = { on: 'ratio', atMost: of.atMost } as const;
  const yardstick = { name: 'kernel', samples: answered(1) };
  const lost = times(0).filter((time) => time < 0).length;
  return {
    bench: 'ndp',
    scenario: of.name,
    machine: thisMachine(),
    rounds: of.rounds,
    figures: [
      figure({ name: 'advertisement for a VIP', unit: 'us', samples: answered(0), yardstick, target }),
      figure({ name: "advertisement for the node's address", unit: 'us', samples: answered(1) }),
      figure({
        name: 'questions for a VIP without an answer',
        unit: '',
        samples: [lost],
        target: { on: 'worst', atMost: 0 },
      }),
    ],
  };
}
