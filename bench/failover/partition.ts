// SPDX-License-Identifier: Apache-2.0

// The segment is split for 20 s, one node and a client on the far side, the owner and the other client on the near one,
// and healed. While it is split each side has an owner: the far node serves provisionally what its client asks for, and
// gives it back. How long more than one node answered after healing is read from the wire.

import { setTimeout as delay } from 'node:timers/promises';
import { LanFaults } from '../../test/support/lan-faults.ts';
import { LanHost } from '../../test/support/lan-host.ts';
import { answeredTwice, answerers, longestSilence, questionsIn } from '../../test/support/wire-record.ts';
import { WireWatch } from '../../test/support/wire-watch.ts';
import { type Figure, figure } from '../report.ts';
import { type Scenario, WARM_MS } from './scenario.ts';
import type { Stage } from './stage.ts';

const SPLIT_MS = 20_000;
const WATCH_MS = 1000;
/** Of the end of a round: these have one answer, from the winner. */
const SETTLED_QUESTIONS = 50;
/** Two heartbeats of the default interval. */
const AT_MOST_MS = 50;

interface Seen {
  /** From healing to the last answer of a node that does not answer in the end. */
  readonly oneOwnerMs: number;
  readonly silentMs: number;
  /** Questions of the time of the split that more than one node answered. */
  readonly twiceBefore: number;
}

export const partition: Scenario = {
  about: 'segment split for 20 s and healed',
  async measure(stage, rounds) {
    const faults = new LanFaults(stage.lab.name);
    const host = new LanHost({ labName: stage.lab.name, name: 'far' });
    await host.up();
    const client = await WireWatch.start({ namespace: host.namespace });
    await client.ask([stage.vip]);
    const seen: Seen[] = [];
    try {
      for (let round = 1; round <= rounds; round += 1)
        seen.push(
          await stage.round(`${partition.about}: round ${round} of ${rounds}`, () =>
            play(stage, faults, { host: host.name, client }),
          ),
        );
    } finally {
      await faults.heal();
      faults.close();
      await client.stop();
      await host.down();
    }
    // Kubelets need a while to find the API server again; nothing of a round depends on it.
    await stage.whole();
    return figuresOf(seen);
  },
};

/** What is beside the node on the far side. */
interface FarSide {
  readonly host: string;
  readonly client: WireWatch;
}

async function play(stage: Stage, faults: LanFaults, { host, client }: FarSide): Promise<Seen> {
  const { vip, watch } = stage;
  const owner = await stage.owner();
  const far = stage.nodes.find((node) => node !== owner) ?? '';
  await watch.take();
  await delay(WARM_MS);
  await faults.split([far, host]);
  await delay(SPLIT_MS);
  const served = answerers(questionsIn(await client.take(), {}, vip).slice(-SETTLED_QUESTIONS));
  if (String(served) !== stage.macOf(far)) throw new Error(`${far} was to answer on its side, found ${served}`);
  const healedMs = await faults.heal();
  await delay(WATCH_MS);
  const record = await watch.take();
  const after = questionsIn(record, { fromMs: healedMs }, vip);
  const [winner, ...others] = answerers(after.slice(-SETTLED_QUESTIONS));
  if (others.length > 0 || winner !== stage.macOf(owner)) throw new Error(`${owner} was to answer in the end`);
  const losing = after.flatMap(({ answers }) => answers.filter(({ mac }) => mac !== winner));
  return {
    oneOwnerMs: Math.max(0, ...losing.map(({ atMs }) => atMs - healedMs)),
    silentMs: longestSilence(questionsIn(record, {}, vip)),
    twiceBefore: answeredTwice(questionsIn(record, { untilMs: healedMs - 1 }, vip)).length,
  };
}

function figuresOf(seen: readonly Seen[]): Figure[] {
  const of = (read: (one: Seen) => number) => seen.map(read);
  return [
    figure({
      name: `${partition.about}: until one owner`,
      unit: 'ms',
      samples: of(({ oneOwnerMs }) => oneOwnerMs),
      target: { on: 'worst', atMost: AT_MOST_MS },
    }),
    figure({ name: '  no one answers on the wire', unit: 'ms', samples: of(({ silentMs }) => silentMs) }),
    figure({
      name: '  two answers on one side of the split',
      unit: 'count',
      samples: of(({ twiceBefore }) => twiceBefore),
      target: { on: 'worst', atMost: 0 },
    }),
  ];
}
