// SPDX-License-Identifier: Apache-2.0

// A takeover of 2,000 VIPs: how many frames go out on the wire each second, and how long until the last neighbour knows
// the new owner. A client on a bridge in network namespaces has old entries in the kernel's table for a part of them;
// needs root.

import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GRATUITOUS_DEFAULTS } from '@berth/core';
import { buildAddon } from '../packages/link/build.ts';
import { until, type WireHost, WireLan } from '../packages/link/test/support/wire-lan.ts';
import { type BenchOptions, type BenchReport, figure, thisMachine } from './report.ts';

const VIPS = 2000;
/** The kernel keeps 1,024 entries at most in all namespaces together, so every tenth VIP has one. */
const ENTRY_FOR_EACH = 10;
const OLD_OWNER = '02:00:5e:00:53:77';
const CLIENT = '203.0.113.99';
const REFRESH_MS = 120_000;
/** After the third round of the last VIP nothing is due before the refresh. */
const PATIENCE_MS = 60_000;
const FRAMES_OF_ALL_ROUNDS = VIPS * 2 * GRATUITOUS_DEFAULTS.burstMs.length;
const WINDOW_MS = 1000;
const { perSecond, atOnce } = GRATUITOUS_DEFAULTS;

interface Takeover {
  /** Most frames in any window of a second. */
  readonly mostInSecond: number;
  /** Until the last VIP was announced the first time, and until the last entry in the client's table was right. */
  readonly toldMs: number;
  readonly correctedMs: number;
}

/** The only scenario is `default`. A round is one takeover. */
export async function run(options: BenchOptions): Promise<BenchReport> {
  const rounds = options.rounds ?? 1;
  buildAddon();
  const takeovers: Takeover[] = [];
  for (let round = 0; round < rounds; round++) {
    options.progress(`takeover ${round + 1} of ${rounds}: ${VIPS} VIPs`);
    takeovers.push(await takeover());
  }
  return report(takeovers);
}

async function takeover(): Promise<Takeover> {
  const lan = await WireLan.up({ client: { addresses: [`${CLIENT}/16`] }, owner: {} }, 'kernel');
  try {
    const [client, owner] = [lan.host('client'), lan.host('owner')];
    const mac = await owner.call('macOf', 'lan0');
    await fillTable(client);
    const captured = capture(client, mac);
    await owner.call('answerOn', 'lan0');
    await owner.call('keepFence', 3000);
    const begin = performance.now();
    await owner.call('own', REFRESH_MS, ...vips().map((vip): [string, string] => [vip, 'lan0']));
    await until('all entries are right', () => rightEntries(client, mac) === VIPS / ENTRY_FOR_EACH, PATIENCE_MS);
    const correctedMs = performance.now() - begin;
    const frames = await captured;
    return { mostInSecond: mostInWindow(frames.map(({ atMs }) => atMs)), toldMs: toldAfter(frames), correctedMs };
  } finally {
    await lan.down();
  }
}

function vips(): string[] {
  return Array.from({ length: VIPS }, (_, index) => `203.0.${120 + (index >> 8)}.${index & 255}`);
}

async function fillTable(client: WireHost): Promise<void> {
  const stale = vips()
    .filter((_, index) => index % ENTRY_FOR_EACH === 0)
    .map((vip) => `neighbor replace ${vip} lladdr ${OLD_OWNER} nud stale dev lan0`);
  const file = join(tmpdir(), `berth-takeover-${process.pid}`);
  await writeFile(file, `${stale.join('\n')}\n`);
  client.run('ip', '-batch', file);
}

function rightEntries(client: WireHost, mac: string): number {
  const entries: { lladdr?: string }[] = JSON.parse(client.run('ip', '-json', 'neighbor', 'show', 'dev', 'lan0'));
  return entries.filter(({ lladdr }) => lladdr === mac).length;
}

interface Captured {
  readonly vip: string;
  readonly atMs: number;
}

/**
 * All frames of the three rounds with the time at which the client's kernel got them; tcpdump ends after the last one.
 */
async function capture(client: WireHost, mac: string): Promise<Captured[]> {
  const filter = `arp and ether src ${mac}`;
  const argv = ['tcpdump', '-tt', '-n', '-B', '16384', '-i', 'lan0', '-c', String(FRAMES_OF_ALL_ROUNDS), filter];
  const { output } = await client.attempt('timeout', String(PATIENCE_MS / 1000), ...argv);
  return [...output.matchAll(/^(\d+\.\d+) ARP, (?:Request who-has|Reply) ([\d.]+)/gm)].map(([, seconds, vip]) => ({
    vip: vip ?? '',
    atMs: Number(seconds) * 1000,
  }));
}

/** From the first frame of all to the first frame of the VIP that had to wait longest. */
function toldAfter(frames: readonly Captured[]): number {
  const first = new Map<string, number>();
  for (const { vip, atMs } of frames) if (!first.has(vip)) first.set(vip, atMs);
  const times = [...first.values()];
  return Math.max(...times) - Math.min(...times);
}

function mostInWindow(times: readonly number[]): number {
  let [from, most] = [0, 0];
  for (const [index, time] of times.entries()) {
    while (time - (times[from] ?? time) >= WINDOW_MS) from += 1;
    most = Math.max(most, index - from + 1);
  }
  return most;
}

function report(takeovers: readonly Takeover[]): BenchReport {
  const of = (read: (one: Takeover) => number) => takeovers.map(read);
  // A tenth for frames that were taken from the budget and sent later, because the process had to wait for a busy
  // processor.
  const atMost = Math.round((perSecond + atOnce) * 1.1);
  return {
    bench: 'takeover',
    scenario: 'default',
    machine: thisMachine(),
    rounds: takeovers.length,
    figures: [
      figure({
        name: `frames in any second (budget ${perSecond}, and ${atOnce} at once)`,
        unit: '',
        samples: of(({ mostInSecond }) => mostInSecond),
        target: { on: 'worst', atMost },
      }),
      figure({ name: 'until the last VIP is announced', unit: 'ms', samples: of(({ toldMs }) => toldMs) }),
      figure({
        name: 'until the last old entry is corrected',
        unit: 'ms',
        samples: of(({ correctedMs }) => correctedMs),
        target: { on: 'worst', atMost: (1000 * VIPS) / perSecond + 500 },
      }),
    ],
  };
}
