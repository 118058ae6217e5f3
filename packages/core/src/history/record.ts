// SPDX-License-Identifier: Apache-2.0
/** What the history of a cluster is made of: who answered for a VIP from when on, and what happened beside that. */
import type { MoveCause } from '../node-state/succession.ts';
import type { AnnouncedReason } from '../status/announced.ts';

/**
 * Why a VIP has another owner, or none. `left-over`: the node whose turn it was did not take it. `released`: no Service
 * has it any more.
 */
export type MoveWhy = 'new' | 'left-over' | 'unknown' | 'released' | MoveCause | AnnouncedReason;

/** A VIP that has another owner than before. */
export interface MoveRecord {
  /**
   * Milliseconds since 1970, by the clock of the node that answers, in whole seconds; of a VIP that no one answers for
   * by that of the controller.
   */
  readonly atMs: number;
  readonly vip: string;
  /** Keys of the Services that showed it then; of many the first ones. */
  readonly services: readonly string[];
  /** Of the new owner, or of the old one where no one answers. */
  readonly interface: string;
  /** Undefined: no one had it, or it is not known who. */
  readonly from: string | undefined;
  /** Undefined: no one answers from here on. */
  readonly to: string | undefined;
  readonly why: MoveWhy;
  /** How long no one answered at most, in milliseconds; undefined: not known. */
  readonly unansweredMs: number | undefined;
}

export const MARK_KINDS = [
  /** A stranger uses a VIP that is announced, or an address before its first use. */
  'conflict',
  /** An address is in quarantine. */
  'quarantine',
  /** `what`: one-way, lost or cut-off. */
  'hearing',
  /** A node is drained by a person, */
  'drain',
  /** or may own nothing for another reason, which is `what`. */
  'eligibility',
  /** A speaker started anew, or its Lease is not renewed. */
  'speaker',
  /** The controller could not reach the API server. */
  'outage',
  /** Another replica leads. */
  'leader',
  /** The configuration was refused, or loaded. */
  'configuration',
  /** The history itself: begun anew. */
  'history',
] as const;

export type MarkKind = (typeof MARK_KINDS)[number];

/** Something that happened, or began and ended. */
export interface MarkRecord {
  /** Milliseconds since 1970, by the controller's clock. */
  readonly atMs: number;
  readonly kind: MarkKind;
  readonly state: 'happened' | 'began' | 'ended';
  /** What it is about; empty where it is about nothing of the kind. */
  readonly node: string;
  /** The other node, for what is heard. */
  readonly other: string;
  readonly vip: string;
  readonly interface: string;
  /** A typed word or a short text, by the kind. */
  readonly what: string;
}

/** What is known of a node's report by the history: claims up to there are on record. */
export interface Horizon {
  readonly node: string;
  readonly bootId: string;
  /**
   * The latest claim on record, by the node's own clock, in seconds since 1970, and how many are of that second.
   */
  readonly sinceSeconds: number;
  readonly count: number;
}

export interface HistoryRecords {
  /**
   * In the order in which they were written, so the first ones go first: by their times, records of a clock that was
   * ahead would stay for ever, and those of one that is behind would never get in.
   */
  readonly moves: readonly MoveRecord[];
  readonly marks: readonly MarkRecord[];
  readonly horizons: readonly Horizon[];
}

export const EMPTY_HISTORY: HistoryRecords = { moves: [], marks: [], horizons: [] };

/** Most records of each kind; the oldest go first. A storm of moves takes nothing away of what explains it. */
export const MAX_MOVES = 1000;
export const MAX_MARKS = 250;
/**
 * As many of the marks are one node's while there is no room for all: what one node says may be wrong, and take nothing
 * away of what others do.
 */
const MARKS_OF_ONE_NODE = 50;
/** Most Services of one VIP that are recorded. */
export const MAX_SERVICES = 4;
/** Most characters of {@link MarkRecord.what}. */
export const MAX_WHAT = 200;

/** What a mark began and ended about. */
export function subjectOf({ kind, node, other, vip, interface: ifname, what }: MarkRecord): string {
  // Only there it tells two apart; of a conflict it is the MAC address, which changes, and of a refusal the text.
  const word = kind === 'hearing' || kind === 'eligibility' ? what : '';
  return [kind, node, other, vip, ifname, word].filter((one) => one !== '').join(' ');
}

/** Marks that began and did not end, by their subject. */
export function openMarks(marks: readonly MarkRecord[]): ReadonlyMap<string, MarkRecord> {
  const open = new Map<string, MarkRecord>();
  for (const mark of marks) {
    if (mark.state === 'began') open.set(subjectOf(mark), mark);
    if (mark.state === 'ended') open.delete(subjectOf(mark));
  }
  return open;
}

/**
 * The records with further ones behind them, bounded. What is on record is not recorded again: two leaders may have
 * seen the same.
 */
export function withRecords({ moves, marks, horizons }: HistoryRecords, more: Partial<HistoryRecords>): HistoryRecords {
  return {
    moves: withMoves(moves, more.moves ?? []),
    marks: withMarks(marks, more.marks ?? []),
    horizons: more.horizons ?? horizons,
  };
}

function withMoves(known: readonly MoveRecord[], more: readonly MoveRecord[]): readonly MoveRecord[] {
  if (more.length === 0) return known;
  const recorded = new Set(known.map(moveKey));
  const news = more.filter((move) => !recorded.has(moveKey(move)));
  return [...known, ...inOrder(news)].slice(-MAX_MOVES);
}

function moveKey({ atMs, vip, interface: ifname, from, to }: MoveRecord): string {
  return `${atMs} ${vip} ${ifname} ${from} ${to}`;
}

/** Nothing begins twice, and what did not begin does not end. */
function withMarks(known: readonly MarkRecord[], more: readonly MarkRecord[]): readonly MarkRecord[] {
  if (more.length === 0) return known;
  const open = new Map(openMarks(known));
  const news = more.filter((mark) => {
    const subject = subjectOf(mark);
    const before = open.get(subject);
    if (mark.state === 'began') open.set(subject, mark);
    if (mark.state === 'ended') open.delete(subject);
    // Another text is news; another MAC address of the same stranger is not.
    if (mark.state === 'began')
      return before === undefined || (mark.kind === 'configuration' && before.what !== mark.what);
    return mark.state === 'happened' || before !== undefined;
  });
  return boundedMarks([...known, ...inOrder(news)]);
}

/**
 * At most {@link MAX_MARKS}, in their order. Where there are more, those of the node that has most go first, the oldest
 * of them before the others, until it has no more than its part; then the oldest of all.
 */
export function boundedMarks(marks: readonly MarkRecord[]): readonly MarkRecord[] {
  let kept = marks;
  const byNode = Map.groupBy(marks, ({ node }) => node);
  for (const [, own] of [...byNode].filter(([node]) => node !== '').sort(([, a], [, b]) => b.length - a.length)) {
    const spare = Math.min(kept.length - MAX_MARKS, own.length - MARKS_OF_ONE_NODE);
    if (spare <= 0) break;
    const dropped = new Set(own.slice(0, spare));
    kept = kept.filter((mark) => !dropped.has(mark));
  }
  return kept.slice(-MAX_MARKS);
}

// What is gathered for some seconds comes from many nodes, each with its own delay.
function inOrder<T extends { readonly atMs: number }>(records: readonly T[]): readonly T[] {
  return [...records].sort((a, b) => a.atMs - b.atMs);
}
