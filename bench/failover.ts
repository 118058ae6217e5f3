// SPDX-License-Identifier: Apache-2.0

// What a client on the LAN notices when something happens to the node that answers for its Service: every scenario of
// failover in one table. The client connects every 5 ms, and it watches the wire: who answered when is what it saw, not
// what Berth says of itself.

import { onBenchLab } from './berth-lab.ts';
import { apiStop } from './failover/api-stop.ts';
import { connectScenario } from './failover/connect.ts';
import { INCIDENTS } from './failover/incidents.ts';
import { manyVips } from './failover/many.ts';
import { partition } from './failover/partition.ts';
import type { Scenario } from './failover/scenario.ts';
import { Stage } from './failover/stage.ts';
import { measured } from './playing.ts';
import { type BenchOptions, type BenchReport, type Figure, scenarioNamed, thisMachine } from './report.ts';

const DEFAULT_ROUNDS = 10;
/** For 2,000 VIPs, behind the addresses that the LAN has. */
const MANY_ADDRESSES = '10.200.0.0/20';

/** In the order in which they are played. The last one leaves 2,000 Services behind. */
const SCENARIOS: Readonly<Record<string, Scenario>> = {
  ...Object.fromEntries(Object.entries(INCIDENTS).map(([name, incident]) => [name, connectScenario(incident)])),
  'api-stop': apiStop,
  partition,
  many: manyVips,
};

export async function run(options: BenchOptions): Promise<BenchReport> {
  const rounds = options.rounds ?? DEFAULT_ROUNDS;
  const chosen = scenariosNamed(options.scenario);
  const { progress } = options;
  return onBenchLab(
    { pools: ({ plan }) => [...plan.pools.slice(0, 1), MANY_ADDRESSES], progress },
    async ({ lab, client }) => {
      const stage = await Stage.up({ lab, client, progress });
      const figures = await measureAll(stage, chosen, rounds).finally(() => stage.down());
      const { notes } = stage;
      const scenario = options.scenario ?? 'all';
      return { bench: 'failover', scenario, machine: thisMachine(), rounds, figures, notes };
    },
  );
}

function scenariosNamed(name: string | undefined): readonly Scenario[] {
  return name === undefined ? Object.values(SCENARIOS) : [scenarioNamed(SCENARIOS, name)];
}

async function measureAll(stage: Stage, scenarios: readonly Scenario[], rounds: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const one of scenarios) figures.push(...(await measured(stage, one.about, () => one.measure(stage, rounds))));
  return figures;
}
