// SPDX-License-Identifier: Apache-2.0

// The lines of the table about one blip.

import { type Figure, figure, type Target } from '../report.ts';
import type { Blip } from './blip.ts';
import { ONE_OWNER_MS, type Seen } from './seen.ts';

export function figuresOf(blip: Blip, seen: readonly Seen[]): Figure[] {
  const { about, mostMoves, silenceMs, isCutNowhere = false } = blip;
  const count = (name: string, read: (one: Seen) => number, most?: number) =>
    line(name, 'count', seen.map(read), most === undefined ? undefined : { on: 'worst', atMost: most });
  const time = (name: string, read: (one: Seen) => number, most?: number) =>
    line(name, 'ms', seen.map(read), most === undefined ? undefined : { on: 'worst', atMost: most });
  return [
    count(`${about}: VIPs moved of uncut nodes`, ({ movedUncut }) => movedUncut, 0),
    count('  moves of one VIP of the cut node, at most', ({ movesOfCut }) => movesOfCut, mostMoves),
    count('  connections broken through uncut nodes', ({ brokenUncut }) => brokenUncut, 0),
    count('  connections broken through the cut node', ({ brokenCut }) => brokenCut, isCutNowhere ? 0 : undefined),
    time('  no one answers, VIPs of the cut node', ({ silentCutMs }) => silentCutMs, silenceMs),
    time('  no one answers, VIPs of uncut nodes', ({ silentUncutMs }) => silentUncutMs),
    count('  questions with two answers, but for two heartbeats after healing', ({ twiceElse }) => twiceElse, 0),
    count('  in those two heartbeats', ({ twiceAtHealing }) => twiceAtHealing, isCutNowhere ? 0 : undefined),
    time('  from healing to one owner', ({ oneOwnerMs }) => oneOwnerMs, ONE_OWNER_MS),
  ];
}

function line(name: string, unit: string, samples: readonly number[], target: Target | undefined): Figure {
  return figure({ name, unit, samples, ...(target && { target }) });
}
