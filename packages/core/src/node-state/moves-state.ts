// SPDX-License-Identifier: Apache-2.0
/** Whether a node hands VIPs over without breaking connections, as a value and as JSON of few characters. */
import { listOf, oneOf, textOf } from './json-fields.ts';
import { kernelReasonText } from './kernel-reason.ts';

/**
 * option: `--planned-moves=plain`; data-plane: a network plugin has connections that the kernel does not know; filter:
 * what other nodes pass on does not arrive; program, conntrack, room: the node's kernel, as in {@link ALONE_REASONS}.
 */
export const BREAK_REASONS = ['option', 'data-plane', 'filter', 'program', 'conntrack', 'room'] as const;
/** `unknown`: a reason that a newer speaker has. */
export type BreakReason = (typeof BREAK_REASONS)[number] | 'unknown';

/** What becomes of the connections of VIPs that a node hands over on purpose, or takes over, as far as it knows. */
export type MovesState = 'kept' | BrokenMoves;

export interface BrokenMoves {
  readonly why: BreakReason;
  /** Name of the network plugin, or what the system said, such as `EPERM`; empty where there is nothing to say. */
  readonly code: string;
}

const MAX_CHARACTERS = 64;

/** An empty list where connections are kept. */
export function encodeMovesState(moves: MovesState): readonly string[] {
  return moves === 'kept' ? [] : [moves.why, moves.code];
}

/** Undefined for what no encoder makes, and where nothing is said. */
export function decodeMovesState(value: unknown): MovesState | undefined {
  const list = value === undefined ? undefined : listOf(value, 4);
  if (list === undefined) return undefined;
  if (list.length === 0) return 'kept';
  const [why, code] = list.map((one) => textOf(one, MAX_CHARACTERS));
  return why === undefined ? undefined : { why: oneOf(why, BREAK_REASONS) ?? 'unknown', code: code ?? '' };
}

/** Why planned moves break connections of what a node owns, as part of a sentence. */
export function breakText(node: string, { why, code }: BrokenMoves): string {
  switch (why) {
    case 'option':
      return `${node} has --planned-moves=plain`;
    case 'data-plane':
      return `${node} has ${code || 'a network plugin'}, whose connections the kernel does not show`;
    case 'filter':
      return `packets of clients that other nodes pass on do not reach ${node}: a hypervisor or switch drops them`;
    default:
      return kernelReasonText(node, { why, code });
  }
}
