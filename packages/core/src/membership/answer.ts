// SPDX-License-Identifier: Apache-2.0
/** What an answer on the wire says: that a member lives, and that somebody may own a VIP that looks like an orphan. */
import type { IpAddress } from '../net/ip-address.ts';
import type { MacAddress } from '../net/mac-address.ts';
import type { Member } from './member.ts';
import type { Doubt } from './state.ts';
import { isStrangers } from './station.ts';
import { change, putMember, type Turn } from './turn.ts';

/** Stations that are remembered to have answered for one VIP. */
const MOST_ANSWERERS = 8;

/** An answer on the wire: a sign of life of that member, and a doubt about the VIP. */
export function hearAnswer(turn: Turn, vip: IpAddress, mac: MacAddress): void {
  const { self, members, doubts } = turn.state;
  if (mac.equals(self.mac)) return;
  const member = members.find((one) => one.mac.equals(mac));
  if (member) {
    putMember(turn, { ...member, answeredMs: turn.nowMs, trial: undefined, darkSinceMs: undefined });
    if (member.darkSinceMs !== undefined) change(turn, { placement: 'due' });
  }
  const key = String(vip);
  // A member whose claims are known and that does not claim it: its kernel answers, not its speaker.
  if (member && isOpenBook(member, turn.nowMs) && !member.claims.has(key)) return;
  if (member === undefined && isStrangers(turn, key, mac)) return;
  const doubt = doubts.get(key);
  if (doubt) change(turn, { doubts: new Map(doubts).set(key, answered(doubt, mac, turn.nowMs)) });
  noteElsewhere(turn, key, mac);
}

function isOpenBook(member: Member, nowMs: number): boolean {
  return nowMs - member.heardMs < member.deadAfterMs && member.claimsVersion === member.claimsSaid;
}

function answered(doubt: Doubt, mac: MacAddress, nowMs: number): Doubt {
  const by = String(mac);
  const answeredBy = doubt.answeredBy.includes(by)
    ? doubt.answeredBy
    : [...doubt.answeredBy, by].slice(-MOST_ANSWERERS);
  return { ...doubt, answeredMs: nowMs, answeredBy };
}

/**
 * Somebody answers for what a silent owner claims, or claimed: another node took it over, and is not heard here either.
 */
function noteElsewhere(turn: Turn, key: string, mac: MacAddress): void {
  for (const member of turn.state.members) {
    const { trial } = member;
    if (trial === undefined || trial.isAnsweredElsewhere || member.mac.equals(mac) || !member.claims.has(key)) continue;
    putMember(turn, { ...member, trial: { ...trial, isAnsweredElsewhere: true } });
  }
  const { silentClaims } = turn.state;
  const left = silentClaims.get(key);
  if (left?.wasAsked) change(turn, { silentClaims: new Map(silentClaims).set(key, { ...left, wasAsked: false }) });
}
