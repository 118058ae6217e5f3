// SPDX-License-Identifier: Apache-2.0

// What happens to the owner of a VIP, and how it is put right again.

import { randomUUID } from 'node:crypto';
import { Lab } from '../../test/lab/lab.ts';
import { upgradeSpeakers } from '../../test/support/speakers.ts';
import { applyObjects, BERTH_NAMESPACE } from '../../test/support/workload.ts';
import type { Target } from '../report.ts';
import type { Incident, Play } from './connect.ts';
import type { Stage } from './stage.ts';

const CRASH: Target = { on: 'median', atMost: 250 };
/** Every attempt has this long, so a longer gap is one that a client would notice. */
const MOVE: Target = { on: 'worst', atMost: 150 };
const SPEAKERS = ['-l', 'app.kubernetes.io/component=speaker'];
const DRAIN = 'berth.dev/drain';

const cable = {
  inflict: ({ stage, owner }: Play) => stage.lab.cable(owner, 'down'),
  repair: ({ stage, owner }: Play) => stage.lab.cable(owner, 'up'),
};

/** Moves on purpose: no connect may fail, and both answer while the VIP changes hands. */
const onPurpose = { target: MOVE, failures: 'none', handOver: true } as const;

export const INCIDENTS: Readonly<Record<string, Incident>> = {
  cable: { about: 'cable of the owner pulled', target: CRASH, ...cable },
  node: {
    about: 'node killed: kubelet, containers, cable',
    target: CRASH,
    inflict: async ({ stage, owner }) => {
      await stage.lab.cable(owner, 'down');
      await stage.lab.kill(owner, 'node');
    },
    repair: async ({ stage, owner }) => {
      await Lab.up({ name: stage.lab.name });
      await stage.freshPods(BERTH_NAMESPACE, [...SPEAKERS, ...on(owner)]);
      await stage.freshPods('default', ['-l', 'app=web', ...on(owner)]);
      await stage.lab.kubectl(['rollout', 'status', 'deployment/web', '--timeout=90s']);
    },
  },
  kill: {
    about: 'speaker killed (SIGKILL)',
    target: CRASH,
    inflict: ({ stage, owner }) => stage.lab.kill(owner),
    repair: ({ stage, owner }) => stage.freshPods(BERTH_NAMESPACE, [...SPEAKERS, ...on(owner)]),
  },
  freeze: {
    about: 'speaker stopped (SIGSTOP)',
    target: { on: 'worst', atMost: 300 },
    inflict: ({ stage, owner }) => stage.lab.freeze(owner),
    repair: ({ stage, owner }) => stage.lab.thaw(owner),
  },
  sigterm: {
    about: 'speaker asked to end (SIGTERM)',
    ...onPurpose,
    inflict: ({ stage, owner }) =>
      stage.lab.kubectl(['-n', BERTH_NAMESPACE, 'delete', 'pod', ...SPEAKERS, ...on(owner), '--wait=false']),
  },
  upgrade: {
    about: 'rolling upgrade of the speakers',
    ...onPurpose,
    expect: 'anybody',
    inflict: ({ stage }) => upgradeSpeakers(stage.lab),
  },
  drain: {
    about: 'node drained',
    ...onPurpose,
    inflict: ({ stage, owner }) => annotate(stage, owner, `${DRAIN}=true`),
    repair: ({ stage, owner }) => annotate(stage, owner, `${DRAIN}-`),
  },
  move: {
    about: 'VIP moved to another node by order',
    ...onPurpose,
    inflict: ({ stage, owner, round }) => {
      const others = stage.nodes.filter((node) => node !== owner);
      return order(stage, 'move', { vip: stage.vip, node: others[round % others.length] });
    },
  },
  rebalance: {
    about: 'VIPs rebalanced by order',
    ...onPurpose,
    prepare: emptyOneNode,
    connectTo: vipsOfTheFullest,
    inflict: ({ stage }) => order(stage, 'rebalance', {}),
  },
  'cable-tuned': {
    about: 'cable of the owner pulled, tuned to 10 ms and 70 ms',
    target: { on: 'worst', atMost: 100 },
    tuning: { HEARTBEAT_MS: '10', DEAD_AFTER_MS: '70' },
    ...cable,
  },
};

function on(node: string): string[] {
  return ['--field-selector', `spec.nodeName=${node}`];
}

function annotate(stage: Stage, node: string, annotation: string): Promise<string> {
  return stage.lab.kubectl(['annotate', 'node', node, annotation, '--overwrite']);
}

/** Gives the speakers an order as `kubectl berth` does. */
export function order(stage: Stage, kind: 'move' | 'rebalance', details: object): Promise<string> {
  const data = { [kind]: JSON.stringify({ id: randomUUID(), ...details }) };
  const metadata = { name: 'orders', namespace: BERTH_NAMESPACE };
  return applyObjects(stage.lab, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
}

/** Three VIPs on two of three nodes: one has two and one has none, so that one is to be moved. */
async function emptyOneNode(stage: Stage): Promise<void> {
  const node = await stage.owner();
  await annotate(stage, node, `${DRAIN}=true`);
  await stage.whole();
  await annotate(stage, node, `${DRAIN}-`);
  await stage.whole();
}

function vipsOfTheFullest(owners: ReadonlyMap<string, string>): string[] {
  const byNode = Map.groupBy(owners.keys(), (vip) => owners.get(vip) ?? '');
  const [fullest = []] = [...byNode.values()].sort((a, b) => b.length - a.length);
  return fullest;
}
