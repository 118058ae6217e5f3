// SPDX-License-Identifier: Apache-2.0
/**
 * The self-test: members ask on the wire who answers for each other's VIPs, now and then, and compare with what the
 * owner says of itself. Each VIP is asked for once in a round by one member that does not own it; which one needs no
 * agreement. Pure: who, when, and what an answer means.
 */
import type { MacAddress } from '../net/mac-address.ts';

/** Times in milliseconds. */
export interface SelfTestPace {
  /** Least time between two tests of all members of a segment together. */
  readonly gapMs: number;
  /** Shortest round, however few VIPs there are. */
  readonly shortestRoundMs: number;
}

/** 1,000 VIPs take 250 s; three take half a minute. */
export const SELF_TEST_PACE: SelfTestPace = { gapMs: 250, shortestRoundMs: 30_000 };

/** One pass through all VIPs of a segment, at the same pace on each member. */
export interface TestRound {
  readonly begunMs: number;
  readonly pace: SelfTestPace;
  /** VIPs as text, in any order. */
  readonly vips: readonly string[];
  /** How many of them were passed. */
  readonly passed: number;
  /** How many of them were taken; those that were gone when their turn came took no time. */
  readonly taken: number;
}

export function beginRound(vips: Iterable<string>, nowMs: number, pace: SelfTestPace = SELF_TEST_PACE): TestRound {
  return { begunMs: nowMs, pace, vips: [...vips], passed: 0, taken: 0 };
}

/**
 * The VIPs whose turn has come, and the round without them. Gone ones are passed over, so that a round never outlasts
 * what it tests.
 */
export function takeDue(
  round: TestRound,
  nowMs: number,
  isThere: (vip: string) => boolean,
): readonly [TestRound, readonly string[]] {
  const { begunMs, pace, vips } = round;
  const gapMs = Math.max(pace.gapMs, pace.shortestRoundMs / vips.length);
  const atMost = Math.floor((nowMs - begunMs) / gapMs);
  const due: string[] = [];
  let { passed } = round;
  for (const vip of vips.slice(passed)) {
    const isHere = isThere(vip);
    if (isHere && round.taken + due.length >= atMost) break;
    if (isHere) due.push(vip);
    passed += 1;
  }
  return [{ ...round, passed, taken: round.taken + due.length }, due];
}

export function isOver({ begunMs, pace, vips, passed }: TestRound, nowMs: number): boolean {
  return nowMs - begunMs >= pace.shortestRoundMs && passed >= vips.length;
}

/**
 * The member that tests a VIP: of those that do not own it the one with the highest hash, so that the work is spread
 * and a member that leaves moves only its own part. A cheap hash (FNV-1a, 32 bits) is good enough: nothing hangs on its
 * being even, and 200 members times 1,000 VIPs are hashed in each round. Undefined when the owner is alone.
 */
export function testerOf(vip: string, owner: string, members: Iterable<string>): string | undefined {
  let best: { readonly node: string; readonly hash: number } | undefined;
  for (const node of members) {
    if (node === owner) continue;
    const hash = fnv1a(`${node}#${vip}`);
    if (best === undefined || hash > best.hash || (hash === best.hash && node < best.node)) best = { node, hash };
  }
  return best?.node;
}

/** What is wrong with the answers to a question for a VIP. */
export type TestFailure = 'no-answer' | 'wrong-answer' | 'several-answers';

/** Undefined when exactly the owner answered. */
export function testFailure(answers: readonly MacAddress[], owner: MacAddress): TestFailure | undefined {
  if (answers.length === 0) return 'no-answer';
  if (answers.length > 1) return 'several-answers';
  return answers[0]?.equals(owner) ? undefined : 'wrong-answer';
}

/**
 * What one node hears of a VIP, set beside who owns it: `own` for its owner, which does not hear itself; `no one` where
 * none owns it.
 */
export type Hearing = 'right' | 'own' | 'nobody' | TestFailure;

export interface HeardAnswers {
  /** By heartbeats; undefined: no one owns it. */
  readonly owner: { readonly node: string; readonly mac: MacAddress } | undefined;
  readonly macs: readonly MacAddress[];
}

export function hearingOf({ owner, macs }: HeardAnswers, listener: string): Hearing {
  if (owner === undefined) return macs.length === 0 ? 'nobody' : 'wrong-answer';
  if (owner.node === listener) return macs.length === 0 ? 'own' : 'several-answers';
  return testFailure(macs, owner.mac) ?? 'right';
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  // The last characters of similar texts would hardly reach the upper bits.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
