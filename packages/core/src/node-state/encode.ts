// SPDX-License-Identifier: Apache-2.0
/**
 * A node's state as text for an annotation: JSON of few characters, since it is written at each change and stored by
 * the API server. 5,000 IPv4 VIPs take about 60 kB, 5,000 random IPv6 ones about 160 kB.
 */
import type { IpAddress } from '../net/ip-address.ts';
import { encodeMovesState } from './moves-state.ts';
import {
  type CheckReport,
  MAX_LAPSE_TIMES,
  type NodeHealth,
  type NodeState,
  type OwnedState,
  type SegmentState,
} from './node-state.ts';
import { encodeServing } from './serving.ts';
import { encodeStandings } from './standing.ts';
import { encodeUnanswered, moveHead } from './succession.ts';
import { encodeVipRows } from './vip-rows.ts';

/** Version of the text. A reader refuses another one; fields that it does not know it skips. */
export const NODE_STATE_VERSION = 1;
/** The API server takes 256 KiB of annotations; the rest is for others. */
export const MAX_STATE_CHARACTERS = 240 * 1024;
/** Behind the word for what answers on a segment: the kernel may answer there for VIPs of others. */
export const FOR_OTHERS = 'for-others';
/** Most subnets of one interface that are published. */
export const MAX_SUBNETS = 16;
/** Most conflicts, unreachable VIPs and outcomes that are published; no one reads more than that. */
export const MAX_REMARKS = 256;

/**
 * The text of a state. Where it would be too long, reasons for VIPs that it does not announce are cut first, then who
 * serves, and then what it owns, which is said: a text that the API server refuses would take the node's whole word
 * away.
 */
export function encodeNodeState(state: NodeState): string {
  const { owned, notAnnounced, serving = [] } = state;
  const text = encodeWhole(state);
  if (text.length <= MAX_STATE_CHARACTERS) return text;
  if (notAnnounced.length > 0) return encodeNodeState({ ...state, notAnnounced: shortened(notAnnounced) });
  if (serving.length > 0) return encodeNodeState({ ...state, serving: shortened(serving) });
  if (owned.length === 0) return text;
  const kept = shortened(owned);
  return encodeNodeState({ ...state, owned: kept, leftOut: state.leftOut + owned.length - kept.length });
}

function shortened<T>(list: readonly T[]): readonly T[] {
  return list.slice(0, Math.floor((list.length * 3) / 4));
}

export function encodeNodeHealth({ latestMs, lapses, lapsedSeconds, spread }: NodeHealth): string {
  return JSON.stringify({
    latestMs: Math.round(latestMs),
    lapses,
    lapsed: lapsedSeconds?.slice(-MAX_LAPSE_TIMES),
    spread: spread && [spread.forwarded, spread.strays, spread.flows].filter((count) => count !== undefined),
  });
}

// Lists with nothing in them are left out.
function encodeWhole(state: NodeState): string {
  const { bootId, engine, transport, keys, ineligible, fitness, leftOut } = state;
  const groups = ownedGroups(state.owned);
  return JSON.stringify({
    v: NODE_STATE_VERSION,
    ...{ bootId, engine, transport, keys: [keys.newest, keys.signing] },
    ineligible: ineligible === '' ? undefined : ineligible,
    fitness: fitness === 'fit' ? undefined : fitness,
    segments: filled(state.segments.map(encodeSegment)),
    owned: filled(groups.map(encodeOwned)),
    // Beside the groups, since older readers refuse a group with more in it.
    standings: filled(groups.map(encodeStandings)),
    leftOut: leftOut === 0 ? undefined : leftOut,
    conflicts: filled(
      state.conflicts
        .map((one) => [one.vip, one.interface, one.mac, one.sinceSeconds, one.kind, ...(one.user ? [one.user] : [])])
        .slice(0, MAX_REMARKS),
    ),
    unreachable: filled(
      state.unreachable
        .map((one) => [one.vip, one.interface, one.why, one.macs.slice(0, MAX_REMARKS), one.sinceSeconds])
        .slice(0, MAX_REMARKS),
    ),
    notAnnounced: filled(encodeNotAnnounced(state)),
    orders: filled(state.orders.map(({ id, outcome, why }) => [id, outcome, why]).slice(0, MAX_REMARKS)),
    tested: state.testedSeconds,
    check: state.check && encodeCheck(state.check),
    serving: filled(encodeServing(state.serving ?? [])),
    keeping: state.keeping === 0 ? undefined : state.keeping,
    moves: state.moves && encodeMovesState(state.moves),
  });
}

// Names of nodes have no blanks.
function encodeSegment(segment: SegmentState): unknown {
  const {
    interface: ifname,
    mac,
    phase,
    members,
    contact = '',
    answer,
    answersForOthers,
    notReached = [],
    subnets = [],
  } = segment;
  const names = (hearing: string) => members.filter((one) => one.hearing === hearing).map(({ node }) => node);
  const by = (way: string) => members.filter((one) => one.way === way).map(({ node }) => node);
  const usual = [ifname, mac, phase, names('both').join(' '), names('one-way').join(' ')];
  const how = [answer ?? [], answersForOthers ? FOR_OTHERS : []].flat().join(' ');
  const rest = [
    names('lost').join(' '),
    contact,
    how,
    by('udp').join(' '),
    by('unicast').join(' '),
    notReached.join(' '),
    subnets.slice(0, MAX_SUBNETS).join(' '),
  ];
  // Left out where there is nothing to tell.
  return [...usual, ...rest.slice(0, rest.findLastIndex((one) => one !== '') + 1)];
}

/** What has all but a few numbers in common, each group in the order in which its rows are written. */
function ownedGroups(owned: readonly OwnedState[]): readonly (readonly OwnedState[])[] {
  const groups = Map.groupBy(
    owned,
    (one) => `${one.vip.family} ${one.why} ${one.isOutside} ${one.interface} ${headOf(one)}`,
  );
  return [...groups.values()].map((group) => group.toSorted((a, b) => a.vip.compare(b.vip)));
}

function headOf({ moved }: OwnedState): string {
  return moved ? moveHead(moved) : '';
}

function encodeOwned(group: readonly OwnedState[]): unknown[] {
  const [first] = group;
  if (!first) return [];
  const since = group.reduce((least, one) => Math.min(least, one.sinceSeconds), first.sinceSeconds);
  const rows = group.map(({ vip, term, sinceSeconds }) => ({ vip, numbers: [term, sinceSeconds - since] }));
  const outside = first.isOutside ? 1 : 0;
  const moved = first.moved ? [headOf(first), encodeUnanswered(group.map((one) => one.moved?.unansweredMs))] : [];
  // Left out where there is nothing to tell.
  const more = outside === 1 || moved.length > 0 ? [outside, ...moved] : [];
  return [first.interface, first.why, first.vip.family, since, encodeVipRows(rows), ...more];
}

function encodeCheck({ id, asked, right, heard }: CheckReport): unknown {
  const rows = heard.slice(0, MAX_REMARKS).map(({ vip, interface: ifname, owner, macs }) => {
    return [vip, ifname, owner?.node ?? '', owner?.mac ?? '', macs.slice(0, MAX_REMARKS)];
  });
  return [id, asked, right, rows];
}

function encodeNotAnnounced({ notAnnounced }: NodeState): unknown[] {
  const groups = Map.groupBy(notAnnounced, ({ vip, why }) => `${vip.family} ${why}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first ? [[first.why, first.vip.family, encodeVipRows(group.map(bare))]] : [];
  });
}

function bare({ vip }: { readonly vip: IpAddress }) {
  return { vip, numbers: [] };
}

function filled<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}
