// SPDX-License-Identifier: Apache-2.0

// What it costs that every node serves, and how evenly it does: the program in the kernel, the way over the owner,
// frames that could go round, the shares of the nodes, and a change while a node has many idle connections.

import { onBenchLab } from './berth-lab.ts';
import { measured } from './playing.ts';
import { type BenchOptions, type BenchReport, type Figure, scenarioNamed, thisMachine } from './report.ts';
import { loops } from './spread/loops.ts';
import { memberJoins } from './spread/member-joins.ts';
import { path } from './spread/path.ts';
import { program } from './spread/program.ts';
import type { Asked, KernelScenario, LabScenario } from './spread/scenario.ts';
import { shares } from './spread/shares.ts';

type Scenario = KernelScenario | LabScenario;

const SCENARIOS: Readonly<Record<string, Scenario>> = { program, path, loops, shares, 'member-joins': memberJoins };

export async function run(options: BenchOptions): Promise<BenchReport> {
  const { scenario, progress } = options;
  const chosen = scenario === undefined ? SCENARIOS : { [scenario]: scenarioNamed(SCENARIOS, scenario) };
  const figures: Figure[] = [];
  const notes: string[] = [];
  const measure = async (name: string, scenario: (asked: Asked) => Promise<Figure[]>) => {
    const rounds = roundsOf(name, options);
    const found = await measured({ progress, notes }, name, async () => {
      const all = await scenario({ ...options, rounds });
      notes.push(`${name}: ${rounds} rounds`);
      return all;
    });
    figures.push(...found);
  };
  for (const [name, one] of Object.entries(chosen))
    if (one.on === 'kernel') await measure(name, (asked) => one.measure(asked));
  const onLab = Object.entries(chosen).flatMap(([name, one]) => (one.on === 'lab' ? [{ name, one }] : []));
  if (onLab.length > 0) {
    await onBenchLab({ pools: ({ plan }) => plan.pools, progress }, async (bench) => {
      for (const { name, one } of onLab) await measure(name, (asked) => one.measure(bench, asked));
    });
  }
  const rounds = Math.max(...Object.keys(chosen).map((name) => roundsOf(name, options)));
  return { bench: 'spread', scenario: scenario ?? 'all', machine: thisMachine(), rounds, figures, notes };
}

function roundsOf(name: string, { rounds }: BenchOptions): number {
  return rounds ?? scenarioNamed(SCENARIOS, name).rounds;
}
