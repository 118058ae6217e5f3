// SPDX-License-Identifier: Apache-2.0
/** One step under way: the state so far and the actions so far. Only the functions of one step share it. */
import type { SpreadAction } from './spread-event.ts';
import type { OwnSet, SpreadState } from './spread-state.ts';

export interface SpreadTurn {
  state: SpreadState;
  readonly nowMs: number;
  readonly actions: SpreadAction[];
  /** Version of the own sets when the step began. */
  readonly versionBefore: number;
  /** The own sets of the state so far, once the step has made a list of them that no other state shares. */
  owned?: Map<string, OwnSet>;
}

export function change(turn: SpreadTurn, changes: Partial<SpreadState>): void {
  turn.state = { ...turn.state, ...changes };
}

export function due(turn: SpreadTurn, ...what: (keyof SpreadState['due'])[]): void {
  change(turn, { due: { ...turn.state.due, ...Object.fromEntries(what.map((one) => [one, true])) } });
}

/** What is in force has changed. */
export function tableChanged(turn: SpreadTurn): void {
  if (!turn.actions.some(({ type }) => type === 'table')) turn.actions.push({ type: 'table' });
}
