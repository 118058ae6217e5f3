// SPDX-License-Identifier: Apache-2.0

// `npm run bench -- NAME [--scenario X] [--rounds N] [--json FILE]`

import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { type BenchOptions, type BenchReport, formatReport } from './report.ts';

type Bench = {
  about: string;
  /** Whether `--connections` means something to it. */
  hasConnections?: true;
  load(): Promise<{ run(options: BenchOptions): Promise<BenchReport> }>;
};

const BENCHES: Record<string, Bench> = {
  affinity: {
    about: 'planned changes and faults: which open connections break',
    hasConnections: true,
    load: () => import('./affinity.ts'),
  },
  arp: { about: 'ARP reply of a VIP against the kernel’s own', load: () => import('./arp.ts') },
  blip: { about: 'short faults, carrier up: what moves and which connections break', load: () => import('./blip.ts') },
  burst: { about: 'many pending Services given addresses at once', load: () => import('./burst.ts') },
  create: { about: 'Service created, until address and first curl', load: () => import('./create.ts') },
  decide: { about: 'one allocation decision in core', load: () => import('./decide.ts') },
  'event-loop': {
    about: 'controller with 20,000 Services: how long an event stops everything else',
    load: () => import('./event-loop.ts'),
  },
  failover: { about: 'owner lost: how long a client cannot connect', load: () => import('./failover.ts') },
  footprint: { about: 'resident memory and image size', load: () => import('./footprint.ts') },
  'heartbeat-cost': {
    about: 'CPU and bytes of a node among 3, 50 and 200 members',
    load: () => import('./heartbeat-cost.ts'),
  },
  restart: { about: 'controller restarted: until it is ready, and what it writes', load: () => import('./restart.ts') },
  ndp: { about: 'Neighbor advertisement of a VIP against the kernel’s own', load: () => import('./ndp.ts') },
  spread: {
    about: 'every node serves: cost of the program and of the way over the owner, shares, changes, loops',
    hasConnections: true,
    load: () => import('./spread.ts'),
  },
  stability: { about: 'busy machine, lossy LAN: is anybody taken for dead', load: () => import('./stability.ts') },
  storm: { about: 'ARP storm: is every VIP answered, is the speaker idle', load: () => import('./storm.ts') },
  takeover: { about: '2,000 VIPs taken over: frames a second, until all know', load: () => import('./takeover.ts') },
  traffic: { about: 'TCP stream with and without the program on the interface', load: () => import('./traffic.ts') },
};

interface Flags {
  scenario?: string;
  rounds?: number;
  connections?: number;
  json?: string;
}

const program = new Command('bench').description('measures Berth against a yardstick of the same run');
for (const [name, bench] of Object.entries(BENCHES)) {
  const command = program
    .command(name)
    .description(bench.about)
    .option('--scenario <name>', 'variant of the benchmark')
    .option('--rounds <n>', 'how many rounds', parseCount)
    .option('--json <file>', 'also write the result as JSON')
    .action((flags: Flags) => runBench(bench, flags));
  if (bench.hasConnections) command.option('--connections <n>', 'how many connections', parseCount);
}
await program.parseAsync();

async function runBench(bench: Bench, flags: Flags): Promise<void> {
  const { json, ...chosen } = flags;
  const { run } = await bench.load();
  const report = await run({ ...chosen, progress: (line) => process.stderr.write(`${line}\n`) });
  process.stdout.write(`${formatReport(report)}\n`);
  if (json !== undefined) await writeFile(json, `${JSON.stringify(report, null, 2)}\n`);
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new Error(`bench: found '${text}', want a number from 1`);
  return count;
}
