// SPDX-License-Identifier: Apache-2.0

// A takeover of 2,000 VIPs: how many frames go out on the wire each second, and how long until the last neighbour knows the new owner. A
// client on a bridge in network namespaces has old entries in the kernel's table for a part of them; needs root.

import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GRATUITOUS_DEFAULTS } from '@berth/core';
import { buildAddon } from '../packages/link/build.ts';
import { readArp } from '../packages/link/test/support/arp-text.ts';
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
    await client.call('watch', 'lan0');
    await owner.call('answerOn', 'lan0');
    await owner.call('keepFence', 3000);
    const begin = performance.now();
    await owner.call('own', REFRESH_MS, ...vips().map((vip): [string, string] => [vip, 'lan0']));
    await until('all entries are right', () => rightEntries(client, mac) === VIPS / ENTRY_FOR_EACH, PATIENCE_MS);
    const correctedMs = performance.now() - begin;
    const frames = () => client.seen.filter(({ hex }) => readArp(hex).senderMac === mac);
    await until('all rounds are over', () => frames().length >= FRAMES_OF_ALL_ROUNDS, PATIENCE_MS);
    const times = frames().map(({ atMs }) => atMs);
    return { mostInSecond: mostInWindow(times), toldMs: toldAfter(client, mac), correctedMs };
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

/** From the first frame of all to the first frame of the VIP that had to wait longest. */
function toldAfter(client: WireHost, mac: string): number {
  const first = new Map<string, number>();
  for (const { hex, atMs } of client.seen) {
    const { senderIp, senderMac } = readArp(hex);
    if (senderMac === mac && !first.has(senderIp)) first.set(senderIp, atMs);
  }
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
  // A twentieth for frames that wait in a queue of a busy machine and come together.
  const atMost = Math.round((perSecond + atOnce) * 1.05);
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
