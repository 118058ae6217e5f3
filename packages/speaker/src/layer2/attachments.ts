// SPDX-License-Identifier: Apache-2.0
/**
 * The segments on which something answers, and what became of it there: a program that somebody took off is attached
 * again, one that another put itself before goes first again, and where no program can be attached the thread stands
 * in.
 */

import type { MacAddress } from '@berth/core';
import type { Attachment, AttachmentState } from '@berth/link';
import { type Clock, Signal } from '@berth/runtime';
import { isSameSegment, type Segment } from './segments.ts';

/** Answers on interfaces; the responder of packages/link. */
export interface Attaching {
  /** Throws where nothing can answer there. */
  attach(ifindex: number, mac: MacAddress): Attachment;
  attachAgain(ifindex: number): Attachment;
  look(ifindex: number): AttachmentState;
  detach(ifindex: number): void;
}

/** How a segment is answered: by the engine, by the thread in its stead, or by the engine behind another program. */
export type SegmentAnswer = 'engine' | 'thread' | 'behind';

/** Something that people want to know. */
export type AttachmentNews =
  /** Nothing can answer there: this node is no candidate on that segment. Reported once, until it can. */
  | { readonly kind: 'not-attached'; readonly error: unknown }
  /** The program cannot be attached. */
  | { readonly kind: 'stand-in'; readonly code: string; readonly detail: string }
  /** The program answers, where it did not before. */
  | { readonly kind: 'attached' }
  /** Somebody took it off; it is attached again. */
  | { readonly kind: 'taken-off' }
  /** Another program put itself before ours; ours goes first again. */
  | { readonly kind: 'overtaken' }
  /** Another program is asked first, and goes first again whatever is done about it. */
  | { readonly kind: 'behind' };

export interface AttachmentsOptions {
  readonly answerer: Attaching;
  readonly clock: Pick<Clock, 'now'>;
}

/** While the thread stands in, the program is tried again after this time, in milliseconds. */
const TRY_PROGRAM_MS = 60_000;
/**
 * Ours goes first again so often within this time, in milliseconds: two programs that both insist must not fight for
 * ever.
 */
const [FIRST_AGAIN, FIRST_AGAIN_WITHIN_MS] = [3, 600_000];

interface Attached {
  readonly segment: Segment;
  readonly attachment: Attachment;
  readonly answer: SegmentAnswer;
  /** When it was attached last. */
  readonly atMs: number;
}

export class Attachments {
  /** What became of the answerer on a segment. */
  readonly news = new Signal<[segment: Segment, news: AttachmentNews]>();
  readonly #options: AttachmentsOptions;
  readonly #attached = new Map<number, Attached>();
  /** Interfaces that could not be attached, as people know by now. */
  readonly #failed = new Set<number>();
  /** When each went first again, lately. */
  readonly #overtaken = new Map<number, readonly number[]>();

  constructor(options: AttachmentsOptions) {
    this.#options = options;
  }

  /** Segments that are answered. */
  get segments(): readonly Segment[] {
    return [...this.#attached.values()].map(({ segment }) => segment);
  }

  has(ifindex: number): boolean {
    return this.#attached.has(ifindex);
  }

  /** How a segment is answered; undefined where it is not. */
  answerOf(ifindex: number): SegmentAnswer | undefined {
    return this.#attached.get(ifindex)?.answer;
  }

  /** Segments that are answered under another name or MAC address than these have, or not among these. */
  outdated(segments: readonly Segment[]): readonly Segment[] {
    return this.segments.filter((known) => !segments.some((one) => isSameSegment(one, known)));
  }

  /** Returns whether it is answered now. */
  attach(segment: Segment): boolean {
    return this.#put(segment, () => this.#options.answerer.attach(segment.ifindex, segment.mac));
  }

  detach({ ifindex }: Segment): void {
    this.#attached.delete(ifindex);
    this.#failed.delete(ifindex);
    this.#overtaken.delete(ifindex);
    this.#options.answerer.detach(ifindex);
  }

  /** Looks at all of them and repairs what can be. Returns the segments that are not answered any more. */
  check(): readonly Segment[] {
    return [...this.#attached.values()].filter((one) => !this.#checkOne(one)).map(({ segment }) => segment);
  }

  #checkOne({ segment, attachment, atMs }: Attached): boolean {
    const { answerer, clock } = this.#options;
    const { ifindex } = segment;
    const state = answerer.look(ifindex);
    if (state === 'gone') {
      this.news.emit(segment, { kind: 'taken-off' });
      return this.#again(segment);
    }
    if (state === 'behind') return this.#goFirst(segment);
    if (attachment.by === 'engine') this.#note(segment, attachment, 'engine');
    const isDue = attachment.refusal !== undefined && clock.now() - atMs >= TRY_PROGRAM_MS;
    return !isDue || this.#again(segment);
  }

  #goFirst(segment: Segment): boolean {
    const { clock } = this.#options;
    const { ifindex } = segment;
    const lately = (this.#overtaken.get(ifindex) ?? []).filter((ms) => clock.now() - ms < FIRST_AGAIN_WITHIN_MS);
    if (lately.length < FIRST_AGAIN) {
      this.#overtaken.set(ifindex, [...lately, clock.now()]);
      this.news.emit(segment, { kind: 'overtaken' });
      return this.#again(segment);
    }
    const known = this.#attached.get(ifindex);
    if (known && known.answer !== 'behind') {
      this.news.emit(segment, { kind: 'behind' });
      this.#note(segment, known.attachment, 'behind');
    }
    return true;
  }

  #again(segment: Segment): boolean {
    return this.#put(segment, () => this.#options.answerer.attachAgain(segment.ifindex));
  }

  #put(segment: Segment, attach: () => Attachment): boolean {
    const { ifindex } = segment;
    try {
      const attachment = attach();
      this.#tell(segment, attachment);
      this.#note(segment, attachment, attachment.by, this.#options.clock.now());
      this.#failed.delete(ifindex);
      return true;
    } catch (error) {
      this.#attached.delete(ifindex);
      this.#options.answerer.detach(ifindex);
      if (!this.#failed.has(ifindex)) this.news.emit(segment, { kind: 'not-attached', error });
      this.#failed.add(ifindex);
      return false;
    }
  }

  // That all is as it should be is news only where it was not.
  #tell(segment: Segment, { by, refusal }: Attachment): void {
    const before = this.#attached.get(segment.ifindex)?.answer;
    if (refusal && before !== 'thread') this.news.emit(segment, { kind: 'stand-in', ...refusal });
    const wasWrong = before === 'thread' || this.#failed.has(segment.ifindex);
    if (by === 'engine' && wasWrong) this.news.emit(segment, { kind: 'attached' });
  }

  #note(segment: Segment, attachment: Attachment, answer: SegmentAnswer, nowMs?: number): void {
    const atMs = nowMs ?? this.#attached.get(segment.ifindex)?.atMs ?? this.#options.clock.now();
    this.#attached.set(segment.ifindex, { segment, attachment, answer, atMs });
  }
}
