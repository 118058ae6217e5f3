// SPDX-License-Identifier: Apache-2.0
/** What a node says: its heartbeat, its full lists in parts, and its offers. */
import type { HeartbeatBody } from '../wire/heartbeat.ts';
import {
  BOOT_ID_BYTES,
  CLAIM_BYTES,
  type Offer,
  STANDING_BYTES,
  type Suspect,
  type Vouch,
} from '../wire/heartbeat-section.ts';
import { isFrail, saysCutOff } from './company.ts';
import { PART_BUDGET_BYTES, split } from './list-assembly.ts';
import { lacksLists, type Member, suspectAtMs } from './member.ts';
import { currentPaceMs, type MembershipState, type OwnClaim } from './state.ts';

/** Most wishes, questions and answers in one heartbeat: 4 + 16 * 8, 4 + 16 * 14 and 4 + 16 * 16 bytes. */
const MAX_ENTRIES = 16;

/** Strangers that are named in one heartbeat, so that they can name this node. */
const NAMED_AT_ONCE = 8;

/**
 * Lists no longer than this ride along on heartbeats for a while after a change, in bytes: what the sections above
 * leave.
 */
const RIDE_BUDGET_BYTES = 280;

/** Offers of one frame, at most 29 bytes each. */
const OFFERS_A_FRAME = 30;

/** A question stays open for so many intervals of who asked. */
const SUSPICION_INTERVALS = 3;

const MAX_AGE_MS = 0xffff;

/** The heartbeat that is repeated until something changes. */
export function beatOf(state: MembershipState, nowMs: number): HeartbeatBody {
  const body: HeartbeatBody = {
    ...headOf(state, nowMs),
    wants: wantsOf(state),
    suspects: suspectsOf(state, nowMs),
    vouches: vouchesOf(state, nowMs),
  };
  const doRide = nowMs < state.ridesUntilMs && listBytes(state) <= RIDE_BUDGET_BYTES;
  return doRide ? { ...body, claims: claimParts(state)[0], view: viewParts(state)[0] } : body;
}

/** The full lists, in as few frames as they need. The first one asks for the lists that are missing here. */
export function listsOf(state: MembershipState, nowMs: number): HeartbeatBody[] {
  const head = { ...headOf(state, nowMs), wants: wantsOf(state) };
  const claims = claimParts(state);
  const view = viewParts(state);
  if (listBytes(state) <= PART_BUDGET_BYTES / 2) return [{ ...head, claims: claims[0], view: view[0] }];
  return [...claims.map((part) => ({ ...head, claims: part })), ...view.map((part) => ({ ...head, view: part }))];
}

/** Offers in as few frames as they need. */
export function offersOf(state: MembershipState, nowMs: number): HeartbeatBody[] {
  const offers = [...state.handOvers].flatMap(([key, { to }]): Offer[] => {
    const claim = state.claims.get(key);
    return claim ? [{ to, vip: claim.vip, term: claim.term }] : [];
  });
  const head = headOf(state, nowMs);
  const frames: HeartbeatBody[] = [];
  for (let start = 0; start < offers.length; start += OFFERS_A_FRAME)
    frames.push({ ...head, offers: offers.slice(start, start + OFFERS_A_FRAME) });
  return frames;
}

/** Whether two heartbeats say the same, so that the sender need not be told. */
export function isSameBeat(a: HeartbeatBody | undefined, b: HeartbeatBody): boolean {
  if (a === undefined) return false;
  const isHeadSame =
    a.phase === b.phase &&
    a.fitness === b.fitness &&
    a.isCutOff === b.isCutOff &&
    a.isUnsteady === b.isUnsteady &&
    a.keepsConnections === b.keepsConnections &&
    a.intervalMs === b.intervalMs &&
    a.claimsVersion === b.claimsVersion &&
    a.viewVersion === b.viewVersion &&
    (a.claims === undefined) === (b.claims === undefined);
  const isQuiet = (body: HeartbeatBody) => !body.vouches?.length && !body.suspects?.length;
  return isHeadSame && isQuiet(a) && isQuiet(b) && String(a.wants) === String(b.wants);
}

type Head = Omit<HeartbeatBody, 'wants' | 'claims' | 'view' | 'suspects' | 'vouches' | 'offers'>;

function headOf(state: MembershipState, nowMs: number): Head {
  return {
    phase: state.phase,
    fitness: state.fitness,
    isCutOff: saysCutOff(state, nowMs),
    isUnsteady: isFrail(state),
    keepsConnections: state.keepsConnections,
    intervalMs: currentPaceMs(state),
    deadAfterMs: state.timing.deadAfterMs,
    claimsVersion: state.claimsVersion,
    viewVersion: state.viewVersion,
    claimCount: Math.min(state.claims.size, 0xffff),
    node: state.self.node,
  };
}

function wantsOf(state: MembershipState): string[] {
  const lacking = state.members.filter(lacksLists).map((member) => member.bootId);
  return [...strangersNamed(state), ...lacking].slice(0, MAX_ENTRIES);
}

/** Boot ids to name in a heartbeat; where there are many, each gets its turn. */
function strangersNamed({ strangers, steppedMs, timing }: MembershipState): string[] {
  const nowMs = steppedMs ?? 0;
  const named = [...strangers].filter(([, one]) => nowMs - one.heardMs < one.deadAfterMs).map(([bootId]) => bootId);
  if (named.length <= NAMED_AT_ONCE) return named;
  const turn = Math.floor(nowMs / timing.intervalMs) * NAMED_AT_ONCE;
  return Array.from({ length: NAMED_AT_ONCE }, (_, index) => named[(turn + index) % named.length] ?? '');
}

function suspectsOf(state: MembershipState, nowMs: number): Suspect[] {
  return state.members
    .filter((member) => suspectAtMs(member) <= nowMs)
    .slice(0, MAX_ENTRIES)
    .map(({ bootId, counter }) => ({ bootId, counter }));
}

// Only what was heard with own ears is vouched for, so that no rumour keeps itself alive.
function vouchesOf(state: MembershipState, nowMs: number): Vouch[] {
  const asked = new Map<string, number>();
  for (const { suspects, intervalMs } of state.members)
    for (const { bootId, counter, atMs } of suspects)
      if (nowMs - atMs <= SUSPICION_INTERVALS * intervalMs)
        asked.set(bootId, Math.min(asked.get(bootId) ?? counter, counter));
  if (asked.size === 0) return [];
  const isAskedFor = ({ bootId, counter }: Member) => counter > (asked.get(bootId) ?? Number.POSITIVE_INFINITY);
  return state.members
    .filter((member) => isAskedFor(member) && nowMs < suspectAtMs(member))
    .slice(0, MAX_ENTRIES)
    .map(({ bootId, counter, heardMs }) => ({
      bootId,
      counter,
      ageMs: Math.min(MAX_AGE_MS, Math.max(0, Math.ceil(nowMs - heardMs))),
    }));
}

function claimParts(state: MembershipState) {
  return split(state.claimsVersion, [...state.claims.values()], claimBytes);
}

function viewParts(state: MembershipState) {
  return split(state.viewVersion, state.view, () => BOOT_ID_BYTES);
}

function listBytes(state: MembershipState): number {
  let bytes = state.view.length * BOOT_ID_BYTES;
  for (const claim of state.claims.values()) bytes += claimBytes(claim);
  return bytes;
}

function claimBytes({ vip }: OwnClaim): number {
  return CLAIM_BYTES[vip.family] + STANDING_BYTES;
}
