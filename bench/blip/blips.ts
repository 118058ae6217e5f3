// SPDX-License-Identifier: Apache-2.0

// The faults of the table in docs/failover.md, in the order in which they are played: what flaps comes last, since a
// node that flaps gets no VIPs for a minute.

import { setTimeout as delay } from 'node:timers/promises';
import { commandLineOf, isSpeaker } from '../../test/lab/members.ts';
import type { Stage } from '../failover/stage.ts';
import type { Blip, Hands } from './blip.ts';

/** A dead owner is noticed within this time; a node that is cut answers no one on the clients' side. */
const TAKEN_OVER_MS = 300;
/** Nothing changes hands: what is left is the pace of the questions and the turns of a busy machine. */
const UNDISTURBED_MS = 150;
const FILTERED_MS = 10_000;
const LAPSE_MS = 200;

export const BLIPS: Readonly<Record<string, Blip>> = {
  'cut-0.1': cut(100, { mostMoves: 0, silenceMs: 100 + UNDISTURBED_MS }),
  'cut-0.3': cut(300, { mostMoves: 2 }),
  'cut-0.4': cut(400, { mostMoves: 2 }),
  'cut-1': cut(1_000, { mostMoves: 2 }),
  'cut-3': cut(3_000, { mostMoves: 2 }),
  'cut-10': cut(10_000, { mostMoves: 2 }),
  'filter-one': filtered('heartbeats of one node filtered', ({ faults, cutNode }) => faults.filterHeartbeats(cutNode)),
  'filter-all': filtered('all heartbeats filtered', ({ faults }) => faults.filterHeartbeats()),
  'filter-one-way': filtered('heartbeats from one node filtered, those to it pass', ({ faults, cutNode }) =>
    faults.mute(cutNode),
  ),
  lapse: {
    about: `all speakers stopped for ${LAPSE_MS} ms`,
    ...{ mostMoves: 0, isCutNowhere: true, silenceMs: 1_000 },
    play: async ({ stage, heal }) => {
      const speakers = await speakersOf(stage);
      for (const pid of speakers) process.kill(pid, 'SIGSTOP');
      await delay(LAPSE_MS);
      for (const pid of speakers) process.kill(pid, 'SIGCONT');
      await heal();
    },
  },
  'cut-60': cut(60_000, { mostMoves: 1 }),
  five: again('cut for 0.4 s, five times', { times: 5, cutMs: 400, restMs: 2_000 }),
  flap: again('flapping once a second for a minute', { times: 60, cutMs: 500, restMs: 500 }),
};

function cut(
  milliseconds: number,
  { mostMoves, silenceMs = TAKEN_OVER_MS }: { readonly mostMoves: number; readonly silenceMs?: number },
): Blip {
  return {
    about: `one node cut for ${milliseconds / 1000} s`,
    ...{ mostMoves, silenceMs },
    play: async ({ faults, cutNode, heal }) => {
      await faults.split([cutNode]);
      await delay(milliseconds);
      await heal();
    },
  };
}

function filtered(about: string, begin: (hands: Hands) => Promise<number>): Blip {
  return {
    about: `${about} for ${FILTERED_MS / 1000} s`,
    ...{ mostMoves: 0, isCutNowhere: true, silenceMs: UNDISTURBED_MS },
    play: async (hands) => {
      await begin(hands);
      await delay(FILTERED_MS);
      await hands.heal();
    },
  };
}

/** Found before, so that all stop in the same moment. */
async function speakersOf({ lab, nodes }: Stage): Promise<number[]> {
  const all = (await Promise.all(nodes.map((node) => lab.processIds(node)))).flat();
  const are = await Promise.all(all.map(async (pid) => isSpeaker(await commandLineOf(pid))));
  const speakers = all.filter((_, index) => are[index]);
  if (speakers.length < nodes.length) throw new Error(`only ${speakers.length} speakers run`);
  return speakers;
}

interface Repeated {
  readonly times: number;
  readonly cutMs: number;
  readonly restMs: number;
}

function again(about: string, { times, cutMs, restMs }: Repeated): Blip {
  return {
    about,
    ...{ mostMoves: 2 * times, silenceMs: cutMs + TAKEN_OVER_MS },
    play: async ({ faults, cutNode, heal }) => {
      for (let time = 0; time < times; time += 1) {
        if (time > 0) await delay(restMs);
        await faults.split([cutNode]);
        await delay(cutMs);
        await heal();
      }
    },
  };
}
