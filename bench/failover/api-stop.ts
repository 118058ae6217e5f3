// SPDX-License-Identifier: Apache-2.0

// The API server is stopped for a minute. As long as nothing else happens no client notices; then the cable of the
// owner is pulled, again and again while there is no API server, and that is as any other crash.

import { setTimeout as delay } from 'node:timers/promises';
import { startConnectProbe } from '../../test/support/connect-probe.ts';
import { answeredTwice, answerers, longestSilence, questionsIn } from '../../test/support/wire-record.ts';
import { monotonicMs } from '../../test/support/wire-watch.ts';
import { type Figure, figure } from '../report.ts';
import { type Scenario, WARM_MS } from './scenario.ts';
import type { Stage } from './stage.ts';

const STOPPED_MS = 60_000;
/** Of these, for so long nothing else happens. */
const QUIET_MS = 25_000;
const WATCH_MS = 1000;
/** A node whose cable is back listens and takes part again within this; without an API server no one can be asked. */
const REJOIN_MS = 1500;

interface Seen {
  readonly gapMs: number;
  readonly silentMs: number;
  readonly twice: number;
  /** Nodes that answered, in their order. */
  readonly macs: readonly string[];
}

export const apiStop: Scenario = {
  about: 'API server stopped',
  async measure(stage, rounds) {
    const { quiet, pulls, stoppedMs } = await stage.round(
      `API server stopped for a minute, ${rounds} cables pulled`,
      () => play(stage, rounds),
    );
    return [...quietFigures(quiet, stoppedMs), ...pullFigures(pulls)];
  },
};

async function play(stage: Stage, rounds: number) {
  const { lab } = stage;
  await stage.owners();
  await lab.stopApiServer('crash');
  const startMs = monotonicMs();
  try {
    const quiet = await observe(stage, () => delay(QUIET_MS));
    const pulls: Seen[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      const owner = await stage.owner();
      const seen = await observe(stage, async () => {
        await lab.cable(owner, 'down');
        await delay(WATCH_MS);
      });
      await lab.cable(owner, 'up');
      await delay(REJOIN_MS);
      if (seen.macs.every((mac) => mac === stage.macOf(owner))) throw new Error('no one took over');
      pulls.push(seen);
    }
    await delay(Math.max(0, startMs + STOPPED_MS - monotonicMs()));
    return { quiet, pulls, stoppedMs: monotonicMs() - startMs };
  } finally {
    await lab.startApiServer();
    await stage.whole();
  }
}

async function observe(stage: Stage, happen: () => Promise<unknown>): Promise<Seen> {
  const { vip, watch, lab } = stage;
  const target = { address: vip, port: 80, intervalMs: 5, timeoutMs: 150 };
  const probe = await startConnectProbe({ namespace: lab.namespaceOf('client'), ...target });
  await watch.take();
  await delay(WARM_MS);
  await happen().catch(async (error) => {
    await probe.stop();
    throw error;
  });
  const { longestGapMs } = await probe.stop();
  const questions = questionsIn(await watch.take(), {}, vip);
  return {
    gapMs: longestGapMs,
    silentMs: longestSilence(questions),
    twice: answeredTwice(questions).length,
    macs: answerers(questions),
  };
}

function quietFigures(quiet: Seen, stoppedMs: number): Figure[] {
  return [
    figure({
      name: `API server stopped for ${Math.round(stoppedMs / 1000)} s`,
      unit: 'ms',
      samples: [quiet.gapMs],
      target: { on: 'worst', atMost: 150 },
    }),
    figure({ name: '  no one answers on the wire', unit: 'ms', samples: [quiet.silentMs] }),
    figure({
      name: '  changes of owner',
      unit: 'count',
      samples: [quiet.macs.length - 1],
      target: { on: 'worst', atMost: 0 },
    }),
  ];
}

function pullFigures(pulls: readonly Seen[]): Figure[] {
  const of = (read: (one: Seen) => number) => pulls.map(read);
  return [
    figure({
      name: '  then the cable of the owner pulled',
      unit: 'ms',
      samples: of(({ gapMs }) => gapMs),
      target: { on: 'median', atMost: 250 },
    }),
    figure({ name: '  no one answers on the wire', unit: 'ms', samples: of(({ silentMs }) => silentMs) }),
    figure({
      name: '  questions with two answers',
      unit: 'count',
      samples: of(({ twice }) => twice),
      target: { on: 'worst', atMost: 0 },
    }),
  ];
}
