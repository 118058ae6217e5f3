// SPDX-License-Identifier: Apache-2.0
/**
 * Moves on purpose, make before break: the owner offers a VIP to another node and goes on answering; that node claims
 * it with a higher term, answers and announces; the owner hears the claim and stops (hear-lists.ts).
 */
import type { IpAddress } from '../net/ip-address.ts';
import type { VipCandidate } from '../placement/candidate.ts';
import { placeOrphans } from '../placement/orphan-plan.ts';
import { offersOf } from './body.ts';
import { isOfOpenLine } from './claim.ts';
import type { DesiredVip } from './event.ts';
import { isHeard, type Member } from './member.ts';
import { isOwnCandidate, oncePerList, ownershipOf, presentCandidates } from './ownership.ts';
import type { HandOver } from './state.ts';
import { act, change, changeClaims, giveUp, report, stopAnswering, type Turn } from './turn.ts';

/** Begins, retries and gives up hand-overs, and sends the offers that are open. */
export function handOver(turn: Turn): void {
  dropFinished(turn);
  beginNeeded(turn);
  retryRefused(turn);
  // Whoever takes it has to know by then how it stands.
  if (tellUnsure(turn)) return;
  if (turn.state.handOvers.size > 0) act(turn, { type: 'send', bodies: offersOf(turn.state, turn.nowMs) });
}

/** A person wants this VIP on that node. Nothing happens where it is not owned. */
export function orderMove(turn: Turn, vip: IpAddress, node: string): void {
  const key = String(vip);
  const { claims, desired, self } = turn.state;
  const wanted = desired.get(key);
  if (!claims.has(key) || wanted === undefined || node === self.node) return;
  const target = memberAtWork(turn, node);
  // Where no node is fit, as without kube-proxy, one is as good as the other.
  const isFitEnough = target?.fitness !== 'unfit' || turn.state.fitness === 'unfit';
  const isCandidate = wanted.candidates.some((one) => one.node === node) && isFitEnough;
  if (target && isCandidate) offer(turn, key, begun(turn, 'order', target));
  else report(turn, { kind: 'move-refused', vip, node, why: target ? 'not-a-candidate' : 'not-heard' });
}

/**
 * What was taken over from a silent owner, where most nodes are not heard, may still be held by that owner, which most
 * may hear. Handed on it would begin a line and beat that owner, so it is said to be fresh before it is offered, and
 * stays so with whoever takes it. True when there was such.
 */
function tellUnsure(turn: Turn): boolean {
  const { handOvers, claims, company } = turn.state;
  if (company.manySinceMs !== undefined) return false;
  const unsure = [...claims].filter(([key, one]) => handOvers.has(key) && !one.isFresh && isOfOpenLine(one));
  if (unsure.length === 0) return false;
  changeClaims(turn, new Map([...claims, ...unsure.map(([key, one]) => [key, { ...one, isFresh: true }] as const)]));
  return true;
}

function dropFinished(turn: Turn): void {
  const { handOvers, claims, desired, phase } = turn.state;
  const isOpen = ([key, one]: [string, HandOver]) => {
    const wanted = desired.get(key);
    if (!claims.has(key) || wanted === undefined) return false;
    // What has to go begins anew: it is worth more than the move for its own good that is under way.
    if (one.isOnlyUnbroken && (phase === 'leaving' || !isOwnCandidate(turn, wanted))) return false;
    // What made it necessary may have passed before anybody took it.
    if (one.why === 'unfit') return turn.state.fitness === 'unfit';
    return one.why !== 'not-eligible' || !isOwnCandidate(turn, wanted) || phase === 'leaving';
  };
  const open = [...handOvers].filter(isOpen);
  if (open.length < handOvers.size) change(turn, { handOvers: new Map(open) });
}

/**
 * VIPs that this node has to part with: all of them when it leaves, those that it may not own any more, those that
 * others could serve better.
 */
function beginNeeded(turn: Turn): void {
  const { claims, desired, phase, handOvers, fitness } = turn.state;
  const open = [...claims.keys()].flatMap((key) => (handOvers.has(key) ? [] : (desired.get(key) ?? [])));
  if (phase === 'leaving') {
    offerAll(turn, open, 'leaving');
    return;
  }
  const isOwn = (vip: DesiredVip) => isOwnCandidate(turn, vip);
  offerAll(
    turn,
    open.filter((vip) => !isOwn(vip)),
    'not-eligible',
  );
  if (fitness === 'fit') return;
  const others = othersAtWork(turn);
  offerAll(
    turn,
    open.filter((vip) => isOwn(vip) && others(vip, []).some(isBetter)),
    'unfit',
  );
}

/** For who is unfit, or may not serve at all. */
function isBetter({ standing }: VipCandidate): boolean {
  return standing === 'eligible';
}

/** Each to where fewest are, so that the load of a node that leaves is spread as evenly as that of one that died. */
function offerAll(turn: Turn, vips: readonly DesiredVip[], why: HandOver['why']): void {
  if (vips.length === 0) return;
  const candidates = othersAtWork(turn);
  const rows = vips.map((desired) => ({ vip: desired.vip, candidates: candidates(desired, []) }));
  const targets = placeOrphans(rows, ownershipOf(turn).loads);
  const abandoned: string[] = [];
  for (const { vip } of rows) {
    const key = String(vip);
    const target = memberAtWork(turn, targets.get(key));
    if (target) offer(turn, key, begun(turn, why, target));
    else abandoned.push(key);
  }
  // While it leaves, a node answers to the last for what nobody else may own.
  if (why === 'not-eligible') abandon(turn, abandoned);
}

/** Who was asked and did not take it in time, or is gone, is followed by the next, and the last one by the first. */
function retryRefused(turn: Turn): void {
  const { handOvers, desired, timing, claims } = turn.state;
  const abandoned: string[] = [];
  for (const [key, one] of handOvers) {
    const isThere = memberAtWork(turn, one.toNode)?.bootId === one.to;
    const wanted = desired.get(key);
    const claim = claims.get(key);
    if ((isThere && turn.nowMs - one.sinceMs < timing.patienceMs) || !wanted || !claim) continue;
    const refused = [...one.refused, one.to];
    const next = isMust(one) ? nextTarget(turn, wanted, { ...one, refused }) : undefined;
    if (next) offer(turn, key, next);
    else if (isHopeless(turn, one)) abandoned.push(key);
    else withdraw(turn, key, { one, wanted });
  }
  abandon(turn, abandoned);
}

/**
 * Others are candidates by what is known here, but none took it for long: they may know better, about names of their
 * interfaces for one.
 */
function isHopeless(turn: Turn, one: HandOver): boolean {
  return one.why === 'not-eligible' && turn.nowMs - one.begunMs >= turn.state.timing.leaveAtMostMs;
}

function nextTarget(turn: Turn, wanted: DesiredVip, one: HandOver): HandOver | undefined {
  const others = othersAtWork(turn)(wanted, one.refused);
  const candidates = one.why === 'unfit' ? others.filter(isBetter) : others;
  const node = placeOrphans([{ vip: wanted.vip, candidates }], ownershipOf(turn).loads).get(String(wanted.vip));
  const target = memberAtWork(turn, node);
  return target && { ...one, to: target.bootId, toNode: target.node, sinceMs: turn.nowMs };
}

function withdraw(turn: Turn, key: string, { one, wanted }: { one: HandOver; wanted: DesiredVip }): void {
  const again = isMust(one) ? nextTarget(turn, wanted, { ...one, refused: [] }) : undefined;
  if (again) {
    offer(turn, key, again);
    return;
  }
  const handOvers = new Map(turn.state.handOvers);
  handOvers.delete(key);
  // A VIP that must go is looked at anew at the next tick.
  change(turn, { handOvers, placement: isMust(one) ? 'due' : turn.state.placement });
  if (!isMust(one)) report(turn, { kind: 'move-refused', vip: wanted.vip, node: one.toNode, why: 'not-taken' });
}

function abandon(turn: Turn, keys: readonly string[]): void {
  for (const key of keys) stopAnswering(turn, key, 'no-candidate');
  if (keys.length > 0) giveUp(turn, keys);
}

/** A hand-over that begins now. */
export function begun(
  { nowMs }: Turn,
  why: HandOver['why'],
  { bootId, node }: Pick<Member, 'bootId' | 'node'>,
): HandOver {
  return { why, to: bootId, toNode: node, sinceMs: nowMs, begunMs: nowMs, refused: [], isOnlyUnbroken: false };
}

function isMust(one: HandOver): boolean {
  return one.why === 'leaving' || one.why === 'not-eligible' || one.why === 'unfit';
}

/** Opens a hand-over, or goes on with it. */
export function offer(turn: Turn, key: string, one: HandOver): void {
  change(turn, { handOvers: new Map(turn.state.handOvers).set(key, one) });
}

function othersAtWork(turn: Turn): (vip: DesiredVip, refused: readonly string[]) => readonly VipCandidate[] {
  const present = presentCandidates(turn, 'at-work');
  const { self, members } = turn.state;
  const withoutSelf = oncePerList((all) => all.filter(({ node }) => node !== self.node));
  return (vip, refused) => {
    const others = withoutSelf(present(vip));
    if (refused.length === 0) return others;
    const names = new Set(members.filter((one) => refused.includes(one.bootId)).map((one) => one.node));
    return others.filter(({ node }) => !names.has(node));
  };
}

/** A node that is heard and could be given something. */
export function memberAtWork(turn: Turn, node: string | undefined) {
  const isThere = (one: Member) => one.node === node && one.phase === 'active' && isHeard(one, turn.nowMs);
  return turn.state.members.find(isThere);
}
