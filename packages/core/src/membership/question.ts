// SPDX-License-Identifier: Apache-2.0
/**
 * Questions on the wire (docs/design/0012-ask-before-you-take.md, section 1): whether a member that is silent still
 * answers for its VIPs, and whether anybody answers for a VIP that looks like an orphan. What is asked is bounded,
 * whatever happens to the segment.
 */
import type { IpAddress } from '../net/ip-address.ts';
import type { MacAddress } from '../net/mac-address.ts';
import { isAnsweringOnly, isUnheard, lastHeardMs, lastSignMs, type Member } from './member.ts';
import { afterDarkness } from './predecessor.ts';
import type { Doubt, MembershipState } from './state.ts';
import { isStrangers } from './station.ts';
import { act, change, lose, putMember, rememberClaims, report, type Turn } from './turn.ts';

/** Questions of one interval. */
const MOST_QUESTIONS = 32;
/** One member that answers is asked again so much later for each that does, in milliseconds: 100 questions a second. */
const PACE_MS = 10;
/** Parts of "dead after": when a silent member is asked, how soon again, and how long an answer is waited for. */
const [ASK_AT, ASK_AGAIN, ANSWER_WITHIN, ASK_ON] = [0.8, 0.1, 0.2, 0.25];
/** Stations that are remembered to have answered for one VIP. */
const MOST_ANSWERERS = 8;
/** A VIP that somebody answers for is asked for again after this time. */
const STANDING_DOUBT_MS = 1000;
/**
 * What somebody answered for who is not heard may be waited for by others who are not heard either, each with questions
 * of its own: the k-th of them goes on asking for k times this, in milliseconds, so that whoever goes before it has
 * found out and answers by then. Asked so often meanwhile.
 */
const [UNHEARD_STEP_MS, UNHEARD_ASK_MS] = [1500, 250];

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

/** What is known of orphans that have to be asked for: which may be taken now. Asks for the others. */
export class Doubts {
  readonly #turn: Turn;
  readonly #doubts: Map<string, Doubt>;
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(turn: Turn) {
    this.#turn = turn;
    this.#doubts = new Map(turn.state.doubts);
  }

  has(key: string): boolean {
    return this.#doubts.has(key);
  }

  /**
   * Whether it was asked for and nobody answered; asks if not. `placeOf`: how many go before this node that are not
   * heard; asked where somebody answered before.
   */
  isOver(key: string, vip: IpAddress, placeOf: () => number): boolean {
    const { nowMs, state } = this.#turn;
    const { deadAfterMs } = state.timing;
    const doubt = this.#doubts.get(key);
    const isAnswered = doubt?.answeredMs !== undefined;
    const place = doubt?.wasAnswered ? placeOf() : 0;
    const dueMs = doubt === undefined ? nowMs : nextAskMs(doubt, deadAfterMs, place);
    if (doubt && !isAnswered && nowMs >= overMs(doubt, deadAfterMs, place)) return true;
    if (nowMs >= dueMs && spend(this.#turn)) this.#ask(key, vip, doubt);
    this.#waitFor(this.#doubts.get(key), place);
    return false;
  }

  end(key: string): void {
    this.#doubts.delete(key);
  }

  /** Forgets what is not in doubt any more. */
  keep(isKept: (key: string) => boolean): void {
    for (const key of this.#doubts.keys()) if (!isKept(key)) this.#doubts.delete(key);
  }

  store(): void {
    if (this.#doubts.size === 0 && this.#turn.state.doubts.size === 0) return;
    change(this.#turn, { doubts: this.#doubts, doubtMs: this.#dueMs });
  }

  #ask(key: string, vip: IpAddress, before: Doubt | undefined): void {
    const { nowMs } = this.#turn;
    const isAnswered = before?.answeredMs !== undefined;
    this.#doubts.set(key, {
      ...{ firstMs: isAnswered ? nowMs : (before?.firstMs ?? nowMs), lastMs: nowMs },
      ...{ answeredMs: undefined, answeredBy: [], wasAnswered: isAnswered || before?.wasAnswered === true },
    });
    act(this.#turn, { type: 'question', about: 'owner', vip, mac: undefined, node: undefined });
  }

  #waitFor(doubt: Doubt | undefined, place: number): void {
    const { nowMs, state } = this.#turn;
    const { deadAfterMs } = state.timing;
    if (doubt === undefined) this.#dueMs = Math.min(this.#dueMs, nowMs);
    else if (doubt.answeredMs !== undefined) this.#dueMs = Math.min(this.#dueMs, nextAskMs(doubt, deadAfterMs, place));
    else {
      const nextMs = Math.max(nowMs, nextAskMs(doubt, deadAfterMs, place));
      this.#dueMs = Math.min(this.#dueMs, overMs(doubt, deadAfterMs, place), nextMs);
    }
  }
}

/** When it is over if nobody answers. */
function overMs({ firstMs, wasAnswered }: Doubt, deadAfterMs: number, place: number): number {
  return firstMs + deadAfterMs * ANSWER_WITHIN + (wasAnswered ? place * UNHEARD_STEP_MS : 0);
}

/**
 * Whether somebody may live who is not heard here: a member that answers for its VIPs or that others vouch for, or one
 * that is no member here and stands in the list of a node that is heard.
 */
export function isAnybodySilent({ members, self, farewells }: MembershipState, nowMs: number): boolean {
  if (members.some((one) => isUnheard(one, nowMs))) return true;
  const known = new Set([self.bootId, ...farewells.keys(), ...members.map(({ bootId }) => bootId)]);
  return members.some(({ view }) => view !== undefined && [...view].some((bootId) => !known.has(bootId)));
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

function nextAskMs({ lastMs, answeredMs, firstMs, wasAnswered }: Doubt, deadAfterMs: number, place: number): number {
  if (answeredMs !== undefined) return lastMs + STANDING_DOUBT_MS;
  // Asked twice, since a question may be lost.
  if (lastMs === firstMs) return firstMs + deadAfterMs * ASK_AGAIN;
  return wasAnswered && place > 0 ? lastMs + UNHEARD_ASK_MS : Number.POSITIVE_INFINITY;
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

/** How much later than it would be each member is asked on, in milliseconds: the more there are, the less often. */
export function pauseMs({ members, tickedMs }: MembershipState): number {
  return PACE_MS * members.filter((one) => isAnsweringOnly(one, tickedMs)).length;
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

function spend(turn: Turn): boolean {
  const { questions, timing } = turn.state;
  const isOpen = turn.nowMs < questions.untilMs;
  const left = isOpen ? questions.left : MOST_QUESTIONS;
  if (left === 0) return false;
  change(turn, {
    questions: { left: left - 1, untilMs: isOpen ? questions.untilMs : turn.nowMs + timing.intervalMs },
  });
  return true;
}

function isOpenBook(member: Member, nowMs: number): boolean {
  return nowMs - member.heardMs < member.deadAfterMs && member.claimsVersion === member.claimsSaid;
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
