// SPDX-License-Identifier: Apache-2.0

// A stranger who records heartbeats and sends them again: 3,000 a second with random MAC addresses, those of an earlier
// boot of the speaker among them, at 3 and at 200 members. What that costs the speaker, and that nothing else comes of
// it.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { SpeakerHost } from '../test/contract/speaker/speaker-host.ts';
import { run as runProgram } from '../test/lab/run.ts';
import { LanHost } from '../test/support/lan-host.ts';
import { recordFrames } from '../test/support/record-frames.ts';
import { amongCrowd, CROWD_LAB, type Crowd, onStage, settled, speakerCpuMs } from './crowd-stage.ts';
import { buildNativeProgram } from './native-program.ts';
import { type BenchOptions, type BenchReport, type Figure, figure, thisMachine } from './report.ts';

const RATE = 3000;
const SECONDS = 8;
const RECORD_MS = 2000;
const SETTLE_MS = 6000;
/** Frames of the file, each with another MAC address. */
const FRAMES = 20_000;
const AT_MOST_CPU_PERCENT = 5;
const ROUNDS = 3;
/** Where the MAC address of the sender is, in hex digits. */
const [SOURCE_FROM, SOURCE_TO] = [12, 24];
const METRICS_PORT = 7481;

const CROWDS: readonly Crowd[] = [
  { size: 3, intervalMs: 25 },
  // Beyond 64 members the interval is doubled (section 5 of the protocol).
  { size: 200, intervalMs: 50 },
];

interface Sample {
  readonly sent: number;
  readonly quietPercent: number;
  readonly stormPercent: number;
  readonly lapses: number;
  readonly moved: number;
  readonly lost: number;
}

/** A round is 8 s in quiet and a storm of 8 s. */
export async function runReplays(options: BenchOptions): Promise<BenchReport> {
  const rounds = options.rounds ?? ROUNDS;
  const program = buildNativeProgram('frame-replay');
  const folder = mkdtempSync(join(tmpdir(), 'berth-replays-'));
  const figures = await onStage(async (stage) => {
    const stranger = new LanHost({ labName: CROWD_LAB, name: 'stranger' });
    await stranger.up();
    const all: Figure[] = [];
    try {
      for (const crowd of CROWDS) {
        options.progress(`${crowd.size} members: ${RATE} recorded frames a second for ${SECONDS} s, ${rounds} times`);
        const storm = { program, file: join(folder, `${crowd.size}`), stranger };
        const samples = await amongCrowd(stage, crowd, (host) => play(host, crowd, { storm, rounds }));
        all.push(...figuresOf(crowd, samples));
      }
    } finally {
      await stranger.down();
    }
    return all;
  }).finally(() => rmSync(folder, { recursive: true }));
  return { bench: 'storm', scenario: 'replays', machine: thisMachine(), rounds, figures };
}

interface Storm {
  readonly program: string;
  readonly file: string;
  readonly stranger: LanHost;
}

async function play(
  host: SpeakerHost,
  crowd: Crowd,
  { storm, rounds }: { readonly storm: Storm; readonly rounds: number },
): Promise<Sample[]> {
  const earlier = await recordFrames(storm.stranger.namespace, RECORD_MS);
  // Another boot, to which the frames of the first are those of a stranger with its name.
  host.signal('SIGKILL');
  while (host.isRunning) await delay(50);
  host.start();
  await settled(host, crowd.size);
  await delay(SETTLE_MS);
  const recorded = [...earlier, ...(await recordFrames(storm.stranger.namespace, RECORD_MS))];
  writeFileSync(storm.file, Array.from({ length: FRAMES }, (_, index) => relayed(recorded, index)).join('\n'));
  const samples: Sample[] = [];
  for (let round = 0; round < rounds; round++) samples.push(await sample(host, storm));
  return samples;
}

/** A recorded frame from a random station. */
function relayed(recorded: readonly string[], index: number): string {
  const hex = recorded[index % recorded.length] ?? '';
  const mac = Math.floor(Math.random() * 2 ** 40)
    .toString(16)
    .padStart(10, '0');
  return `${hex.slice(0, SOURCE_FROM)}02${mac}${hex.slice(SOURCE_TO)}`;
}

async function sample(host: SpeakerHost, { program, file, stranger }: Storm): Promise<Sample> {
  const quiet = await percentOf(() => delay(SECONDS * 1000));
  const before = await read(host);
  let sent = 0;
  const argv = [`--net=/run/netns/${stranger.namespace}`, program, 'eth0', String(RATE), String(SECONDS), file];
  const storm = await percentOf(async () => {
    sent = Number(await runProgram(['nsenter', ...argv]));
  });
  const after = await read(host);
  if (after.dropped - before.dropped < sent / 2)
    throw new Error(`bench: replays: ${after.dropped - before.dropped} of ${sent} frames were counted as dropped`);
  return {
    sent: sent / SECONDS,
    quietPercent: quiet,
    stormPercent: storm,
    lapses: after.lapses - before.lapses,
    moved: after.moved - before.moved,
    lost: before.members - after.members,
  };
}

async function percentOf(doIt: () => Promise<unknown>): Promise<number> {
  const [startMs, before] = [performance.now(), await speakerCpuMs()];
  await doIt();
  return (100 * ((await speakerCpuMs()) - before)) / (performance.now() - startMs);
}

/** Numbers of the speaker, each the sum of all its series. */
async function read({ address }: SpeakerHost) {
  const response = await fetch(`http://${address}:${METRICS_PORT}/metrics`);
  const lines = (await response.text()).split('\n');
  const sum = (series: RegExp) =>
    lines
      .filter((line) => series.test(line))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' '))), 0);
  return {
    lapses: sum(/^berth_speaker_fence_expiries_total\b/),
    moved: sum(/^berth_speaker_transitions_total\b/),
    members: sum(/^berth_speaker_members\{.*hearing="both"/),
    dropped: sum(/^berth_speaker_heartbeats_dropped_total\{.*reason="(relayed|replayed|unproven|unread)"/),
  };
}

function figuresOf({ size }: Crowd, samples: readonly Sample[]): Figure[] {
  const of = (read: (one: Sample) => number) => samples.map(read);
  const none = { target: { on: 'worst', atMost: 0 } } as const;
  return [
    figure({
      name: `${size} members: recorded frames`,
      unit: '1/s',
      samples: of(({ sent }) => sent),
      worstIs: 'small',
    }),
    figure({ name: '  CPU of the speaker without them', unit: '%', samples: of((one) => one.quietPercent) }),
    figure({ name: '  CPU of the speaker with them', unit: '%', samples: of((one) => one.stormPercent) }),
    figure({
      name: '  CPU that they take',
      unit: '% of a core',
      samples: of((one) => Math.max(0, one.stormPercent - one.quietPercent)),
      target: { on: 'median', atMost: AT_MOST_CPU_PERCENT },
    }),
    figure({ name: '  lapses', unit: '', samples: of(({ lapses }) => lapses), ...none }),
    figure({ name: '  VIPs that changed their owner', unit: '', samples: of(({ moved }) => Math.abs(moved)), ...none }),
    figure({ name: '  members lost', unit: '', samples: of(({ lost }) => Math.abs(lost)), ...none }),
  ];
}
