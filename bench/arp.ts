// SPDX-License-Identifier: Apache-2.0

// How long an ARP reply for a VIP takes, against the kernel's own reply for the node's address: same LAN, same client,
// same run, in alternating rounds. The LAN is two hosts on a bridge in network namespaces; needs root.
//
// Client and node run on one CPU: what is measured is the answer. The scenario `spread` lets the scheduler choose;
// where it puts them on two CPUs, each reply also pays for waking the other CPU twice, which on a virtual machine costs
// several times the answer.

import type { EngineName } from '@berth/link';
import { buildAddon } from '../packages/link/build.ts';
import { question } from '../packages/link/test/support/arp-text.ts';
import { WireLan } from '../packages/link/test/support/wire-lan.ts';
import { buildNativeProgram } from './native-program.ts';
import { type BenchOptions, type BenchReport, figure, scenarioNamed, thisMachine } from './report.ts';

const CLIENT = '203.0.113.99';
const NODE = '203.0.113.10';
const VIP = '203.0.113.20';
/** Rounds per target unless asked otherwise, and requests in each. */
const ROUNDS = 20;
const REQUESTS = 500;
const ONE_CPU = '0';

interface Scenario {
  readonly engine: EngineName;
  readonly cpus: 'one' | 'spread';
  /**
   * Times the kernel's own reply, at most. A thread on a packet socket must be woken, which the kernel's own reply is
   * not.
   */
  readonly atMost?: number;
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  default: { engine: 'packet-socket', cpus: 'one', atMost: 4 },
  spread: { engine: 'packet-socket', cpus: 'spread' },
  kernel: { engine: 'kernel', cpus: 'one', atMost: 1.3 },
  'kernel-spread': { engine: 'kernel', cpus: 'spread', atMost: 1.3 },
};

/**
 * Scenarios: `default` (one CPU) and `spread` (as the scheduler likes it); `kernel` and `kernel-spread` with the
 * program in the kernel.
 */
export async function run(options: BenchOptions): Promise<BenchReport> {
  const name = options.scenario ?? 'default';
  const scenario = scenarioNamed(SCENARIOS, name);
  const rounds = options.rounds ?? ROUNDS;
  options.progress('building the addon and the client');
  buildAddon();
  const client = buildNativeProgram('neighbor-client');
  const lan = await WireLan.up(
    { client: { addresses: [`${CLIENT}/24`] }, owner: { addresses: [`${NODE}/24`] } },
    scenario.engine,
  );
  try {
    const owner = lan.host('owner');
    await owner.call('answerOn', 'lan0');
    await owner.call('replace', [VIP, 'lan0']);
    await owner.call('keepFence', 1000);
    options.progress(`${rounds} rounds of ${REQUESTS} requests for the VIP and for the node's own address`);
    const mac = await lan.host('client').call('macOf', 'lan0');
    const questions = [VIP, NODE].map((target) => question(mac, CLIENT, target));
    const argv = ['lan0', String(rounds), String(REQUESTS), ...questions];
    if (scenario.cpus === 'one') owner.run('taskset', '--all-tasks', '--cpu-list', '--pid', ONE_CPU, String(owner.pid));
    const command = scenario.cpus === 'one' ? ['taskset', '--cpu-list', ONE_CPU, client] : [client];
    const { code, output } = await lan.host('client').attempt(...command, ...argv);
    if (code !== 0) throw new Error(`bench: neighbor-client: exit code ${code}`);
    return report(output, { name, rounds, ...scenario });
  } finally {
    await lan.down();
  }
}

function report(output: string, of: Scenario & { readonly name: string; readonly rounds: number }): BenchReport {
  const [vip, kernel] = [samplesOf(output, 0), samplesOf(output, 1)];
  const yardstick = { name: 'kernel', samples: kernel };
  const target = of.atMost === undefined ? {} : { target: { on: 'ratio', atMost: of.atMost } as const };
  return {
    bench: 'arp',
    scenario: of.name,
    machine: thisMachine(),
    rounds: of.rounds,
    figures: [
      figure({ name: 'ARP reply for a VIP', unit: 'us', samples: vip, yardstick, ...target }),
      figure({ name: "ARP reply for the node's address", unit: 'us', samples: kernel }),
      lostFigure(output, 0),
    ],
  };
}

/** Microseconds of the replies for one target. */
function samplesOf(output: string, target: number): number[] {
  return nanosecondsOf(output, target)
    .filter((nanoseconds) => nanoseconds >= 0)
    .map((nanoseconds) => nanoseconds / 1000);
}

function lostFigure(output: string, target: number) {
  const lost = nanosecondsOf(output, target).filter((nanoseconds) => nanoseconds < 0).length;
  return figure({
    name: 'requests for a VIP without a reply',
    unit: '',
    samples: [lost],
    target: { on: 'worst', atMost: 0 },
  });
}

function nanosecondsOf(output: string, target: number): number[] {
  const rows = output
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number));
  return rows.flatMap(([index, nanoseconds]) => (index === target && nanoseconds !== undefined ? [nanoseconds] : []));
}
