// SPDX-License-Identifier: Apache-2.0
/** The history as people read it: one sentence for each record, in the order of time. */
import { HISTORY_MAP, type HistoryObject, historyIn } from './history-map.ts';
import { gapText, MOVE_WORDS } from './move-words.ts';
import {
  type HistoryRecords,
  type MarkKind,
  type MarkRecord,
  type MoveRecord,
  type MoveWhy,
  subjectOf,
} from './record.ts';

export interface HistoryEntry {
  /** The same in each reading. */
  readonly id: string;
  readonly atMs: number;
  readonly kind: 'moved' | MarkKind;
  readonly state: MarkRecord['state'];
  /** What began and ended together. */
  readonly subject: string;
  readonly vip?: string;
  readonly services: readonly string[];
  readonly interface?: string;
  readonly node?: string;
  readonly from?: string;
  readonly to?: string;
  readonly why?: MoveWhy;
  readonly unansweredMs?: number;
  readonly text: string;
}

export interface HistoryReport {
  /**
   * `none`: there is no ConfigMap yet; `foreign`: somebody else's has its name; `newer`: written by a newer version.
   */
  readonly state: 'kept' | 'none' | 'foreign' | 'damaged' | 'newer';
  /** What is to be said of the state; empty when it is kept. */
  readonly text: string;
  /** Oldest first. */
  readonly entries: readonly HistoryEntry[];
}

/** What the ConfigMaps of Berth's namespace hold of it. */
export function readHistory(maps: readonly HistoryObject[]): HistoryReport {
  const found = historyIn(maps.find(({ metadata }) => metadata.name === HISTORY_MAP));
  switch (found.kind) {
    case 'kept':
      return { state: 'kept', text: '', entries: historyEntries(found.records) };
    case 'none':
      return {
        state: 'none',
        text: 'there is no history yet: nothing has changed since the controller keeps one',
        entries: [],
      };
    case 'foreign':
      return {
        state: 'foreign',
        text: `the ConfigMap ${HISTORY_MAP} is not Berth's, so no history is kept: give it another name`,
        entries: [],
      };
    case 'newer':
      return {
        state: 'newer',
        text: `the history is of a newer version of Berth (format ${found.version}): use its kubectl berth, or delete the ConfigMap ${HISTORY_MAP}`,
        entries: [],
      };
    case 'damaged':
      return {
        state: 'damaged',
        text: `the history cannot be read (${found.problem}); the controller begins it anew with the next change`,
        entries: [],
      };
  }
}

export function historyEntries({ moves, marks }: HistoryRecords): readonly HistoryEntry[] {
  const all = [...moves.map(entryOfMove), ...marks.map(entryOfMark)].sort((a, b) => a.atMs - b.atMs);
  // Two that are alike to the millisecond are still two.
  const seen = new Map<string, number>();
  return all.map((entry) => {
    const before = seen.get(entry.id) ?? 0;
    seen.set(entry.id, before + 1);
    return before === 0 ? entry : { ...entry, id: `${entry.id} ${before + 1}` };
  });
}

function entryOfMove(move: MoveRecord): HistoryEntry {
  const { atMs, vip, services, interface: ifname, from, to, why, unansweredMs } = move;
  return {
    id: `${atMs} ${vip} ${ifname} ${from ?? '-'} ${to ?? '-'}`,
    ...{ atMs, kind: 'moved', state: 'happened', subject: `${vip} ${ifname}`, vip, services, interface: ifname, why },
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(to !== undefined && { node: to }),
    ...(unansweredMs !== undefined && { unansweredMs }),
    text: moveText(move),
  };
}

function moveText({ vip, from, to, why, unansweredMs }: MoveRecord): string {
  if (to === undefined)
    return `${vip} is answered by no one${from === undefined ? '' : ` after ${from}`}: ${noOneText(why)}`;
  if (why === 'new') return `${to} answers for ${vip}: no one had it before`;
  const cause = isCause(why)
    ? `${from ?? 'its owner'} ${MOVE_WORDS[why]}`
    : 'the node whose turn it was did not take it';
  return `${to} answers for ${vip}: ${cause}${gapText(unansweredMs)}`;
}

// A word of a newer version stands for itself, whatever it is.
function noOneText(why: MoveWhy): string {
  return (Object.hasOwn(NO_ONE, why) ? NO_ONE[why] : undefined) ?? why;
}

function isCause(why: MoveWhy): why is keyof typeof MOVE_WORDS {
  return Object.hasOwn(MOVE_WORDS, why);
}

const NO_ONE: Readonly<Partial<Record<MoveWhy, string>>> = {
  released: 'no Service has it any more',
  NoEndpoints: 'no node has a usable endpoint',
  NoEligibleNode: 'no node may answer for it',
  NoInterface: 'no node has an interface that a policy names',
  NoAdvertisement: 'no policy speaks of it',
  NotHeard: 'no node says that it answers',
  AddressConflict: 'somebody else uses it',
  NodeAddress: 'it is an address of a node or of a gateway',
  ProbingAddress: 'it is asked whether somebody uses it',
  SharedWithServiceSelector: 'it is shared, and a policy selects Services',
};

function entryOfMark(mark: MarkRecord): HistoryEntry {
  const { atMs, kind, state, node, vip, interface: ifname } = mark;
  const subject = subjectOf(mark);
  return {
    ...{ id: `${atMs} ${subject} ${state}`, atMs, kind, state, subject, services: [] },
    ...(vip !== '' && { vip }),
    ...(ifname !== '' && { interface: ifname }),
    ...(node !== '' && { node }),
    text: markText(mark),
  };
}

function markText({ kind, state, node, other, vip, interface: ifname, what }: MarkRecord): string {
  const isOver = state === 'ended';
  switch (kind) {
    case 'conflict':
      return isOver
        ? `${vip}: no one else uses it on ${ifname} any more, as ${node} hears`
        : `${vip} is used by ${what} on ${ifname}, as ${node} hears`;
    case 'quarantine':
      return isOver ? `${vip} is no longer in quarantine` : `${vip} is in quarantine: used by ${what}`;
    case 'hearing':
      return hearingText({ node, other, ifname, what }, isOver);
    case 'drain':
      return isOver ? `${node} is no longer drained` : `${node} is drained`;
    case 'eligibility':
      return isOver ? `${node} may own addresses again` : `${node} may own nothing: ${what}`;
    case 'speaker':
      if (state === 'happened') return `the speaker of ${node} started`;
      return isOver ? `the speaker of ${node} is heard of again` : `nothing is heard of the speaker of ${node}`;
    case 'outage':
      return isOver ? `${node} reaches the API server again` : `${node} does not reach the API server: ${what}`;
    case 'leader':
      return `${node} leads`;
    case 'configuration':
      if (state === 'began') return `the configuration is refused: ${what}`;
      return isOver ? 'the configuration is accepted again' : `the configuration is loaded: ${what}`;
    case 'history':
      return `the history begins here: ${what}`;
  }
}

interface Hearing {
  readonly node: string;
  readonly other: string;
  readonly ifname: string;
  readonly what: string;
}

function hearingText({ node, other, ifname, what }: Hearing, isOver: boolean): string {
  if (what === 'cut-off') return `${node} is ${isOver ? 'no longer ' : ''}cut off on ${ifname}`;
  if (what === 'lost')
    return isOver
      ? `${node} hears ${other} on ${ifname} again`
      : `${node} does not hear ${other} on ${ifname}, but ${other} answers`;
  return isOver
    ? `${node} and ${other} hear each other on ${ifname} again`
    : `${node} hears ${other} on ${ifname}, but ${other} does not hear ${node}`;
}
