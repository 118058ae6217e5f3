// SPDX-License-Identifier: Apache-2.0

// Scenarios in which something happens to the owner of a VIP: a client connects to it every 5 ms, and asks on the wire
// every 5 ms who has it. What counts is the longest time between two successful connects; and that no question ever has
// two answers, unless the VIP is handed over, when the new owner answers before the old one stops.

import { setTimeout as delay } from 'node:timers/promises';
import type { Outage } from '../../test/support/connect-gap.ts';
import { type ConnectProbe, startConnectProbe } from '../../test/support/connect-probe.ts';
import { answeredTwice, longestSilence, type Question, questionsIn } from '../../test/support/wire-record.ts';
import { type Figure, figure, type Target } from '../report.ts';
import { type Scenario, WARM_MS } from './scenario.ts';
import type { Stage } from './stage.ts';

const CONNECT_EVERY_MS = 5;
const CONNECT_TIMEOUT_MS = 150;
/** After what happened, until nothing more is to be expected. */
const WATCH_MS = 1000;

/** A round under way: who owns what before anything happens. */
export interface Play {
  readonly stage: Stage;
  readonly owners: ReadonlyMap<string, string>;
  /** Owner of the VIP that this is about. */
  readonly owner: string;
  readonly round: number;
}

export interface Incident {
  readonly about: string;
  /** What the longest time without a connect is held to. */
  readonly target: Target;
  /** Whether no connect may fail. */
  readonly failures?: 'none';
  /** Whether the VIP is given from one to the other, so that both answer for a moment. */
  readonly handOver?: true;
  /** Who owns it afterwards. Default: somebody else. */
  readonly expect?: 'anybody';
  /** Options of the speakers beyond the defaults. */
  readonly tuning?: Readonly<Record<string, string>>;
  /** Uneven or otherwise odd beginnings. Default: as it is. */
  prepare?(stage: Stage, round: number): Promise<unknown>;
  /** VIPs that the client connects to. Default: the first. */
  connectTo?(owners: ReadonlyMap<string, string>): string[];
  inflict(play: Play): Promise<unknown>;
  /** Puts things right; that all is right is waited for afterwards. */
  repair?(play: Play): Promise<unknown>;
}

interface Seen {
  readonly gapMs: number;
  readonly failed: number;
  readonly silentMs: number;
  readonly twice: number;
}

export function connectScenario(incident: Incident): Scenario {
  return {
    about: incident.about,
    async measure(stage, rounds) {
      const { tuning = {} } = incident;
      await stage.tune(tuning);
      try {
        const seen: Seen[] = [];
        for (let round = 1; round <= rounds; round += 1)
          seen.push(
            await stage.round(`${incident.about}: round ${round} of ${rounds}`, () => play(stage, incident, round)),
          );
        return figuresOf(incident, seen);
      } finally {
        await stage.tune(Object.fromEntries(Object.keys(tuning).map((name) => [name, null])));
      }
    },
  };
}

async function play(stage: Stage, incident: Incident, round: number): Promise<Seen> {
  await incident.prepare?.(stage, round);
  const owners = await stage.owners();
  const vips = incident.connectTo?.(owners) ?? [stage.vip];
  const playing = { stage, owners, round, owner: owners.get(vips[0] ?? '') ?? '' };
  const probes = await Promise.all(vips.map((vip) => connecting(stage, vip)));
  try {
    await stage.watch.take();
    await delay(WARM_MS);
    await incident.inflict(playing);
    await delay(WATCH_MS);
    const outages = await Promise.all(probes.map((probe) => probe.stop()));
    const { questions } = await stage.watch.take();
    await incident.repair?.(playing);
    await stage.whole();
    if (incident.expect !== 'anybody') await assertMoved(playing, vips);
    return seenOf(
      outages,
      vips.map((vip) => questionsIn({ questions, announcements: [] }, {}, vip)),
    );
  } finally {
    await Promise.allSettled(probes.map((probe) => probe.stop()));
  }
}

function connecting({ lab }: Stage, address: string): Promise<ConnectProbe> {
  const [intervalMs, timeoutMs] = [CONNECT_EVERY_MS, CONNECT_TIMEOUT_MS];
  return startConnectProbe({ namespace: lab.namespaceOf('client'), address, port: 80, intervalMs, timeoutMs });
}

/** What changes nothing was no fault, and its figures would be lies. */
async function assertMoved({ stage, owners }: Play, vips: readonly string[]): Promise<void> {
  const now = await stage.owners();
  if (vips.every((vip) => now.get(vip) === owners.get(vip))) throw new Error('no VIP has a new owner');
}

function seenOf(outages: readonly Outage[], questions: readonly (readonly Question[])[]): Seen {
  return {
    gapMs: Math.max(...outages.map(({ longestGapMs }) => longestGapMs)),
    failed: outages.reduce((sum, { failed }) => sum + failed, 0),
    silentMs: Math.max(...questions.map(longestSilence)),
    twice: questions.reduce((sum, some) => sum + answeredTwice(some).length, 0),
  };
}

function figuresOf({ about, target, failures, handOver }: Incident, seen: readonly Seen[]): Figure[] {
  const none = { target: { on: 'worst', atMost: 0 } } as const;
  const of = (read: (one: Seen) => number) => seen.map(read);
  return [
    figure({ name: about, unit: 'ms', samples: of(({ gapMs }) => gapMs), target }),
    figure({
      name: '  failed connects',
      unit: 'count',
      samples: of(({ failed }) => failed),
      ...(failures === 'none' ? none : {}),
    }),
    figure({ name: '  no one answers on the wire', unit: 'ms', samples: of(({ silentMs }) => silentMs) }),
    figure({
      name: '  questions with two answers',
      unit: 'count',
      samples: of(({ twice }) => twice),
      ...(handOver ? {} : none),
    }),
  ];
}
