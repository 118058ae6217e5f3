// SPDX-License-Identifier: Apache-2.0
/** One step under way: the state so far and the actions so far. Only the functions of one step share it. */
import type { MembershipAction, MembershipReport, SilenceCause, StopReason } from './event.ts';
import type { Member } from './member.ts';
import type { MembershipState, OwnClaim } from './state.ts';

export interface Turn {
  state: MembershipState;
  readonly nowMs: number;
  readonly actions: MembershipAction[];
}

/** Lists ride along on heartbeats for this many intervals after this node's claims changed, against loss. */
const RIDE_INTERVALS = 4;

/** Counters of members that are gone are kept for this many of them. */
const MAX_RETIRED = 1024;

export function change(turn: Turn, changes: Partial<MembershipState>): void {
  turn.state = { ...turn.state, ...changes };
}

export function act(turn: Turn, action: MembershipAction): void {
  turn.actions.push(action);
}

export function report(turn: Turn, what: MembershipReport): void {
  act(turn, { type: 'report', report: what });
}

/** Stops every answer, gives up every claim and goes back to listening, unless the node is leaving anyway. */
export function fallSilent(turn: Turn, cause: SilenceCause): void {
  act(turn, { type: 'stop-all', cause });
  const { state, nowMs } = turn;
  const phase = state.phase === 'leaving' ? 'leaving' : 'listening';
  changeClaims(turn, new Map());
  change(turn, {
    phase,
    phaseSinceMs: phase === state.phase && phase === 'leaving' ? state.phaseSinceMs : nowMs,
    orphans: new Map(),
    plan: undefined,
    handOvers: new Map(),
    invitations: new Map(),
  });
  if (phase !== state.phase) report(turn, { kind: 'phase', phase });
}

/** Says that a VIP is no longer answered; {@link giveUp} takes the claims back, many at once. */
export function stopAnswering(turn: Turn, key: string, reason: StopReason): void {
  const own = turn.state.claims.get(key);
  if (own) act(turn, { type: 'stop', vip: own.vip, reason });
}

/** Takes back the claims of VIPs that this node has stopped to answer for. */
export function giveUp(turn: Turn, keys: readonly string[]): void {
  const claims = new Map(turn.state.claims);
  const handOvers = new Map(turn.state.handOvers);
  for (const key of keys) {
    claims.delete(key);
    handOvers.delete(key);
  }
  changeClaims(turn, claims);
  change(turn, { handOvers });
}

/** Replaces this node's claims; everybody is told at once. */
export function changeClaims(turn: Turn, claims: ReadonlyMap<string, OwnClaim>): void {
  change(turn, {
    claims,
    claimsVersion: turn.state.claimsVersion + 1,
    lists: 'urgent',
    ridesUntilMs: turn.nowMs + RIDE_INTERVALS * turn.state.timing.intervalMs,
    placement: 'due',
    movedMs: turn.nowMs,
  });
}

/** Forgets everybody: what was heard is older than this node can tell. Their counters and all terms stay known. */
export function forgetMembers(turn: Turn): void {
  for (const member of turn.state.members) retire(turn, member);
  change(turn, { members: [], changedMs: turn.nowMs });
}

/** The counters of all that were heard, members included: what a machine must know that follows this one on the same segment. */
export function countersHeard(state: MembershipState): ReadonlyMap<string, number> {
  const turn: Turn = { state, nowMs: state.tickedMs, actions: [] };
  forgetMembers(turn);
  return turn.state.retired;
}

/** Remembers the counter of a member that is gone, and forgets the oldest such memory when there are too many. */
export function retire(turn: Turn, member: Pick<Member, 'bootId' | 'counter'>): void {
  const retired = new Map(turn.state.retired);
  // Deleted first, so that it becomes the youngest.
  retired.delete(member.bootId);
  retired.set(member.bootId, member.counter);
  const [oldest] = retired.keys();
  if (retired.size > MAX_RETIRED && oldest !== undefined) retired.delete(oldest);
  change(turn, { retired });
}

/** Takes a member out of the table. */
export function lose(turn: Turn, member: Member, why: 'silent' | 'gone'): void {
  retire(turn, member);
  change(turn, {
    members: turn.state.members.filter((one) => one.bootId !== member.bootId),
    placement: 'due',
    changedMs: turn.nowMs,
  });
  report(turn, { kind: 'member-lost', node: member.node, bootId: member.bootId, why });
}
