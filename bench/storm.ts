// SPDX-License-Identifier: Apache-2.0

// A storm of 200,000 ARP requests a second for 10 s from 10,000 senders, every other one for a VIP: every one of these
// is answered, no other is, and the process that owns the VIP hardly notices. Two hosts on a bridge in network
// namespaces; needs root.

import { readFileSync } from 'node:fs';
import type { EngineName } from '@berth/link';
import { buildAddon } from '../packages/link/build.ts';
import { type WireHost, WireLan } from '../packages/link/test/support/wire-lan.ts';
import { buildNativeProgram } from './native-program.ts';
import { type BenchOptions, type BenchReport, figure, scenarioNamed, thisMachine } from './report.ts';
import { runReplays } from './storm-replays.ts';

const VIP = '203.0.113.20';
const NOBODY = '203.0.113.21';
const RATE = 200_000;
const SECONDS = 10;
const SENDERS = 10_000;
const AT_MOST_CPU_PERCENT = 2;
/** Of a peer, as speakers send them; after so long a silence they would take it for dead. */
const HEARTBEAT_MS = 25;
const DEAD_AFTER_MS = 200;
/** Of /proc/PID/stat, in clock ticks of 10 ms; counted from the end of the name in parentheses. */
const UTIME = 11;
const STIME = 12;
const TICK_MS = 10;

const SCENARIOS: Readonly<Record<string, EngineName>> = { default: 'kernel', 'packet-socket': 'packet-socket' };

interface Storm {
  readonly seconds: number;
  readonly sent: number;
  readonly unanswered: number;
  readonly wrong: number;
  readonly cpuPercent: number;
  /** Longest time without a heartbeat of a peer. */
  readonly silenceMs: number;
}

/**
 * Scenarios: `default` (the program in the kernel), `packet-socket`, which has no target, and `replays`
 * (storm-replays.ts). A round is a storm of 10 s.
 */
export async function run(options: BenchOptions): Promise<BenchReport> {
  if (options.scenario === 'replays') return runReplays(options);
  const name = options.scenario ?? 'default';
  const engine = scenarioNamed(SCENARIOS, name);
  const rounds = options.rounds ?? 1;
  buildAddon();
  const client = buildNativeProgram('arp-storm');
  const lan = await WireLan.up({ client: {}, owner: {}, peer: {} }, engine);
  try {
    const owner = lan.host('owner');
    await owner.call('answerOn', 'lan0');
    await owner.call('replace', [VIP, 'lan0']);
    await owner.call('keepFence', 1000);
    await owner.call('hearBeats', 'lan0');
    await lan.host('peer').call('beat', 'lan0', HEARTBEAT_MS);
    const storms: Storm[] = [];
    for (let round = 0; round < rounds; round++) {
      options.progress(`storm ${round + 1} of ${rounds}: ${RATE} requests a second for ${SECONDS} s`);
      storms.push(await storm(lan.host('client'), owner, client));
    }
    return report(name, storms);
  } finally {
    await lan.down();
  }
}

async function storm(host: WireHost, owner: WireHost, client: string): Promise<Storm> {
  await owner.call('longestSilence');
  const before = cpuMs(owner.pid);
  const argv = ['lan0', RATE, SECONDS, SENDERS, VIP, NOBODY].map(String);
  const { code, output } = await host.attempt(client, ...argv);
  if (code !== 0) throw new Error(`bench: arp-storm: exit code ${code}`);
  const [nanoseconds = 0, vip = 0, nobody = 0, replies = 0, wrong = 0] = output.trim().split(' ').map(Number);
  const seconds = nanoseconds / 1e9;
  const cpuPercent = (cpuMs(owner.pid) - before) / 10 / seconds;
  const silenceMs = await owner.call('longestSilence');
  return { seconds, sent: vip + nobody, unanswered: vip - replies, wrong, cpuPercent, silenceMs };
}

function report(scenario: string, storms: readonly Storm[]): BenchReport {
  const target = (on: 'worst' | 'median', atMost: number) =>
    scenario === 'default' ? { target: { on, atMost } as const } : {};
  const of = (read: (one: Storm) => number) => storms.map(read);
  return {
    bench: 'storm',
    scenario,
    machine: thisMachine(),
    rounds: storms.length,
    figures: [
      figure({ name: 'requests', unit: '1/s', samples: of(({ sent, seconds }) => sent / seconds), worstIs: 'small' }),
      figure({
        name: 'requests for a VIP without a reply',
        unit: '',
        samples: of(({ unanswered }) => unanswered),
        ...target('worst', 0),
      }),
      figure({
        name: "replies for an address that is no one's",
        unit: '',
        samples: of(({ wrong }) => wrong),
        ...target('worst', 0),
      }),
      figure({
        name: 'CPU of the process that owns the VIP',
        unit: '%',
        samples: of(({ cpuPercent }) => cpuPercent),
        ...target('median', AT_MOST_CPU_PERCENT),
      }),
      figure({
        name: 'longest time without a heartbeat of a peer',
        unit: 'ms',
        samples: of(({ silenceMs }) => silenceMs),
        ...target('worst', DEAD_AFTER_MS),
      }),
    ],
  };
}

function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  return ((fields[UTIME] ?? 0) + (fields[STIME] ?? 0)) * TICK_MS;
}
