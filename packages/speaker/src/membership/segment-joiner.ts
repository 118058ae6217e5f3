// SPDX-License-Identifier: Apache-2.0
/** Joins the segments that fit and leaves those that do not: one membership loop for each. */
import type { Timer } from '@berth/runtime';
import { isSameSegment, type Segment } from '../layer2/segments.ts';
import type { SegmentOffer } from './held-departures.ts';
import type { JoinedSegments } from './joined-segments.ts';
import type { MembershipLoopOptions } from './loop-options.ts';
import { MembershipLoop } from './membership-loop.ts';
import type { MembershipNews } from './membership-news.ts';
import type { MembershipsOptions } from './memberships-options.ts';
import type { OwnFlags } from './own-flags.ts';

/**
 * A segment that could not be joined is tried again after this time, in milliseconds: news that would do so may not
 * come for hours.
 */
const JOIN_AGAIN_MS = 2_000;

/** What the loops of all segments have in common. */
export interface SharedParts
  extends Pick<MembershipLoopOptions, 'onStepped' | 'onBeat' | 'onOwned' | 'onSilenced' | 'onLeft'> {
  readonly news: MembershipNews;
  /** Whether more segments may be joined. */
  isOpen(): boolean;
  readonly flags: OwnFlags;
  /** Whether a VIP may be handed over to a member now. */
  mayOffer(offer: SegmentOffer): boolean;
  /** Segments were looked at again, after one could not be joined. */
  onLookedAgain(): void;
}

export class SegmentJoiner {
  readonly #options: MembershipsOptions;
  readonly #joined: JoinedSegments;
  readonly #parts: SharedParts;
  #joinAgain: Timer | undefined;

  constructor(options: MembershipsOptions, joined: JoinedSegments, parts: SharedParts) {
    this.#options = options;
    this.#joined = joined;
    this.#parts = parts;
  }

  /** Leaves the segments that fit no more, and joins those that fit by now. */
  followSegments(): void {
    const fitting = this.#options.segments();
    for (const { segment, loop } of this.#joined.all) {
      const same = fitting.find((one) => isSameSegment(one, segment));
      // Its families may be others by now: IPv6 is usable only some time after the cable is in.
      if (same) this.#joined.set(same, loop);
      else this.#leaveSegment(segment, loop);
    }
    if (!this.#parts.isOpen()) return;
    for (const segment of fitting) if (!this.#joined.at(segment.ifindex)) this.#joinSegment(segment);
  }

  stop(): void {
    this.#joinAgain?.cancel();
    this.#joinAgain = undefined;
  }

  #leaveSegment({ ifindex }: Segment, loop: MembershipLoop): void {
    loop.stop();
    this.#joined.leave(ifindex);
    this.#parts.onLeft();
  }

  #joinSegment(segment: Segment): void {
    try {
      const loop = this.#openLoop(segment);
      this.#joined.set(segment, loop);
      loop.start();
      const { flags } = this.#parts;
      loop.give({ type: 'fitness', fitness: flags.fitnessOn(segment) });
      loop.give({ type: 'moves', keepConnections: flags.keepsConnections });
    } catch (error) {
      // One that could not begin would never be tried again.
      this.#joined.at(segment.ifindex)?.loop.stop();
      this.#joined.forget(segment.ifindex);
      this.#parts.news.failures.emit(segment, error);
      this.#joinAgain ??= this.#options.clock.after(JOIN_AGAIN_MS, () => {
        this.#joinAgain = undefined;
        this.followSegments();
        this.#parts.onLookedAgain();
      });
    }
  }

  #openLoop(segment: Segment): MembershipLoop {
    const { timing, rebalance, source, clock, measures, openSocket, openQuestions } = this.#options;
    const { news, onStepped, onBeat, onOwned, onSilenced, onLeft } = this.#parts;
    const self = this.#joined.identityOn(segment, this.#options.segments());
    return new MembershipLoop({
      ...{ timing, rebalance, source, clock, measures, self },
      ifindex: segment.ifindex,
      others: this.#joined.othersOf(segment, self),
      retired: this.#joined.heardBefore(segment.ifindex),
      socket: openSocket(segment),
      openQuestions: (answers) => openQuestions(segment, answers),
      mayOffer: (vip, to, isOnlyUnbroken) => this.#parts.mayOffer({ vip, to, segment, isOnlyUnbroken }),
      ...{ onStepped, onBeat, onOwned, onSilenced, onLeft },
      onAnnounce: (vip) => news.announcements.emit(vip, segment),
      onReport: (report) => news.reports.emit(report, segment),
      onSpread: (from, sections) => news.spread.emit(from, sections, segment),
      onSocketError: (error) => news.failures.emit(segment, error),
    });
  }
}
