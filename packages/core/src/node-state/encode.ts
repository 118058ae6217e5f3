// SPDX-License-Identifier: Apache-2.0
/**
 * A node's state as text for an annotation: JSON of few characters, since it is written at each change and stored by the API server.
 * 5,000 IPv4 VIPs take about 60 kB, 5,000 random IPv6 ones about 160 kB.
 */
import type { IpAddress } from '../net/ip-address.ts';
import type { CheckReport, NodeHealth, NodeState, OwnedState, SegmentState } from './node-state.ts';
import { encodeVipRows } from './vip-rows.ts';

/** Version of the text. A reader refuses another one; fields that it does not know it skips. */
export const NODE_STATE_VERSION = 1;
/** The API server takes 256 KiB of annotations; the rest is for others. */
export const MAX_STATE_CHARACTERS = 240 * 1024;
/** Most conflicts, unreachable VIPs and outcomes that are told; more than that is no news for a person. */
export const MAX_REMARKS = 256;

/**
 * The text of a state. Where it would be too long, reasons for VIPs that it does not announce are cut first, and then what it owns, which is
 * said: a text that the API server refuses would take the node's whole word away.
 */
export function encodeNodeState(state: NodeState): string {
  const { owned, notAnnounced } = state;
  const text = encodeWhole(state);
  if (text.length <= MAX_STATE_CHARACTERS) return text;
  if (notAnnounced.length > 0) return encodeNodeState({ ...state, notAnnounced: shortened(notAnnounced) });
  if (owned.length === 0) return text;
  const kept = shortened(owned);
  return encodeNodeState({ ...state, owned: kept, leftOut: state.leftOut + owned.length - kept.length });
}

function shortened<T>(list: readonly T[]): readonly T[] {
  return list.slice(0, Math.floor((list.length * 3) / 4));
}

export function encodeNodeHealth({ latestMs, lapses }: NodeHealth): string {
  return JSON.stringify({ latestMs: Math.round(latestMs), lapses });
}

// Lists with nothing in them are left out.
function encodeWhole(state: NodeState): string {
  const { bootId, engine, transport, keys, ineligible, fitness, leftOut } = state;
  return JSON.stringify({
    v: NODE_STATE_VERSION,
    ...{ bootId, engine, transport, keys: [keys.newest, keys.signing] },
    ineligible: ineligible === '' ? undefined : ineligible,
    fitness: fitness === 'fit' ? undefined : fitness,
    segments: filled(state.segments.map(encodeSegment)),
    owned: filled(encodeOwned(state.owned)),
    leftOut: leftOut === 0 ? undefined : leftOut,
    conflicts: filled(
      state.conflicts.map((one) => [one.vip, one.interface, one.mac, one.sinceSeconds, one.kind]).slice(0, MAX_REMARKS),
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
  });
}

// Names of nodes have no blanks.
function encodeSegment({ interface: ifname, mac, phase, members }: SegmentState): unknown {
  const names = (hearing: string) => members.filter((one) => one.hearing === hearing).map(({ node }) => node);
  return [ifname, mac, phase, names('both').join(' '), names('one-way').join(' ')];
}

function encodeOwned(owned: readonly OwnedState[]): unknown[] {
  const groups = Map.groupBy(owned, (one) => `${one.vip.family} ${one.why} ${one.interface}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const since = group.reduce((least, one) => Math.min(least, one.sinceSeconds), first.sinceSeconds);
    const rows = group.map(({ vip, term, sinceSeconds }) => ({ vip, numbers: [term, sinceSeconds - since] }));
    return [[first.interface, first.why, first.vip.family, since, encodeVipRows(rows)]];
  });
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
