// SPDX-License-Identifier: Apache-2.0

// What membership costs a node: processor time and bytes on the wire of one real speaker among 3, 50 and 200 members of
// a segment with 1,000 VIPs.

import { setTimeout as delay } from 'node:timers/promises';
import type { SpeakerHost } from '../test/contract/speaker/speaker-host.ts';
import { amongCrowd, type Crowd, onStage, speakerCpuMs, VIPS } from './crowd-stage.ts';
import { type BenchOptions, type BenchReport, type Figure, figure, scenarioNamed, thisMachine } from './report.ts';

const TUNED = ['--heartbeat-ms=10', '--dead-after-ms=70'];
const SCENARIOS: Readonly<Record<string, Crowd>> = {
  '3': { size: 3, intervalMs: 25 },
  '3-tuned': { size: 3, intervalMs: 10, argv: TUNED },
  '50': { size: 50, intervalMs: 25 },
  // Beyond 64 members the interval is doubled (section 5 of the protocol).
  '200': { size: 200, intervalMs: 50 },
};
/** Samples of each crowd unless asked otherwise, and the seconds of each. */
const ROUNDS = 5;
const SAMPLE_SECONDS = 4;

/** Without scenario all crowds, else one of them by its number of members. */
export async function run(options: BenchOptions): Promise<BenchReport> {
  const chosen = crowdsNamed(options.scenario);
  const rounds = options.rounds ?? ROUNDS;
  const figures = await onStage(async (stage) => {
    const all: Figure[] = [];
    for (const crowd of chosen) {
      options.progress(titleOf(crowd));
      all.push(...(await amongCrowd(stage, crowd, (host) => sample(host, titleOf(crowd), rounds))));
    }
    return all;
  });
  return { bench: 'heartbeat-cost', scenario: options.scenario ?? 'all', machine: thisMachine(), rounds, figures };
}

function crowdsNamed(name: string | undefined): readonly Crowd[] {
  return name === undefined ? Object.values(SCENARIOS) : [scenarioNamed(SCENARIOS, name)];
}

function titleOf({ size, intervalMs }: Crowd): string {
  return `${size} members, ${VIPS} VIPs, a heartbeat every ${intervalMs} ms`;
}

async function sample(host: SpeakerHost, title: string, rounds: number): Promise<Figure[]> {
  const samples: { cpu: number; heard: number; sent: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const before = await read(host);
    await delay(SAMPLE_SECONDS * 1000);
    const after = await read(host);
    const seconds = (after.atMs - before.atMs) / 1000;
    samples.push({
      cpu: (after.cpuMs - before.cpuMs) / 10 / seconds,
      heard: (after.heard - before.heard) / 1000 / seconds,
      sent: (after.sent - before.sent) / 1000 / seconds,
    });
  }
  const of = (name: 'cpu' | 'heard' | 'sent') => samples.map((one) => one[name]);
  return [
    figure({ name: `${title}: CPU`, unit: '% of a core', samples: of('cpu') }),
    figure({ name: '  heard on the wire', unit: 'kB/s', samples: of('heard') }),
    figure({ name: '  sent', unit: 'kB/s', samples: of('sent') }),
  ];
}

interface Reading {
  readonly atMs: number;
  readonly cpuMs: number;
  readonly heard: number;
  readonly sent: number;
}

async function read(host: SpeakerHost): Promise<Reading> {
  const [link]: { stats64: Record<'rx' | 'tx', { bytes: number }> }[] = JSON.parse(
    host.run('ip', '-statistics', '-json', 'link', 'show', 'eth0'),
  );
  const cpuMs = await speakerCpuMs();
  return { atMs: performance.now(), cpuMs, heard: link?.stats64.rx.bytes ?? 0, sent: link?.stats64.tx.bytes ?? 0 };
}
