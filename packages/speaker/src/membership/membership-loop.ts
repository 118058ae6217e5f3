// SPDX-License-Identifier: Apache-2.0
/**
 * Membership on one segment: gives frames, time and wishes to the state machine of core, sends what it says, and keeps
 * the list of VIPs that it owns. Heartbeats and fence are kept for all segments together (native-beats.ts).
 */
import {
  type DesiredVip,
  type HeartbeatBody,
  type IpAddress,
  initialMembership,
  type MembershipAction,
  type MembershipEvent,
  type MembershipReport,
  type MembershipState,
  nextTickMs,
  type SpreadSections,
  stepMembership,
} from '@berth/core';
import type { Timer } from '@berth/runtime';
import { type Answer, AnswerRecord, type Transition } from './answer-record.ts';
import { HeldOffers } from './held-offers.ts';
import { LoopActions } from './loop-actions.ts';
import { LoopFrames } from './loop-frames.ts';
import type { Arrival, LoopDropReason, MembershipLoopOptions } from './loop-options.ts';
import type { BeatFrame } from './native-beats.ts';
import type { QuestionCounts, Questions } from './segment-questions.ts';

/** A tick that is due now still lets the sockets be read before. */
const SOON_MS = 1;

export class MembershipLoop {
  readonly #options: MembershipLoopOptions;
  readonly #record = new AnswerRecord();
  readonly #frames: LoopFrames;
  #state: MembershipState;
  #beat: HeartbeatBody | undefined;
  #timer: Timer | undefined;
  #isRunning = false;
  readonly #questions: Questions;
  readonly #actions: LoopActions;
  readonly #offers: HeldOffers;

  constructor(options: MembershipLoopOptions) {
    this.#options = options;
    this.#state = initialState(options);
    this.#frames = new LoopFrames(options, () => this.#state);
    this.#questions = options.openQuestions({
      onAnswered: (vip, mac) => this.give({ type: 'answered', vip, mac }),
      onWitnessed: () => this.give({ type: 'witnessed' }),
      // Never at once: it may be known while the step is carried out that asked for it.
      onIdentified: (mac, as) => options.clock.after(0, () => this.give({ type: 'identified', mac, as })),
    });
    this.#offers = new HeldOffers(options.mayOffer ?? (() => true));
    const onReport = (report: MembershipReport) => this.#pass(report);
    this.#actions = new LoopActions(
      { ...options, onReport },
      {
        record: this.#record,
        frames: this.#frames,
        questions: this.#questions,
        members: () => this.#state.members,
        beat: (body) => {
          this.#beat = body;
        },
        send: (body) => {
          const said = this.#offers.without(body);
          if (said) this.#send(said);
        },
      },
    );
  }

  /** What the state machine knows, for people. */
  get state(): MembershipState {
    return this.#state;
  }

  /** Whether this node owns a VIP; costs one lookup, however many it owns. */
  owns(vip: IpAddress): boolean {
    return this.#record.has(vip);
  }

  /** Since when and why this node owns a VIP; undefined when it does not. */
  answerOf(vip: IpAddress): Answer | undefined {
    return this.#record.get(vip);
  }

  /** How many VIPs changed hands, by reason. */
  get transitions(): readonly (Transition & { readonly vips: number })[] {
    return this.#record.transitions();
  }

  /** Id of the key that frames are signed with now. */
  get signingKeyId(): number {
    return this.#frames.signingKey.id;
  }

  /** Frames that were dropped, by reason. */
  get drops(): ReadonlyMap<LoopDropReason, number> {
    const { drops } = this.#frames;
    const unread = this.#options.socket.unread ?? 0;
    return unread === 0 ? drops : new Map<LoopDropReason, number>([...drops, ['unread', unread]]);
  }

  /** How often was asked on the wire. */
  get questionCounts(): QuestionCounts {
    return this.#questions.counts;
  }

  /** Begins to listen. It owns nothing before it has. */
  start(): void {
    const { socket, onSocketError } = this.#options;
    this.#state = initialState(this.#options);
    this.#isRunning = true;
    socket.receive((frame) => this.#receive(frame), onSocketError);
    this.give({ type: 'tick' });
  }

  /**
   * Ends at once and owns nothing any more; to leave in an orderly way, give a `leave` and wait for {@link
   * MembershipLoopOptions.onLeft}.
   */
  stop(): void {
    this.#isRunning = false;
    this.#timer?.cancel();
    this.#options.socket.close();
    this.#questions.close();
    this.#record.endAll('left');
  }

  desire(vips: readonly DesiredVip[]): void {
    this.give({ type: 'desired', vips });
  }

  give(event: MembershipEvent): void {
    this.#step(event);
  }

  #step(event: MembershipEvent): readonly MembershipAction[] {
    if (!this.#isRunning) return [];
    const { clock, measures } = this.#options;
    const startMs = clock.now();
    const before = this.#state;
    const { state, actions } = stepMembership(before, event, startMs);
    measures?.stepped(clock.now() - startMs);
    this.#state = state;
    this.#offers.follow(before.handOvers, state.handOvers);
    this.#actions.carryOut(actions, startMs);
    this.#options.onStepped();
    this.#plan();
    return actions;
  }

  /** Sends a frame of its own that says who serves what; nothing before the first heartbeat. */
  saySpread(spread: SpreadSections): void {
    if (!this.#isRunning || this.#beat === undefined) return;
    const { claims: _claims, view: _view, wants: _wants, suspects: _suspects, vouches: _vouches, ...head } = this.#beat;
    this.#send({ ...head, spread });
  }

  /**
   * The heartbeat as a frame, for a sender that fills in counter and tag itself; the same object until it says
   * something else.
   */
  beatFrame(): BeatFrame | undefined {
    const body = this.#beat;
    return this.#isRunning && body !== undefined ? this.#frames.beatFrame(body) : undefined;
  }

  #receive(frame: Arrival): void {
    const heartbeat = this.#frames.open(frame);
    if (heartbeat === undefined) return;
    const actions = this.#step({ type: 'frame', heartbeat });
    // A newcomer that only frames to this station bring must be answered by such, or it could never show that it is
    // alive.
    const isUsed = !actions.some((action) => action.type === 'drop' && action.reason !== 'unproven');
    if (isUsed) this.#options.socket.believed?.(frame);
    const isMember = isUsed && !actions.some((action) => action.type === 'drop');
    if (isMember && heartbeat.spread) this.#options.onSpread?.(heartbeat.bootId, heartbeat.spread);
  }

  // What was not offered was not refused: it is ordered anew.
  #pass(report: MembershipReport): void {
    const fate = this.#offers.fateOf(report);
    if (fate === 'passed on') {
      this.#options.onReport(report);
    } else if (fate.again) {
      const { vip, node } = fate.again;
      this.#options.clock.after(0, () => this.give({ type: 'move', vip, node }));
    }
  }

  #send(body: HeartbeatBody): void {
    const { socket, onSocketError } = this.#options;
    try {
      const seal = () => this.#frames.seal(body);
      socket.send(seal());
      socket.sendDatagrams?.(seal);
    } catch (error) {
      // The interface is going away; the cable's state is reported separately.
      onSocketError(error);
    }
  }

  #plan(): void {
    this.#timer?.cancel();
    if (this.#state.phase === 'gone') return;
    const { clock } = this.#options;
    const delayMs = Math.max(SOON_MS, nextTickMs(this.#state) - clock.now());
    this.#timer = clock.after(delayMs, () => this.#tick());
  }

  // An answer that waits is a sign of life: it comes before time alone declares somebody dead.
  #tick(): void {
    this.#questions.drain();
    this.give({ type: 'tick' });
  }
}

function initialState({ self, timing, rebalance, retired, clock }: MembershipLoopOptions): MembershipState {
  return initialMembership({ self, timing, rebalance, ...(retired && { retired }) }, clock.now());
}
