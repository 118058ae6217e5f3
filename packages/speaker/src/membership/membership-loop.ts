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
import { LoopFrames } from './loop-frames.ts';
import type { Arrival, LoopDropReason, MembershipLoopOptions, OwnedUrgency } from './loop-options.ts';
import type { BeatFrame } from './native-beats.ts';
import type { QuestionCounts, Questions } from './segment-questions.ts';

/** The most urgent first. */
const URGENCIES: readonly OwnedUrgency[] = ['now', 'soon', 'new'];

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
    const { state, actions } = stepMembership(this.#state, event, startMs);
    measures?.stepped(clock.now() - startMs);
    this.#state = state;
    this.#execute(actions, startMs);
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

  // What was taken is answered before anybody is told.
  #execute(actions: readonly MembershipAction[], startMs: number): void {
    const changes = new Set<OwnedUrgency>();
    for (const action of actions) {
      if (action.type === 'stop-all') {
        this.#record.endAll(action.cause);
        this.#options.onSilenced(action.cause);
      } else if (action.type === 'stop') {
        this.#record.end(action.vip, action.reason);
        changes.add('soon');
      } else if (action.type === 'answer') {
        const { vip, reason: why, after } = action;
        this.#record.begin({ vip, why, after, since: this.#options.clock.date() });
        changes.add(action.reason === 'new' ? 'new' : 'now');
      }
    }
    const urgency = URGENCIES.find((one) => changes.has(one));
    if (urgency) this.#options.onOwned(urgency);
    this.#measureTakeovers(actions, startMs);
    for (const action of actions) this.#carryOut(action);
  }

  // By now what was taken is answered; how long nobody answered was told as of the step's start.
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

  #carryOut(action: MembershipAction): void {
    switch (action.type) {
      case 'beat':
        this.#beat = action.body;
        this.#options.onBeat();
        break;
      case 'send':
        for (const body of action.bodies) this.#send(body);
        break;
      case 'announce':
        this.#options.onAnnounce(action.vip);
        break;
      case 'drop':
        this.#frames.countDrop(action.reason);
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
    switch (question.about) {
      case 'owner':
        this.#questions.askOwner(question.vip, question.mac);
        break;
      case 'witness':
        this.#questions.askWitnesses();
        break;
      case 'station':
        this.#questions.identify(question.mac);
        break;
    }
  }

  #prefer({ kind }: MembershipReport): void {
    if (kind !== 'member-heard' && kind !== 'member-lost') return;
    this.#options.socket.prefer?.(this.#state.members.map(({ mac }) => mac));
  }

  #send(body: HeartbeatBody): void {
    const { socket, onSocketError } = this.#options;
    try {
      const seal = () => this.#frames.seal(body);
      socket.send(seal());
      socket.sendDatagrams?.(seal);
    } catch (error) {
      // The interface is going away; the cable's state is told separately.
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
