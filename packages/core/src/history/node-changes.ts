// SPDX-License-Identifier: Apache-2.0
/** What a node's report tells that the one before did not: VIPs that it took, and marks that began or ended. Pure. */
import type { NodeState, OwnedState } from '../node-state/node-state.ts';
import { type Horizon, type MarkKind, type MarkRecord, type MoveRecord, type MoveWhy, subjectOf } from './record.ts';

/** What is known of a node. */
export interface SeenNode {
  readonly node: string;
  /** Undefined where its report cannot be read. */
  readonly state: NodeState | undefined;
  readonly freshness: 'fresh' | 'unproven' | 'stale';
}

/** A move but for its Services, which the report does not tell. */
export type MoveSeen = Omit<MoveRecord, 'services'>;

/** VIPs that a node answers for by its new report and did not by the one before, or took anew meanwhile. */
export function takenBy(node: string, before: NodeState | undefined, after: NodeState | undefined): MoveSeen[] {
  if (after === undefined || isSameOwned(before?.owned ?? [], after.owned)) return [];
  const known = new Map(before?.bootId === after.bootId ? before.owned.map((one) => [keyOf(one), one]) : []);
  return after.owned.filter((one) => !isSame(known.get(keyOf(one)), one)).map((one) => moveOf(node, one));
}

/** VIPs that a node answered for by the report before and does not any more, by whatever reason. */
export function leftBy(before: SeenNode | undefined, after: SeenNode | undefined): readonly OwnedState[] {
  if (before?.state === undefined) return [];
  const isGone = after?.state === undefined || after.freshness === 'stale';
  if (isGone) return before.freshness === 'stale' ? [] : before.state.owned;
  if (isSameOwned(before.state.owned, after.state.owned)) return [];
  const kept = new Set(after.state.owned.map(keyOf));
  return before.state.owned.filter((one) => !kept.has(keyOf(one)));
}

/**
 * VIPs that a node took since the history was last written, by a controller that has not seen the reports in between:
 * what another boot of its speaker took, what it took later than the latest on record, and of that very second what
 * is not among the moves.
 */
export function takenSince(
  node: string,
  state: NodeState,
  { horizon, moves }: { readonly horizon: Horizon | undefined; readonly moves: readonly MoveRecord[] },
): MoveSeen[] {
  if (horizon?.bootId !== state.bootId) return state.owned.map((one) => moveOf(node, one));
  const ofLast = state.owned.filter((one) => one.sinceSeconds === horizon.sinceSeconds);
  const recorded = new Set(
    moves.filter((one) => one.to === node).map((one) => `${one.atMs} ${one.vip} ${one.interface}`),
  );
  // As many as are on record may have gone out of the ring since.
  const isNewOfLast = (move: MoveSeen) => !recorded.has(`${move.atMs} ${move.vip} ${move.interface}`);
  const rest = ofLast.length <= horizon.count ? [] : ofLast.map((one) => moveOf(node, one)).filter(isNewOfLast);
  const later = state.owned.filter((one) => one.sinceSeconds > horizon.sinceSeconds);
  return [...rest, ...later.map((one) => moveOf(node, one))];
}

/** Up to where the claims of a node are on record, once all of them are. */
export function horizonOf(node: string, { bootId, owned }: NodeState): Horizon {
  const sinceSeconds = owned.reduce((latest, one) => Math.max(latest, one.sinceSeconds), 0);
  const count = owned.filter((one) => one.sinceSeconds === sinceSeconds).length;
  return { node, bootId, sinceSeconds, count };
}

/** The marks between two reports of a node. `isHeard`: whether another node hears it. */
export function marksBetween(
  before: SeenNode | undefined,
  after: SeenNode | undefined,
  { nowMs, isHeard }: { readonly nowMs: number; readonly isHeard: boolean },
): MarkRecord[] {
  const node = after?.node ?? before?.node ?? '';
  const standing = new Map(standingMarks(after, { nowMs, isHeard }).map((mark) => [subjectOf(mark), mark]));
  // Whether others hear it may have changed while it was silent.
  const heardOrNot = [true, false].flatMap((heard) => standingMarks(before, { nowMs, isHeard: heard }));
  const former = new Map(heardOrNot.map((mark) => [subjectOf(mark), mark]));
  const began = [...standing].filter(([subject]) => !former.has(subject)).map(([, mark]) => mark);
  const ended = [...former].filter(([subject]) => !standing.has(subject)).map(([, mark]) => endOf(mark, nowMs));
  const isRestart = before?.state && after?.state && before.state.bootId !== after.state.bootId;
  const started = isRestart ? [markOf({ kind: 'speaker', node, atMs: nowMs, state: 'happened' })] : [];
  return [...ended, ...started, ...began];
}

/** All that is so by the word of a node, or because it is silent, as if it began now. */
export function standingMarks(
  seen: SeenNode | undefined,
  { nowMs: atMs, isHeard }: { readonly nowMs: number; readonly isHeard: boolean },
): MarkRecord[] {
  if (seen === undefined) return [];
  const { node, state, freshness } = seen;
  const began = (rest: Partial<MarkRecord> & { readonly kind: MarkKind }) => markOf({ node, atMs, ...rest });
  const silence = isHeard ? began({ kind: 'outage', what: SILENT_LEASE }) : began({ kind: 'speaker' });
  const { segments = [], conflicts = [], ineligible = '' } = state ?? {};
  const hearing = segments.flatMap(({ interface: ifname, members, contact }) => [
    ...members
      .filter(({ hearing: how }) => how !== 'both')
      .map(({ node: other, hearing: what }) => began({ kind: 'hearing', other, interface: ifname, what })),
    ...(contact === 'cut-off' ? [began({ kind: 'hearing', interface: ifname, what: contact })] : []),
  ]);
  return [
    ...(freshness === 'stale' ? [silence] : []),
    ...(ineligible === 'drained' ? [began({ kind: 'drain' })] : []),
    ...(ineligible === '' || ineligible === 'drained' ? [] : [began({ kind: 'eligibility', what: ineligible })]),
    ...hearing,
    ...conflicts.map(({ vip, interface: ifname, mac }) =>
      began({ kind: 'conflict', vip: String(vip), interface: ifname, what: String(mac) }),
    ),
  ];
}

const SILENT_LEASE = 'its Lease is not renewed, and other nodes hear it';

/** A mark about nothing but what is given; it began unless something else is said. */
export function markOf(rest: Partial<MarkRecord> & Pick<MarkRecord, 'kind' | 'atMs'>): MarkRecord {
  return { state: 'began', node: '', other: '', vip: '', interface: '', what: '', ...rest };
}

export function endOf(mark: MarkRecord, atMs: number): MarkRecord {
  return { ...mark, atMs, state: 'ended' };
}

function keyOf({ vip, interface: ifname }: OwnedState): string {
  return `${vip} ${ifname}`;
}

function isSame(a: OwnedState | undefined, b: OwnedState): boolean {
  return a?.term === b.term && a.sinceSeconds === b.sinceSeconds;
}

// The usual case, and cheap: a report that changed elsewhere.
function isSameOwned(a: readonly OwnedState[], b: readonly OwnedState[]): boolean {
  if (a.length !== b.length) return false;
  return a.every((one, index) => {
    const other = b[index];
    return other !== undefined && isSame(one, other) && one.interface === other.interface && one.vip.equals(other.vip);
  });
}

function moveOf(node: string, { vip, interface: ifname, sinceSeconds, why, moved }: OwnedState): MoveSeen {
  return {
    ...{ atMs: sinceSeconds * 1000, vip: String(vip), interface: ifname, to: node },
    from: moved?.from,
    why: whyOf(why, moved?.cause),
    unansweredMs: moved?.unansweredMs,
  };
}

function whyOf(why: OwnedState['why'], cause: NonNullable<OwnedState['moved']>['cause'] | undefined): MoveWhy {
  if (cause !== undefined) return cause;
  return why === 'new' || why === 'left-over' || why === 'handed-over' ? why : 'unknown';
}

/** Texts of all VIPs that a node which is believed says to answer for. */
export function claimedVips(nodes: Iterable<SeenNode>): ReadonlySet<string> {
  const all = [...nodes];
  const heard = new Set(
    all
      .filter(({ freshness }) => freshness !== 'stale')
      .flatMap(({ state }) => state?.segments.flatMap(({ members }) => members.map((one) => one.node)) ?? []),
  );
  // A node that cannot reach the API server any more but is heard on the LAN goes on answering.
  const believed = all.filter(({ node, freshness }) => freshness !== 'stale' || heard.has(node));
  return new Set(believed.flatMap(({ state }) => state?.owned.map(({ vip }) => String(vip)) ?? []));
}
