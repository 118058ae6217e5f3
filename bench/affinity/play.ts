// SPDX-License-Identifier: Apache-2.0

// A change, played once with connections open.

import { setTimeout as delay } from 'node:timers/promises';
import { webPods } from '../../test/support/serving.ts';
import { silencesOf } from '../../test/support/speakers.ts';
import type { Change } from './changes.ts';
import { startClients } from './clients.ts';
import { type Group, type Seen, seenIn } from './seen.ts';
import { type AffinityStage, BEHIND } from './stage.ts';

const CHAT_EVERY_MS = 1_000;
const CONNECT_EVERY_MS = 50;
const CONNECT_TIMEOUT_MS = 1_000;
/** Connections that begin within a second before a change are another matter (docs/every-node-serves.md). */
const BEFORE_MS = 2_000;
/** Until each connection that chats has sent several times. */
const AFTER_MS = 5_000;

export interface Round {
  /** Counted from 0. */
  readonly round: number;
  readonly title: string;
  /** In all; half of them to VIPs of each group. */
  readonly connections: number;
}

export async function playChange(
  stage: AffinityStage,
  change: Change,
  { round, title, connections }: Round,
): Promise<Readonly<Record<Group, Seen>>> {
  await change.prepare?.(stage, round);
  const silences = await silencesOf(stage.lab);
  const pace = { chatEveryMs: CHAT_EVERY_MS, connectEveryMs: CONNECT_EVERY_MS, connectTimeoutMs: CONNECT_TIMEOUT_MS };
  const common = { namespace: stage.lab.namespaceOf('client'), connections: Math.ceil(connections / 2), ...pace };
  const owner = await startClients({ ...common, vips: stage.vipsOf('owner') });
  const every = await startClients({ ...common, vips: stage.vipsOf('every-node') });
  try {
    await delay(BEFORE_MS);
    await change.play(stage, round);
    await delay(AFTER_MS);
    const [ofOwner, ofEvery] = await Promise.all([owner.stop(), every.stop()]);
    const pods = new Set((await webPods(stage.lab, BEHIND)).keys());
    await stage.noteSilences(title, silences);
    return { owner: seenIn({ ...ofOwner, pods }), 'every-node': seenIn({ ...ofEvery, pods }) };
  } finally {
    await Promise.allSettled([owner.stop(), every.stop()]);
  }
}
