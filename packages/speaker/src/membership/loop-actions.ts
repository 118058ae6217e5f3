// SPDX-License-Identifier: Apache-2.0
/** Carries out what the state machine of one segment wants done. */
import type { HeartbeatBody, Member, MembershipAction, MembershipReport } from '@berth/core';
import type { AnswerRecord } from './answer-record.ts';
import type { LoopFrames } from './loop-frames.ts';
import type { MembershipLoopOptions, OwnedUrgency } from './loop-options.ts';
import type { Questions } from './segment-questions.ts';

/** The most urgent first. */
const URGENCIES: readonly OwnedUrgency[] = ['now', 'soon', 'new'];

/** The parts of the loop that actions change. */
export interface LoopParts {
  readonly record: AnswerRecord;
  readonly frames: Pick<LoopFrames, 'countDrop'>;
  readonly questions: Questions;
  members(): readonly Member[];
  /** The heartbeat says this from now on. */
  beat(body: HeartbeatBody): void;
  /** Sends a frame of its own. */
  send(body: HeartbeatBody): void;
}

export class LoopActions {
  readonly #options: MembershipLoopOptions;
  readonly #parts: LoopParts;

  constructor(options: MembershipLoopOptions, parts: LoopParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** What was taken is answered before anything else is done. */
  carryOut(actions: readonly MembershipAction[], startMs: number): void {
    const { record } = this.#parts;
    const changes = new Set<OwnedUrgency>();
    for (const action of actions) {
      if (action.type === 'stop-all') {
        record.endAll(action.cause);
        this.#options.onSilenced(action.cause);
      } else if (action.type === 'stop') {
        record.end(action.vip, action.reason);
        changes.add('soon');
      } else if (action.type === 'answer') {
        const { vip, reason: why, after } = action;
        record.begin({ vip, why, after, since: this.#options.clock.date() });
        changes.add(action.reason === 'new' ? 'new' : 'now');
      }
    }
    const urgency = URGENCIES.find((one) => changes.has(one));
    if (urgency) this.#options.onOwned(urgency);
    this.#measureTakeovers(actions, startMs);
    for (const action of actions) this.#follow(action);
  }

  // By now what was taken is answered; how long no one answered is known as of the step's start.
  #measureTakeovers(actions: readonly MembershipAction[], startMs: number): void {
    const { clock, measures } = this.#options;
    const sinceStartMs = clock.now() - startMs;
    for (const action of actions) {
      if (action.type !== 'answer') continue;
      const { cause, unansweredMs } = action.after ?? {};
      const isGone = cause === 'silent' || cause === 'left';
      if (isGone && unansweredMs !== undefined) measures?.tookOver(unansweredMs + sinceStartMs);
    }
  }

  #follow(action: MembershipAction): void {
    switch (action.type) {
      case 'beat':
        this.#parts.beat(action.body);
        this.#options.onBeat();
        break;
      case 'send':
        for (const body of action.bodies) this.#parts.send(body);
        break;
      case 'announce':
        this.#options.onAnnounce(action.vip);
        break;
      case 'drop':
        this.#parts.frames.countDrop(action.reason);
        break;
      case 'question':
        this.#ask(action);
        break;
      case 'report':
        this.#prefer(action.report);
        this.#options.onReport(action.report);
        break;
      case 'left':
        this.#options.onLeft();
        break;
      // stop-all, stop and answer are done by now; renew is for a sender that is not this event loop.
      default:
    }
  }

  #ask(question: Extract<MembershipAction, { type: 'question' }>): void {
    const { questions } = this.#parts;
    switch (question.about) {
      case 'owner':
        questions.askOwner(question.vip, question.mac);
        break;
      case 'witness':
        questions.askWitnesses();
        break;
      case 'station':
        questions.identify(question.mac);
        break;
    }
  }

  #prefer({ kind }: MembershipReport): void {
    if (kind !== 'member-heard' && kind !== 'member-lost') return;
    this.#options.socket.prefer?.(this.#parts.members().map(({ mac }) => mac));
  }
}
