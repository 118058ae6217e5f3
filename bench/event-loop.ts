// SPDX-License-Identifier: Apache-2.0

// The whole controller on an API server in memory, with 20,000 Services in one namespace: for how long does an event
// stop everything else? The controller has a process of its own, with the options of the manifest: in one with the API
// server it would stand still for as long as the other's garbage takes.

import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from './event-loop/cluster.ts';
import { type BenchOptions, type BenchReport, figure, thisMachine } from './report.ts';

const SERVICES = 20_000;
const DEFAULT_ROUNDS = 5;
const LONGEST_MS = 50;
/** All that an event causes is done by then. */
const WATCHED_MS = 5_000;

export async function run(options: BenchOptions): Promise<BenchReport> {
  const rounds = options.rounds ?? DEFAULT_ROUNDS;
  options.progress(`giving addresses to ${SERVICES} Services`);
  const cluster = await Cluster.filled(SERVICES);
  await sleep(WATCHED_MS);
  const events = {
    'at rest': async () => {},
    'the namespace of all is labelled': (round: number) => cluster.label(round),
    'another namespace comes': (round: number) => cluster.addNamespace(round),
    'the pools are edited': (round: number) => cluster.configure(round + 1),
  };
  const figures = [];
  for (const [name, act] of Object.entries(events)) {
    options.progress(name);
    const samples = [];
    for (let round = 0; round < rounds; round++) samples.push(await longestTurn(cluster, () => act(round)));
    figures.push(figure({ name, unit: 'ms', samples, target: { on: 'worst', atMost: LONGEST_MS } }));
  }
  await cluster.stop();
  return { bench: 'event-loop', scenario: `${SERVICES} Services`, machine: thisMachine(), rounds, figures };
}

async function longestTurn(cluster: Cluster, act: () => Promise<unknown>): Promise<number> {
  await cluster.longestTurnMs();
  await act();
  await sleep(WATCHED_MS);
  return cluster.longestTurnMs();
}
