// SPDX-License-Identifier: Apache-2.0

// What happens to nodes and speakers that no one asked for: a node that dies costs the connections that it served, a
// speaker that dies costs none. Services with policy Local alone, where the pod's node is the one that serves.

import { setTimeout as delay } from 'node:timers/promises';
import { webPods } from '../../test/support/serving.ts';
import { freezeSpeaker, killSpeaker, silencesOf, upgradeSpeakers } from '../../test/support/speakers.ts';
import { startClients } from './clients.ts';
import { GROUPS, type Struck, struckIn } from './seen.ts';
import { type AffinityStage, BEHIND } from './stage.ts';

const CHAT_EVERY_MS = 200;
const CONNECT_EVERY_MS = 20;
const CONNECT_TIMEOUT_MS = 150;
/** What has just begun is in the tables of all nodes by then. */
const BEFORE_MS = 3_000;
/** Until each connection that chats has sent several times. */
const AFTER_MS = 5_000;

export interface Fault {
  readonly about: string;
  /** The node that dies, and its connections with it. Default: none does. */
  victim?(stage: AffinityStage, owner: string): string;
  play(stage: AffinityStage, victim: string): Promise<unknown>;
  /** Puts things right; that all is right is waited for afterwards. */
  repair(stage: AffinityStage, victim: string): Promise<unknown>;
}

const cable = {
  play: ({ lab }: AffinityStage, victim: string) => lab.cable(victim, 'down'),
  repair: ({ lab }: AffinityStage, victim: string) => lab.cable(victim, 'up'),
};

/** A kubelet waits ever longer before it starts a killed container again; new pods know no such thing. */
const repair = ({ lab }: AffinityStage) => upgradeSpeakers(lab);

export const FAULTS: Readonly<Record<string, Fault>> = {
  'owner-cable': { about: 'cable of the owner pulled', victim: (_stage, owner) => owner, ...cable },
  'server-cable': {
    about: 'cable of another node that serves pulled',
    victim: ({ nodes }, owner) => nodes.find((node) => node !== owner) ?? '',
    ...cable,
  },
  kill: {
    about: 'each speaker in turn killed (SIGKILL)',
    play: (stage) => eachInTurn(stage, (node) => killSpeaker(stage.lab, node)),
    repair,
  },
  freeze: {
    about: 'each speaker in turn stopped for 5 s (SIGSTOP)',
    play: (stage) => eachInTurn(stage, (node) => freezeSpeaker(stage.lab, node, AFTER_MS)),
    repair,
  },
};

async function eachInTurn(stage: AffinityStage, strike: (node: string) => Promise<void>): Promise<void> {
  for (const node of stage.nodes) {
    await strike(node);
    await stage.whole();
    await delay(AFTER_MS);
  }
}

/** Plays a fault, with so many connections to VIPs that their owner serves and as many to others. */
export async function strike(
  stage: AffinityStage,
  fault: Fault,
  { round, title, connections }: { readonly round: number; readonly title: string; readonly connections: number },
): Promise<Struck> {
  const { lab } = stage;
  const owner = stage.nodes[round % stage.nodes.length] ?? '';
  const vips = GROUPS.flatMap((group) => stage.vipsOf(group, 'Local'));
  await stage.move(vips, () => owner);
  await stage.whole();
  const victim = fault.victim?.(stage, owner);
  const silences = await silencesOf(lab);
  const nodeOfPod = await webPods(lab, BEHIND);
  const pace = { chatEveryMs: CHAT_EVERY_MS, connectEveryMs: CONNECT_EVERY_MS, connectTimeoutMs: CONNECT_TIMEOUT_MS };
  const common = { namespace: lab.namespaceOf('client'), connections, ...pace };
  const plain = await startClients({ ...common, vips: stage.vipsOf('owner', 'Local') });
  const every = await startClients({ ...common, vips: stage.vipsOf('every-node', 'Local') });
  try {
    await delay(BEFORE_MS);
    await fault.play(stage, victim ?? '');
    await delay(AFTER_MS);
    const [ofPlain, ofEvery] = await Promise.all([plain.stop(), every.stop()]);
    return struckIn({ plain: ofPlain.kept, every: ofEvery.kept, outage: ofEvery.outage, victim, nodeOfPod });
  } finally {
    await Promise.allSettled([plain.stop(), every.stop()]);
    await fault.repair(stage, victim ?? '');
    await stage.whole();
    if (victim !== undefined) await stage.noteSilences(title, silences);
  }
}
