// SPDX-License-Identifier: Apache-2.0

// Short faults of a network that keep the carrier: one of three nodes cut for a while, again and again, heartbeats
// alone filtered, all speakers away for a moment. 30 VIPs, a client that asks for each of them all the time and keeps a
// connection to each open. What counts is that nothing moves that need not move. The frames are dropped in the switch,
// so no node notices it as a link that is down.

import { onBenchLab } from './berth-lab.ts';
import { type Blip, playBlip } from './blip/blip.ts';
import { BLIPS } from './blip/blips.ts';
import { figuresOf } from './blip/figures.ts';
import { CUT_NODE, makeReady } from './blip/ready.ts';
import { Stage } from './failover/stage.ts';
import { measured } from './playing.ts';
import { type BenchOptions, type BenchReport, type Figure, scenarioNamed, thisMachine } from './report.ts';

const DEFAULT_ROUNDS = 1;
const VIPS = 30;
/** 1,500 questions a second in all. */
const ASK_EVERY_MS = 20;
const ADDRESSES = '10.200.0.0/20';

export async function run(options: BenchOptions): Promise<BenchReport> {
  const rounds = options.rounds ?? DEFAULT_ROUNDS;
  const { progress, scenario } = options;
  const chosen = scenario === undefined ? Object.values(BLIPS) : [scenarioNamed(BLIPS, scenario)];
  const services = Array.from({ length: VIPS }, (_, index) => `blip-${index + 1}`);
  return onBenchLab(
    { pools: ({ plan }) => [...plan.pools.slice(0, 1), ADDRESSES], progress },
    async ({ lab, client }) => {
      await makeReady(lab);
      const stage = await Stage.up({ lab, client, progress, services, askEveryMs: ASK_EVERY_MS });
      const figures = await measureAll(stage, chosen, rounds).finally(() => stage.down());
      const { notes } = stage;
      return { bench: 'blip', scenario: scenario ?? 'all', machine: thisMachine(), rounds, figures, notes };
    },
  );
}

async function measureAll(stage: Stage, blips: readonly Blip[], rounds: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const blip of blips) figures.push(...(await measured(stage, blip.about, () => measure(stage, blip, rounds))));
  return figures;
}

async function measure(stage: Stage, blip: Blip, rounds: number): Promise<Figure[]> {
  const seen = [];
  for (let round = 1; round <= rounds; round += 1)
    seen.push(await stage.round(`${blip.about}: round ${round} of ${rounds}`, () => playBlip(stage, blip, CUT_NODE)));
  return figuresOf(blip, seen);
}
