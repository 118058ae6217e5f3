// SPDX-License-Identifier: Apache-2.0

// The lines of the table about one change, and about one fault. Pure.

import { type Figure, figure } from '../report.ts';
import type { Group, Seen, Struck } from './seen.ts';

export const GROUP_NAMES: Readonly<Record<Group, string>> = {
  owner: 'owner serves',
  'every-node': 'every node serves',
};
/** What the longest stall, a reset by another node and the time until new connections go elsewhere are held to. */
const [STALL_MS, RESET_MS, ELSEWHERE_MS] = [300, 400, 300];
const NONE = { target: { on: 'worst', atMost: 0 } } as const;

/** Rounds of one group, by Berth and by plain layer 2. */
export interface ChangeSeen {
  readonly about: string;
  readonly group: Group;
  readonly endsBackends: boolean;
  readonly kept: readonly Seen[];
  readonly plain: readonly Seen[];
}

export function changeFigures({ about, group, endsBackends, kept, plain }: ChangeSeen): Figure[] {
  const line = (name: string, unit: string, read: (one: Seen) => number) => {
    return { name, unit, samples: kept.map(read), yardstick: { name: 'plain', samples: plain.map(read) } };
  };
  const connections = Math.max(...kept.map((one) => one.connections));
  const title = `${about}, ${GROUP_NAMES[group]}: broken of ${connections}`;
  return [
    figure({ ...line(title, 'count', ({ broken }) => broken), ...NONE }),
    ...(endsBackends ? [figure(line('  broken as their pod ended', 'count', ({ backendEnded }) => backendEnded))] : []),
    figure({ ...line('  failed connects', 'count', ({ failedConnects }) => failedConnects), ...NONE }),
    figure(line('  longest stall', 'ms', ({ stallMs }) => stallMs)),
  ];
}

/** `killsNode`: whether one dies; the yardstick are Services that their owner serves, struck by the same fault. */
export function faultFigures(about: string, killsNode: boolean, struck: readonly Struck[]): Figure[] {
  const of = (read: (one: Struck) => number) => struck.map(read);
  const most = (read: (one: Struck) => number) => Math.max(...of(read));
  const yardstick = { name: 'owner serves', samples: of(({ brokenPlain }) => brokenPlain) };
  const stall = { name: '  longest stall', unit: 'ms', samples: of(({ stallMs }) => stallMs) };
  const broken = { unit: 'count', samples: of(({ brokenOfOthers }) => brokenOfOthers), yardstick, ...NONE };
  const others = most((one) => one.others);
  if (!killsNode) return [figure({ name: `${about}: broken of ${others}`, ...broken }), figure(stall)];
  const resets = struck.flatMap(({ brokenAfterMs }) => brokenAfterMs);
  return [
    figure({ name: `${about}: broken of ${others} that others served`, ...broken }),
    figure({
      name: `  broken of ${most(({ own }) => own)} that it served`,
      unit: 'count',
      samples: of(({ brokenOfVictim }) => brokenOfVictim),
    }),
    figure({ ...stall, target: { on: 'worst', atMost: STALL_MS } }),
    ...(resets.length === 0
      ? []
      : [
          figure({
            name: '  from its last request to the reset',
            unit: 'ms',
            samples: resets,
            target: { on: 'worst', atMost: RESET_MS },
          }),
        ]),
    figure({
      name: '  new connections fail for',
      unit: 'ms',
      samples: of(({ failingMs }) => failingMs),
      target: { on: 'worst', atMost: ELSEWHERE_MS },
    }),
  ];
}
