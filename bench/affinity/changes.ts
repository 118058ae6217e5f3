// SPDX-License-Identifier: Apache-2.0

// What people do on purpose, and what Kubernetes does: none of it may break a connection.

import { setTimeout as delay } from 'node:timers/promises';
import { berthText } from '../../test/support/berth-command.ts';
import { upgradeSpeakers } from '../../test/support/speakers.ts';
import { chooseAll, chooseNodes, join, leave } from '../chosen-nodes.ts';
import type { AffinityStage } from './stage.ts';

/** Between a drain and its end: until nothing more moves. */
const DRAINED_MS = 1_000;
/** Pods that are replaced one by one, in so many roll-outs of all of them. */
const ROLLING = 8;
const ROLL_OUTS = 5;

export interface Change {
  readonly about: string;
  /** Whether pods end, and connections with them. */
  readonly endsBackends?: true;
  /** Before connections are opened; `round` counts from 0. */
  prepare?(stage: AffinityStage, round: number): Promise<unknown>;
  play(stage: AffinityStage, round: number): Promise<unknown>;
  /** After the last round, whatever happened. */
  finish?(stage: AffinityStage): Promise<unknown>;
}

const nodeOfRound = ({ nodes }: AffinityStage, round: number) => nodes[round % nodes.length] ?? '';

export const CHANGES: Readonly<Record<string, Change>> = {
  move: {
    about: 'each VIP moved to another node by order',
    play: (stage) => {
      const { nodes, vips } = stage;
      return stage.move(vips, (owner) => nodes[(nodes.indexOf(owner) + 1) % nodes.length] ?? '');
    },
  },
  drain: {
    about: 'a node drained and undrained',
    prepare: (stage, round) => stage.move(stage.vips, () => nodeOfRound(stage, round)),
    play: async (stage, round) => {
      const node = nodeOfRound(stage, round);
      const said = await berthText(stage.lab, 'drain', node);
      if (!said.includes(`${node} is drained`)) throw new Error(`${node} was not drained: ${said.trim()}`);
      await delay(DRAINED_MS);
      await berthText(stage.lab, 'undrain', node);
    },
  },
  rebalance: {
    about: 'VIPs rebalanced by order, from one node to all',
    prepare: (stage, round) => stage.move(stage.vips, () => nodeOfRound(stage, round)),
    play: async (stage, round) => {
      const said = await berthText(stage.lab, 'rebalance', '--timeout', '60');
      const left = [...(await stage.owners()).values()].filter((node) => node === nodeOfRound(stage, round));
      if (left.length === stage.vips.length) throw new Error(`nothing was rebalanced: ${said.trim()}`);
    },
  },
  upgrade: { about: 'rolling upgrade of the speakers', play: ({ lab }) => upgradeSpeakers(lab) },
  join: {
    about: 'a node joins',
    prepare: async (stage, round) => {
      await chooseNodes(stage.lab);
      await leave(stage.lab, nodeOfRound(stage, round));
    },
    play: async (stage, round) => {
      await join(stage.lab, nodeOfRound(stage, round));
      await stage.whole();
    },
    finish: ({ lab }) => chooseAll(lab),
  },
  'roll-out': {
    about: `${ROLLING * ROLL_OUTS} of the backends replaced, one by one`,
    endsBackends: true,
    prepare: (stage) => stage.rolling(ROLLING),
    play: async ({ lab }) => {
      for (let time = 0; time < ROLL_OUTS; time += 1) {
        await lab.kubectl(['rollout', 'restart', 'deployment/rolling']);
        await lab.kubectl(['rollout', 'status', 'deployment/rolling', '--timeout=180s']);
      }
    },
    finish: (stage) => stage.rolling(0),
  },
};
