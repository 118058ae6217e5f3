// SPDX-License-Identifier: Apache-2.0
/**
 * Whether a member that is silent still answers for its VIPs (docs/design/0012-ask-before-you-take.md, section 3): when
 * it is asked, and when it counts as dead.
 */
import type { IpAddress } from '../net/ip-address.ts';
import { isAnsweringOnly, lastHeardMs, lastSignMs, type Member } from './member.ts';
import { afterDarkness } from './predecessor.ts';
import { ANSWER_WITHIN, ASK_AGAIN, pauseMs, spend } from './question-pace.ts';
import type { MembershipState } from './state.ts';
import { act, change, lose, putMember, rememberClaims, report, type Turn } from './turn.ts';

/** Parts of "dead after": when a silent member is asked, and how soon again where it answers or is dark. */
const [ASK_AT, ASK_ON] = [0.8, 0.25];

/** Asks for a VIP of each member that is silent, or says that it hears nobody. */
export function askOwners(turn: Turn): void {
  const paceMs = pauseMs(turn.state);
  for (const member of turn.state.members) {
    if (nextQuestionMs(member, paceMs) > turn.nowMs) continue;
    const vip = vipToAsk(turn.state, member);
    if (vip === undefined) continue;
    if (!spend(turn)) return;
    const { firstMs = turn.nowMs, isAnsweredElsewhere = false } = member.trial ?? {};
    const trial = { firstMs, lastMs: turn.nowMs, isAnsweredElsewhere };
    putMember(turn, { ...member, trial, asked: member.asked + 1 });
    act(turn, { type: 'question', about: 'owner', vip, mac: member.mac, node: member.node });
  }
}

/** Removes members that are silent and do not answer; those that are heard and do not answer go dark. */
export function buryDead(turn: Turn): void {
  for (const member of turn.state.members) {
    if (buriedAtMs(turn.state, member) <= turn.nowMs) lose(turn, member, 'silent');
    else if (isDarkening(member, turn.nowMs)) darken(turn, member);
    else if (member.answeringSinceMs === undefined && isAnsweringOnly(member, turn.nowMs)) noteAnswering(turn, member);
  }
}

/**
 * When a tick is worth giving for the sake of members, at the latest then. Called for each event, so members that are
 * heard cost little.
 */
export function membersTickMs(state: MembershipState, latestMs: number): number {
  let paceMs: number | undefined;
  let leastMs = latestMs;
  for (const member of state.members) {
    if (!member.isCutOff && member.heardMs + member.deadAfterMs * ASK_AT >= latestMs) continue;
    paceMs ??= pauseMs(state);
    leastMs = Math.min(leastMs, memberTickMs(state, member, paceMs));
  }
  return leastMs;
}

function memberTickMs(state: MembershipState, member: Member, paceMs: number): number {
  const askMs = nextQuestionMs(member, paceMs);
  const isSpent = state.questions.left === 0;
  const asking = hasVipToAsk(state, member)
    ? isSpent
      ? Math.max(askMs, state.questions.untilMs)
      : askMs
    : Number.POSITIVE_INFINITY;
  const darkMs = member.isCutOff && member.darkSinceMs === undefined ? darkAtMs(member) : Number.POSITIVE_INFINITY;
  return Math.min(buriedAtMs(state, member), asking, darkMs);
}

/** When it is to be asked about next. */
function nextQuestionMs(member: Member, paceMs: number): number {
  const { trial, deadAfterMs, answeredMs } = member;
  const heardMs = lastHeardMs(member);
  const isAnswering = answeredMs !== undefined && answeredMs > heardMs + deadAfterMs * ASK_AT;
  const isSlow = isAnswering || member.darkSinceMs !== undefined;
  if (trial) return trial.lastMs + deadAfterMs * (isSlow ? ASK_ON : ASK_AGAIN);
  if (isAnswering || (member.isCutOff && answeredMs !== undefined))
    return answeredMs + Math.max(deadAfterMs * ASK_ON, paceMs);
  return member.isCutOff ? member.heardMs : heardMs + deadAfterMs * ASK_AT;
}

/** When it counts as dead: never before it was asked, if there is anything to ask for, and had time to answer. */
function buriedAtMs(state: MembershipState, member: Member): number {
  const { trial, deadAfterMs, answeredMs } = member;
  const deadMs = lastSignMs(member) + deadAfterMs;
  if (!hasVipToAsk(state, member)) return deadMs;
  if (trial === undefined) return Number.POSITIVE_INFINITY;
  const isAnswering = answeredMs !== undefined && answeredMs > lastHeardMs(member);
  return Math.max(deadMs, trial.firstMs + deadAfterMs * (isAnswering ? 3 * ASK_ON : ASK_AGAIN));
}

function darkAtMs({ trial, deadAfterMs }: Member): number {
  return trial ? trial.firstMs + deadAfterMs * ANSWER_WITHIN : Number.POSITIVE_INFINITY;
}

function isDarkening(member: Member, nowMs: number): boolean {
  return member.isCutOff && member.darkSinceMs === undefined && darkAtMs(member) <= nowMs;
}

function hasVipToAsk({ claims: own }: MembershipState, { claims }: Member): boolean {
  for (const key of claims.keys()) if (!own.has(key)) return true;
  return false;
}

/** Each time another VIP that it claims; none that this node owns itself. */
function vipToAsk({ claims: own }: MembershipState, { claims, asked }: Member): IpAddress | undefined {
  let skip = claims.size === 0 ? 0 : asked % claims.size;
  let first: IpAddress | undefined;
  for (const [key, { vip }] of claims) {
    const isTheirs = !own.has(key);
    if (isTheirs && skip <= 0) return vip;
    if (isTheirs) first ??= vip;
    skip -= 1;
  }
  return first;
}

function darken(turn: Turn, member: Member): void {
  putMember(turn, { ...member, darkSinceMs: turn.nowMs });
  change(turn, { predecessors: afterDarkness(turn.state, member) });
  rememberClaims(turn, member, member.trial?.isAnsweredElsewhere ? 'unasked' : 'asked');
  change(turn, { placement: 'due', changedMs: turn.nowMs });
}

function noteAnswering(turn: Turn, member: Member): void {
  // Vouches end there too.
  putMember(turn, { ...member, answeringSinceMs: turn.nowMs });
  report(turn, { kind: 'owner-answers', node: member.node, state: 'began' });
}
