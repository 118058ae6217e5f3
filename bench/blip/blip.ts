// SPDX-License-Identifier: Apache-2.0

// One blip, played once: who owned what before, what happened, and what a client saw of it on the wire and through its
// connections.

import { setTimeout as delay } from 'node:timers/promises';
import { startKeepAlive } from '../../test/support/keep-alive.ts';
import { LanFaults } from '../../test/support/lan-faults.ts';
import { monotonicMs } from '../../test/support/wire-watch.ts';
import { WARM_MS } from '../failover/scenario.ts';
import type { Stage } from '../failover/stage.ts';
import { ownersWithShare } from './ready.ts';
import { brokenIn, type Played, type Seen, seenIn } from './seen.ts';

const PORT = 80;
const SEND_EVERY_MS = 50;
/** After healing, until nothing more is to be expected; connections that stalled have sent again by then. */
const SETTLE_MS = 4_000;

/** What a blip may do. */
export interface Hands {
  readonly faults: LanFaults;
  /** Undoes the fault, as often as a blip wants. */
  heal(): Promise<void>;
  readonly stage: Stage;
  readonly cutNode: string;
}

export interface Blip {
  readonly about: string;
  /** How many times the owner of a VIP of the cut node may change, all in all. */
  readonly mostMoves: number;
  /** Whether the fault cuts no one from clients, so that no question may ever have two answers. */
  readonly isCutNowhere?: true;
  /** Longest time without an answer, in milliseconds, that is aimed at. */
  readonly silenceMs: number;
  /** Does it, and undoes it. */
  play(hands: Hands): Promise<unknown>;
}

export async function playBlip(stage: Stage, blip: Blip, cutNode: string): Promise<Seen> {
  const owners = await ownersWithShare(stage);
  const { lab, vips, watch } = stage;
  const faults = new LanFaults(lab.name);
  const namespace = lab.namespaceOf('client');
  const client = await startKeepAlive({ namespace, addresses: vips, port: PORT, everyMs: SEND_EVERY_MS });
  try {
    await delay(WARM_MS);
    await watch.take();
    const healedMs: number[] = [];
    const heal = async () => {
      healedMs.push(monotonicMs());
      await faults.heal();
    };
    await blip.play({ faults, stage, cutNode, heal });
    await delay(SETTLE_MS);
    const record = await watch.take();
    const played: Played = { record, kept: await client.stop(), owners, healedMs };
    const places = { cutNode, macOf: (node: string) => stage.macOf(node) };
    stage.notes.push(...brokenIn(played, places));
    return seenIn(played, places);
  } finally {
    await faults.heal();
    faults.close();
    await client.stop().catch(() => []);
  }
}
