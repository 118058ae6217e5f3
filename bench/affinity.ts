// SPDX-License-Identifier: Apache-2.0

// What becomes of connections that are open, idle ones, chatting ones and uploads, IPv4 and IPv6, with both traffic
// policies: through what people and Kubernetes do on purpose, beside plain layer 2 on the same lab, and through faults,
// beside Services that their owner serves.

import { CHANGES, type Change } from './affinity/changes.ts';
import { FAULTS, type Fault, strike } from './affinity/faults.ts';
import { changeFigures, faultFigures, GROUP_NAMES } from './affinity/figures.ts';
import { playChange } from './affinity/play.ts';
import { GROUPS, type Group, type Seen } from './affinity/seen.ts';
import { AffinityStage, type Moves } from './affinity/stage.ts';
import { onBenchLab } from './berth-lab.ts';
import { measured, played } from './playing.ts';
import { type BenchOptions, type BenchReport, type Figure, scenarioNamed, thisMachine } from './report.ts';

const CHANGE_ROUNDS = 20;
const FAULT_ROUNDS = 3;
/** Plain layer 2 breaks what it breaks in any round. */
const YARDSTICK_ROUNDS = 3;
const CHANGE_CONNECTIONS = 1_000;
const FAULT_CONNECTIONS = 300;
const ATTEMPTS = 3;

interface Scenario {
  readonly about: string;
  measure(stage: AffinityStage, options: BenchOptions): Promise<Figure[]>;
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  ...mapped(CHANGES, changeScenario),
  ...mapped(FAULTS, faultScenario),
};

export async function run(options: BenchOptions): Promise<BenchReport> {
  const { progress, scenario, rounds = CHANGE_ROUNDS } = options;
  const chosen = scenario === undefined ? Object.values(SCENARIOS) : [scenarioNamed(SCENARIOS, scenario)];
  return onBenchLab({ pools: ({ plan }) => plan.pools, progress }, async ({ lab }) => {
    const stage = await AffinityStage.up(lab, progress);
    const figures: Figure[] = [];
    for (const one of chosen) figures.push(...(await measured(stage, one.about, () => one.measure(stage, options))));
    const { notes } = stage;
    return { bench: 'affinity', scenario: scenario ?? 'all', machine: thisMachine(), rounds, figures, notes };
  });
}

function changeScenario(change: Change): Scenario {
  const { about, endsBackends = false } = change;
  return {
    about,
    async measure(stage, { rounds = CHANGE_ROUNDS, connections = CHANGE_CONNECTIONS }) {
      const play = async (moves: Moves, times: number) => {
        await stage.use(moves);
        const titled = moves === 'plain' ? `${about}, plain layer 2` : about;
        return eachRound(stage, { about: titled, times }, async (round, title) => {
          const seen = await playChange(stage, change, { round, title, connections });
          stage.progress(`  ${GROUPS.map((group) => `${GROUP_NAMES[group]}: ${textOf(seen[group])}`).join('; ')}`);
          return seen;
        });
      };
      try {
        const plain = await play('plain', Math.min(rounds, YARDSTICK_ROUNDS));
        const kept = await play('keep-connections', rounds);
        const of = (group: Group, all: readonly Readonly<Record<Group, Seen>>[]) => all.map((one) => one[group]);
        return GROUPS.flatMap((group) =>
          changeFigures({ about, group, endsBackends, plain: of(group, plain), kept: of(group, kept) }),
        );
      } finally {
        await change.finish?.(stage);
      }
    },
  };
}

function faultScenario(fault: Fault): Scenario {
  return {
    about: fault.about,
    async measure(stage, { rounds = FAULT_ROUNDS, connections = FAULT_CONNECTIONS }) {
      await stage.use('keep-connections');
      const struck = await eachRound(stage, { about: fault.about, times: rounds }, async (round, title) => {
        const one = await strike(stage, fault, { round, title, connections });
        const { brokenOfOthers, others, brokenOfVictim, own, stallMs, brokenPlain } = one;
        const text = `${brokenOfOthers} of ${others} broken, ${brokenOfVictim} of ${own} of the dead node`;
        stage.progress(`  ${text}, stall ${Math.round(stallMs)} ms; owner serves: ${brokenPlain} of ${one.plain}`);
        return one;
      });
      return faultFigures(fault.about, fault.victim !== undefined, struck);
    },
  };
}

interface Rounds {
  readonly about: string;
  readonly times: number;
}

async function eachRound<T>(
  stage: AffinityStage,
  { about, times }: Rounds,
  play: (round: number, title: string) => Promise<T>,
): Promise<T[]> {
  const seen: T[] = [];
  for (let round = 0; round < times; round += 1) {
    const title = `${about}: round ${round + 1} of ${times}`;
    seen.push(await played(stage, { title, attempts: ATTEMPTS }, () => play(round, title)));
  }
  return seen;
}

function textOf({ connections, broken, backendEnded, failedConnects, stallMs }: Seen): string {
  const ended = backendEnded === 0 ? '' : ` (and ${backendEnded} whose pod ended)`;
  return `${broken} of ${connections} broken${ended}, ${failedConnects} connects failed, stall ${Math.round(stallMs)} ms`;
}

function mapped<From, To>(from: Readonly<Record<string, From>>, to: (one: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(from).map(([name, one]) => [name, to(one)]));
}
