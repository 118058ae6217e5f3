// SPDX-License-Identifier: Apache-2.0
/**
 * Membership on one segment: gives frames, time and wishes to the state machine of core, sends what it says, and keeps the list of
 * VIPs that it owns. Heartbeats and fence are kept for all segments together (native-beats.ts).
 */
import {
  type DesiredVip,
  type FrameDropReason,
  type HeartbeatBody,
  type Identity,
  type IntakeDropReason,
  type IpAddress,
  initialMembership,
  type MacAddress,
  type MembershipAction,
  type MembershipEvent,
  type MembershipReport,
  type MembershipState,
  nextTickMs,
  signingKeyId,
  stepMembership,
  type Timing,
} from '@berth/core';
import type { Clock, Timer } from '@berth/kube';
import { type Answer, AnswerRecord, type Transition } from './answer-record.ts';
import { type HeartbeatSource, openFrame, sealFrame } from './heartbeat-frames.ts';
import type { HeartbeatKey } from './heartbeat-keys.ts';
import type { BeatFrame } from './native-beats.ts';

/** The segment's frames; a packet socket of packages/link with the group joined. */
export interface SegmentSocket {
  send(frame: Uint8Array): boolean;
  receive(onFrame: (frame: { readonly bytes: Uint8Array }) => void, onError: (error: unknown) => void): void;
  /** Told the MAC addresses of all members whenever one comes or goes, so that their frames can go before those of strangers. */
  prefer?(members: readonly MacAddress[]): void;
  /** Frames of strangers that were dropped unread because there were too many. */
  readonly unread?: number;
  /** Told each frame that was received and believed. */
  believed?(frame: Uint8Array): void;
  close(): void;
}

/** `unread`: there were too many frames of strangers. */
export type LoopDropReason = IntakeDropReason | FrameDropReason | 'unread';

/**
 * How soon a change of what is owned must be followed. `now`: what was taken must be answered before this event loop goes on, since its
 * former owner stops as soon as it hears of it. `soon`: something was given up, and frames that wait in the socket may take more
 * away. `new`: nobody ever answered for what was taken, so that a burst of it can be gathered.
 */
export type OwnedUrgency = 'now' | 'soon' | 'new';

export interface MembershipLoopOptions {
  readonly self: Identity;
  readonly timing: Timing;
  readonly rebalance: 'off' | 'gradual';
  /** Counters that were heard on this segment before. Default: none. */
  readonly retired?: ReadonlyMap<string, number> | undefined;
  readonly source: HeartbeatSource;
  readonly socket: SegmentSocket;
  readonly clock: Clock;
  /** The heartbeat says something else from now on. */
  onBeat(): void;
  onOwned(urgency: OwnedUrgency): void;
  /** Everything was given up: silence first, then the fence may be armed again. */
  onSilenced(cause: string): void;
  onAnnounce(vip: IpAddress): void;
  onReport(report: MembershipReport): void;
  onLeft(): void;
  onSocketError(error: unknown): void;
}

/** A heartbeat as a frame, with all that it was made from. */
interface SealedBeat {
  readonly body: HeartbeatBody;
  readonly keyId: number;
  readonly newestKeyId: number;
  readonly frame: BeatFrame;
}

/** The most urgent first. */
const URGENCIES: readonly OwnedUrgency[] = ['now', 'soon', 'new'];

/** A tick that is due now still lets the sockets be read before. */
const SOON_MS = 1;

export class MembershipLoop {
  readonly #options: MembershipLoopOptions;
  readonly #record = new AnswerRecord();
  readonly #drops = new Map<IntakeDropReason | FrameDropReason, number>();
  #state: MembershipState;
  #beat: HeartbeatBody | undefined;
  #sealed: SealedBeat | undefined;
  #timer: Timer | undefined;
  #isRunning = false;

  constructor(options: MembershipLoopOptions) {
    this.#options = options;
    this.#state = initialState(options);
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
    return this.#signingKey().id;
  }

  /** Frames that were dropped, by reason. */
  get drops(): ReadonlyMap<LoopDropReason, number> {
    const unread = this.#options.socket.unread ?? 0;
    return unread === 0 ? this.#drops : new Map<LoopDropReason, number>([...this.#drops, ['unread', unread]]);
  }

  /** Begins to listen. It owns nothing before it has. */
  start(): void {
    const { socket, onSocketError } = this.#options;
    this.#state = initialState(this.#options);
    this.#isRunning = true;
    socket.receive(({ bytes }) => this.#receive(bytes), onSocketError);
    this.give({ type: 'tick' });
  }

  /** Ends at once and owns nothing any more; to leave in an orderly way, give a `leave` and wait for {@link MembershipLoopOptions.onLeft}. */
  stop(): void {
    this.#isRunning = false;
    this.#timer?.cancel();
    this.#options.socket.close();
    this.#record.endAll('left');
  }

  desire(vips: readonly DesiredVip[]): void {
    this.give({ type: 'desired', vips });
  }

  give(event: MembershipEvent): void {
    if (!this.#isRunning) return;
    const { state, actions } = stepMembership(this.#state, event, this.#options.clock.now());
    this.#state = state;
    this.#execute(actions);
    this.#plan();
  }

  /** The heartbeat as a frame, for a sender that fills in counter and tag itself; the same object until it says something else. */
  beatFrame(): BeatFrame | undefined {
    const body = this.#beat;
    if (!this.#isRunning || body === undefined) return undefined;
    const key = this.#signingKey();
    const newestKeyId = this.#options.source.keys().newest.id;
    const known = this.#sealed;
    if (known?.body === body && known.keyId === key.id && known.newestKeyId === newestKeyId) return known.frame;
    const frame = this.#seal(body, key);
    this.#sealed = { body, keyId: key.id, newestKeyId, frame };
    return frame;
  }

  #seal(body: HeartbeatBody, key: HeartbeatKey): BeatFrame {
    const { source, self } = this.#options;
    return { ifindex: self.port, frame: sealFrame(source, self, body, key.id), key: key.padded };
  }

  #receive(frame: Uint8Array): void {
    const opened = openFrame(this.#options.source, frame);
    if (!opened.ok) {
      this.#count(opened.reason);
      return;
    }
    this.#options.socket.believed?.(frame);
    this.give({ type: 'frame', heartbeat: opened.heartbeat });
  }

  // What was taken is answered before anybody is told.
  #execute(actions: readonly MembershipAction[]): void {
    const changes = new Set<OwnedUrgency>();
    for (const action of actions) {
      if (action.type === 'stop-all') {
        this.#record.endAll(action.cause);
        this.#options.onSilenced(action.cause);
      } else if (action.type === 'stop') {
        this.#record.end(action.vip, action.reason);
        changes.add('soon');
      } else if (action.type === 'answer') {
        this.#record.begin({ vip: action.vip, why: action.reason, since: this.#options.clock.date() });
        changes.add(action.reason === 'new' ? 'new' : 'now');
      }
    }
    const urgency = URGENCIES.find((one) => changes.has(one));
    if (urgency) this.#options.onOwned(urgency);
    for (const action of actions) this.#carryOut(action);
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
        this.#count(action.reason);
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

  #prefer({ kind }: MembershipReport): void {
    if (kind !== 'member-heard' && kind !== 'member-lost') return;
    this.#options.socket.prefer?.(this.#state.members.map(({ mac }) => mac));
  }

  #send(body: HeartbeatBody): void {
    const { source, self, socket, onSocketError } = this.#options;
    try {
      socket.send(sealFrame(source, self, body, this.#signingKey().id));
    } catch (error) {
      // The interface is going away; the cable's state is told separately.
      onSocketError(error);
    }
  }

  #signingKey(): HeartbeatKey {
    const keys = this.#options.source.keys();
    const id = signingKeyId({ newest: keys.newest.id, previous: keys.previous?.id }, this.#state);
    return keys.find(id) ?? keys.newest;
  }

  #plan(): void {
    this.#timer?.cancel();
    if (this.#state.phase === 'gone') return;
    const { clock } = this.#options;
    const delayMs = Math.max(SOON_MS, nextTickMs(this.#state) - clock.now());
    this.#timer = clock.after(delayMs, () => this.give({ type: 'tick' }));
  }

  #count(reason: IntakeDropReason | FrameDropReason): void {
    this.#drops.set(reason, (this.#drops.get(reason) ?? 0) + 1);
  }
}

function initialState({ self, timing, rebalance, retired, clock }: MembershipLoopOptions): MembershipState {
  return initialMembership({ self, timing, rebalance, ...(retired && { retired }) }, clock.now());
}
