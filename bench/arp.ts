// SPDX-License-Identifier: Apache-2.0

// How long an ARP reply for a VIP takes, against the kernel's own reply for the node's address: same LAN, same client, same run,
// in alternating rounds. The LAN is two hosts on a bridge in network namespaces; needs root.
//
// Client and node run on one CPU: what is measured is the answer. The scenario `spread` lets the scheduler choose; where it puts
// them on two CPUs, each reply also pays for waking the other CPU twice, which on a virtual machine costs several times the answer.

import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildAddon } from '../packages/link/build.ts';
import { WireLan } from '../packages/link/test/support/wire-lan.ts';
import { type BenchOptions, type BenchReport, figure, thisMachine } from './report.ts';

const CLIENT = '203.0.113.99';
const NODE = '203.0.113.10';
const VIP = '203.0.113.20';
/** Rounds per target unless asked otherwise, and requests in each. */
const ROUNDS = 20;
const REQUESTS = 500;
const ONE_CPU = '0';
/** Of a thread on a packet socket: it must be woken, which the kernel's own reply is not. */
const AT_MOST_TIMES_THE_KERNEL = 4;

/** Scenarios: `default` (one CPU) and `spread` (as the scheduler likes it). */
export async function run(options: BenchOptions): Promise<BenchReport> {
  const scenario = options.scenario ?? 'default';
  if (scenario !== 'default' && scenario !== 'spread') {
    throw new Error(`bench: arp: scenario: found '${scenario}', want default or spread`);
  }
  const rounds = options.rounds ?? ROUNDS;
  options.progress('building the addon and the client');
  buildAddon();
  const client = buildClient();
  const lan = await WireLan.up({ client: { addresses: [`${CLIENT}/24`] }, owner: { addresses: [`${NODE}/24`] } });
  try {
    const owner = lan.host('owner');
    await owner.call('answerOn', 'lan0');
    await owner.call('replace', [VIP, 'lan0']);
    await owner.call('keepFence', 1000);
    options.progress(`${rounds} rounds of ${REQUESTS} requests for the VIP and for the node's own address`);
    const argv = ['lan0', CLIENT, String(rounds), String(REQUESTS), VIP, NODE];
    if (scenario === 'default') owner.run('taskset', '--all-tasks', '--cpu-list', '--pid', ONE_CPU, String(owner.pid));
    const command = scenario === 'default' ? ['taskset', '--cpu-list', ONE_CPU, client] : [client];
    const { code, output } = await lan.host('client').attempt(...command, ...argv);
    if (code !== 0) throw new Error(`bench: arp-client: exit code ${code}`);
    return report(output, scenario, rounds);
  } finally {
    await lan.down();
  }
}

function report(output: string, scenario: string, rounds: number): BenchReport {
  const [vip, kernel] = [samplesOf(output, 0), samplesOf(output, 1)];
  const yardstick = { name: 'kernel', samples: kernel };
  const target = scenario === 'default' ? { target: { on: 'ratio', atMost: AT_MOST_TIMES_THE_KERNEL } as const } : {};
  return {
    bench: 'arp',
    scenario,
    machine: thisMachine(),
    rounds,
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

function buildClient(): string {
  const folder = join(import.meta.dirname, '..', 'build', 'bench');
  mkdirSync(folder, { recursive: true });
  const output = join(folder, 'arp-client');
  const source = join(import.meta.dirname, 'native', 'arp-client.c');
  execFileSync('cc', ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-Werror', '-o', output, source], { stdio: 'inherit' });
  return output;
}
