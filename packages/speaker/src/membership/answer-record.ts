// SPDX-License-Identifier: Apache-2.0
/** The VIPs that a node owns on one segment, since when and why, and how often that changed for which reason. */
import type { AnswerReason, IpAddress, SilenceCause, StopReason, Succession } from '@berth/core';

export interface Answer {
  readonly vip: IpAddress;
  readonly why: AnswerReason;
  /** On the wall clock, for people. */
  readonly since: Date;
  /** Whom it was taken over from; undefined: no one is known to have had it. */
  readonly after?: Succession | undefined;
}

/** A change of ownership and its reason. */
export interface Transition {
  readonly change: 'taken' | 'given-up';
  readonly reason: AnswerReason | StopReason | SilenceCause;
}

export class AnswerRecord {
  readonly #answers = new Map<string, Answer>();
  readonly #taken = new Map<Transition['reason'], number>();
  readonly #givenUp = new Map<Transition['reason'], number>();

  /** Whether the VIP is owned; one lookup, however many are. */
  has(vip: IpAddress): boolean {
    return this.#answers.has(String(vip));
  }

  get(vip: IpAddress): Answer | undefined {
    return this.#answers.get(String(vip));
  }

  begin(answer: Answer): void {
    this.#answers.set(String(answer.vip), answer);
    count(this.#taken, answer.why, 1);
  }

  /** Whether it was owned until now. */
  end(vip: IpAddress, reason: StopReason): boolean {
    const wasOwned = this.#answers.delete(String(vip));
    if (wasOwned) count(this.#givenUp, reason, 1);
    return wasOwned;
  }

  endAll(cause: SilenceCause): void {
    if (this.#answers.size > 0) count(this.#givenUp, cause, this.#answers.size);
    this.#answers.clear();
  }

  /** How many VIPs changed hands since the start, by reason. */
  transitions(): readonly (Transition & { readonly vips: number })[] {
    const rows = (change: Transition['change'], counts: ReadonlyMap<Transition['reason'], number>) =>
      [...counts].map(([reason, vips]) => ({ change, reason, vips }));
    return [...rows('taken', this.#taken), ...rows('given-up', this.#givenUp)];
  }
}

function count(counts: Map<Transition['reason'], number>, reason: Transition['reason'], vips: number): void {
  counts.set(reason, (counts.get(reason) ?? 0) + vips);
}
