// SPDX-License-Identifier: Apache-2.0
/**
 * Whose the stations are that answer for an orphan (docs/design/0012-ask-before-you-take.md, section 3). A node that is
 * not heard may have taken it over; a stranger that uses the address is no reason to leave a VIP without an owner which
 * had one.
 */
import type { MacAddress } from '../net/mac-address.ts';
import type { StationKind } from './event.ts';
import type { Doubt, Station } from './state.ts';
import { act, change, type Turn } from './turn.ts';

/** What was found out holds for so long, in milliseconds: a host may get another network card. */
const KNOWN_MS = 60_000;
/** What could not be found out is asked again after this time. */
const ASK_AGAIN_MS = 1_000;
/** Stations that are asked about in that time; each costs a frame for each node. */
const MOST_ASKED = 4;
/** Stations that are remembered. Anybody may answer from any MAC address. */
const MOST_STATIONS = 64;

/**
 * Whether an answer for a VIP says nothing about its owner: it had one, and the station is a stranger's. Asks whose it
 * is where that is not known; until then the answer counts.
 */
export function isStrangers(turn: Turn, key: string, mac: MacAddress): boolean {
  const { state, nowMs } = turn;
  // A VIP that nobody ever owned is not taken from a stranger, and the late owner is none.
  if (!state.terms.has(key) || state.silentClaims.get(key)?.mac.equals(mac)) return false;
  const known = state.stations.get(String(mac));
  if (known && nowMs - known.askedMs < (known.kind === 'unknown' ? ASK_AGAIN_MS : KNOWN_MS))
    return known.kind === 'stranger';
  const asked = [...state.stations.values()].filter(({ askedMs }) => nowMs - askedMs < ASK_AGAIN_MS).length;
  if (asked >= MOST_ASKED) return false;
  remember(turn, mac, { askedMs: nowMs, kind: 'unknown' });
  act(turn, { type: 'question', about: 'station', mac });
  return false;
}

/** Takes in whose a station is. What only strangers answered for is asked for anew. */
export function hearIdentity(turn: Turn, mac: MacAddress, kind: StationKind): void {
  const by = String(mac);
  const before = turn.state.stations.get(by);
  if (before === undefined) return;
  remember(turn, mac, { ...before, kind });
  if (kind !== 'stranger') return;
  const { doubts, terms, silentClaims } = turn.state;
  const settled = new Map<string, Doubt>();
  const unasked = new Map(silentClaims);
  for (const [key, doubt] of doubts) {
    const others = doubt.answeredBy.filter((one) => one !== by);
    const isOnlyStrangers = terms.has(key) && doubt.answeredBy.length > 0 && others.length === 0;
    if (!isOnlyStrangers) settled.set(key, { ...doubt, answeredBy: others });
    // It is not taken without another question.
    const line = unasked.get(key);
    if (isOnlyStrangers && line) unasked.set(key, { ...line, wasAsked: false });
  }
  change(turn, { doubts: settled, silentClaims: unasked, placement: 'due' });
}

function remember(turn: Turn, mac: MacAddress, station: Station): void {
  const stations: Map<string, Station> = new Map(turn.state.stations);
  // Deleted first, so that it becomes the youngest.
  stations.delete(String(mac));
  stations.set(String(mac), station);
  const [oldest] = stations.keys();
  if (stations.size > MOST_STATIONS && oldest !== undefined) stations.delete(oldest);
  change(turn, { stations });
}
