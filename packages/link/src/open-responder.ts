// SPDX-License-Identifier: Apache-2.0
/** Chooses what answers: the program in the kernel where kernel and rights allow it, else the thread; and says why. */

import type { EngineName } from './answering.ts';
import { type EngineObstacle, obstacleOf } from './engine-obstacle.ts';
import { type NativeLink, nativeLink } from './native.ts';
import { Responder } from './responder.ts';

/** An engine that was tried in vain. */
export interface RefusedEngine {
  readonly engine: EngineName;
  readonly obstacle: EngineObstacle;
  /** What the system said, for a log. */
  readonly detail: string;
}

export interface OpenedResponder {
  readonly responder: Responder;
  readonly engine: EngineName;
  /** Engines that come before it and could not be had, in the order in which they were tried. */
  readonly refused: readonly RefusedEngine[];
}

export type WantedEngine = EngineName | 'auto';

/** In the order of preference. */
const AUTOMATIC: readonly EngineName[] = ['kernel', 'kernel-clsact', 'packet-socket'];

/**
 * Opens the responder on the best engine that can be had (`auto`), or on the one that is named. Throws when there is
 * none: for `auto` that means that not even a packet socket can be opened.
 */
export function openResponder(wanted: WantedEngine, native: NativeLink = nativeLink()): OpenedResponder {
  const candidates = wanted === 'auto' ? AUTOMATIC : [wanted];
  const refused: RefusedEngine[] = [];
  let last: unknown;
  for (const engine of candidates) {
    try {
      return { responder: Responder.open(native, engine), engine, refused };
    } catch (error) {
      last = error;
      refused.push({
        engine,
        obstacle: obstacleOf(error),
        detail: error instanceof Error ? error.message : String(error),
      });
    }
  }
  throw new Error(`link: open responder: ${refused.map((one) => `${one.engine}: ${one.detail}`).join('; ')}`, {
    cause: last,
  });
}
