// SPDX-License-Identifier: Apache-2.0

// Whether anything is taken for a death that is none. First part: three times more busy loops than cores, in pods with
// large CPU requests so that the kernel shares the cores as on a cluster that is full, 60 pods a minute that come and
// go, and a full garbage collection in every speaker several times a second; second part: a LAN that loses a fifth of
// all frames. Changes of owner are counted from the frames that a client on the LAN sees, lost members from what the
// speakers log.

import { cpus } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Lab } from '../test/lab/lab.ts';
import { LanFaults } from '../test/support/lan-faults.ts';
import { speakersRolledOut } from '../test/support/speakers.ts';
import { answeredTwice, type WireRecord } from '../test/support/wire-record.ts';
import { BERTH_NAMESPACE } from '../test/support/workload.ts';
import { onBenchLab } from './berth-lab.ts';
import { BusyPods, PASSERS_PER_MINUTE, PassingPods } from './crowded-nodes.ts';
import { Stage } from './failover/stage.ts';
import { type BenchOptions, type BenchReport, type Figure, figure, thisMachine } from './report.ts';

/** Unless asked otherwise with --rounds. */
const MINUTES = 10;
const MINUTE_MS = 60_000;
const LOOPS_PER_CORE = 3;
const LOSS_PERCENT = 20;
const ASK_EVERY_MS = 50;
/** The record of the wire is looked through so often. */
const LOOK_MS = 5000;
/** Preloaded into the speakers, which know nothing of it. */
const COLLECT = 'data:text/javascript,setInterval(()=>globalThis.gc(),300)';
const COLLECTING = ['--expose-gc', `--import=${COLLECT}`, '/berth/speaker.js'];
const COLLECTIONS_PER_MINUTE = 200;

interface Seen {
  /** Times that a VIP was answered by another node than before. */
  readonly changes: number;
  readonly lost: number;
  readonly twice: number;
}

/** Scenarios: `busy`, `loss`; both without one. Rounds are minutes of the first part. */
export async function run(options: BenchOptions): Promise<BenchReport> {
  const { scenario = 'both', rounds: minutes = MINUTES, progress } = options;
  if (!['both', 'busy', 'loss'].includes(scenario))
    throw new Error(`bench: stability: --scenario: found '${scenario}', want busy, loss`);
  const pools = ({ plan }: Lab) => plan.pools.slice(0, 1);
  return onBenchLab({ pools, progress }, async ({ lab, client }) => {
    const stage = await Stage.up({ lab, client, progress });
    const figures: Figure[] = [];
    try {
      if (scenario !== 'loss') figures.push(...(await busy(stage, minutes)));
      if (scenario !== 'busy') figures.push(...(await loss(stage)));
    } finally {
      await stage.down();
    }
    return { bench: 'stability', scenario, machine: thisMachine(), rounds: minutes, figures, notes: stage.notes };
  });
}

async function busy(stage: Stage, minutes: number): Promise<Figure[]> {
  const args = { spec: { template: { spec: { containers: [{ name: 'speaker', args: COLLECTING }] } } } };
  const patch = ['patch', 'daemonset', 'speaker', '--type=strategic', '-p', JSON.stringify(args)];
  await stage.lab.kubectl(['-n', BERTH_NAMESPACE, ...patch]);
  await speakersRolledOut(stage.lab);
  await stage.whole();
  const loops = LOOPS_PER_CORE * cpus().length;
  const busyPods = await BusyPods.start(stage, loops);
  const passing = PassingPods.start(stage);
  try {
    stage.progress(
      `${minutes} min with ${loops} busy pods, ${PASSERS_PER_MINUTE} pods a minute that come and go, ${COLLECTIONS_PER_MINUTE} collections a minute`,
    );
    const seen = await observe(stage, minutes * MINUTE_MS);
    const figures = figuresOf(`${minutes} min, ${loops} busy pods, pods that come and go, collections`, seen, 'none');
    return [...figures, figure({ name: '  pods that came and went', unit: 'count', samples: [passing.gone] })];
  } finally {
    await passing.stop();
    if (passing.failure !== undefined) stage.notes.push(`a pod that comes and goes: ${passing.failure}`);
    await busyPods.stop();
  }
}

async function loss(stage: Stage): Promise<Figure[]> {
  const faults = new LanFaults(stage.lab.name);
  try {
    stage.progress(`1 min with ${LOSS_PERCENT} % of all frames lost`);
    await faults.lose(LOSS_PERCENT);
    return figuresOf(`1 min, ${LOSS_PERCENT} % of frames lost`, await observe(stage, MINUTE_MS), 'reported');
  } finally {
    await faults.heal();
    faults.close();
  }
}

async function observe(stage: Stage, durationMs: number): Promise<Seen> {
  await stage.watch.ask(stage.vips, ASK_EVERY_MS);
  const before = await lostMembers(stage.lab);
  const owners = new Map<string, string>();
  let [changes, twice] = [0, 0];
  for (const endMs = performance.now() + durationMs; performance.now() < endMs; ) {
    await delay(Math.min(LOOK_MS, Math.max(0, endMs - performance.now())));
    const record = await stage.watch.take();
    changes += changesIn(record, owners);
    twice += answeredTwice(record.questions).length;
  }
  return { changes, twice, lost: (await lostMembers(stage.lab)) - before };
}

/** Counts, and notes who answered last. */
function changesIn({ questions }: WireRecord, owners: Map<string, string>): number {
  let changes = 0;
  for (const { vip, answers } of questions)
    for (const { mac } of answers) {
      if (owners.has(vip) && owners.get(vip) !== mac) changes += 1;
      owners.set(vip, mac);
    }
  return changes;
}

/** How often any speaker has said that it lost one; a speaker that was started anew has said so too. */
async function lostMembers(lab: Lab): Promise<number> {
  const selection = ['-l', 'app.kubernetes.io/component=speaker', '--tail=-1', '--prefix'];
  const log = await lab.kubectl(['-n', BERTH_NAMESPACE, 'logs', ...selection]);
  return log.split('\n').filter((line) => line.includes('"kind":"member-lost"')).length;
}

function figuresOf(about: string, { changes, lost, twice }: Seen, wanted: 'none' | 'reported'): Figure[] {
  const target = wanted === 'none' ? { target: { on: 'worst', atMost: 0 } as const } : {};
  return [
    figure({ name: `${about}: changes of owner`, unit: 'count', samples: [changes], ...target }),
    figure({ name: '  members lost', unit: 'count', samples: [lost], ...target }),
    figure({ name: '  questions with two answers', unit: 'count', samples: [twice], ...target }),
  ];
}
