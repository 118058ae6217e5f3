// SPDX-License-Identifier: Apache-2.0
/**
 * Whether anybody answers for a VIP that looks like an orphan (docs/design/0012-ask-before-you-take.md, section 3):
 * when it is asked for, and when it may be taken.
 */
import type { IpAddress } from '../net/ip-address.ts';
import { ANSWER_WITHIN, ASK_AGAIN, spend } from './question-pace.ts';
import type { Doubt } from './state.ts';
import { act, change, type Turn } from './turn.ts';

/** A VIP that somebody answers for is asked for again after this time. */
const STANDING_DOUBT_MS = 1000;
/**
 * What somebody answered for who is not heard may be waited for by others who are not heard either, each with questions
 * of its own: the k-th of them goes on asking for k times this, in milliseconds, so that whoever goes before it has
 * found out and answers by then. Asked so often meanwhile.
 */
const [UNHEARD_STEP_MS, UNHEARD_ASK_MS] = [1500, 250];

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

function nextAskMs({ lastMs, answeredMs, firstMs, wasAnswered }: Doubt, deadAfterMs: number, place: number): number {
  if (answeredMs !== undefined) return lastMs + STANDING_DOUBT_MS;
  // Asked twice, since a question may be lost.
  if (lastMs === firstMs) return firstMs + deadAfterMs * ASK_AGAIN;
  return wasAnswered && place > 0 ? lastMs + UNHEARD_ASK_MS : Number.POSITIVE_INFINITY;
}
