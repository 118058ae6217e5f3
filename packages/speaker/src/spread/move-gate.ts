// SPDX-License-Identifier: Apache-2.0
/**
 * Whether a VIP may be handed over on purpose now: not before its connections would go on at the next owner, where that
 * can be had at all (planned-moves.ts, passage-trials.ts, move-doubts.ts).
 */
import type { IpAddress, MovesState } from '@berth/core';
import type { Timer } from '@berth/runtime';
import type { Offer } from '../membership/memberships-options.ts';
import { MoveDoubts, type Refusal } from './move-doubts.ts';
import { PassageTrials } from './passage-trials.ts';
import { PlannedMoves } from './planned-moves.ts';
import type { SpreadSegments } from './spread-segments.ts';
import type { SpreadWishes } from './spread-wishes.ts';
import type { SpreadingOptions } from './spreading-options.ts';

export interface MoveGateParts {
  readonly options: Pick<SpreadingOptions, 'clock' | 'log' | 'openTrialFrames' | 'plainMoves' | 'segments' | 'onNews'>;
  readonly wishes: Pick<SpreadWishes, 'all' | 'keep' | 'hasRoomFor' | 'hasMoves' | 'forgetMoves'>;
  readonly segments: Pick<SpreadSegments, 'get'>;
  /** What the kernel refused, if anything, and when. */
  refusal(): Refusal;
  /** Other VIPs are to be followed, soon and never at once: membership asks in the middle of a step. */
  onWish(): void;
}

export class MoveGate {
  readonly #parts: MoveGateParts;
  readonly #moves: PlannedMoves;
  readonly #trials: PassageTrials;
  readonly #doubts: MoveDoubts;
  #refusalOver: Timer | undefined;

  constructor(parts: MoveGateParts) {
    this.#parts = parts;
    const { clock, log, openTrialFrames } = parts.options;
    this.#moves = new PlannedMoves({ clock, log, onRefused: (forMs) => this.#noteRefused(forMs) });
    this.#trials = new PassageTrials(clock, openTrialFrames);
    this.#doubts = new MoveDoubts(clock, () => parts.options.plainMoves());
  }

  /** Hand-overs on purpose, by whether connections were kept. */
  get counts(): PlannedMoves['counts'] {
    return this.#moves.counts;
  }

  /** What becomes of connections when this node hands a VIP over on purpose, or takes one over. */
  get state(): MovesState {
    return this.#doubts.stateWith(this.#parts.refusal().obstacle);
  }

  /** Whether a VIP lately stayed where it is, since its connections would have been broken. */
  get hasRefused(): boolean {
    return this.#moves.hasRefused;
  }

  /** Whether nothing is done to keep connections now. */
  get isPlain(): boolean {
    return this.#doubts.isPlain(this.#parts.refusal());
  }

  /** Whether a VIP may be handed over now. The first question makes all nodes of the segment get ready for it. */
  mayOffer(move: Offer): boolean {
    if (this.#doubts.isBeingForgotten) return false;
    if (this.isPlain) return !move.isOnlyUnbroken;
    const { wishes, segments, onWish } = this.#parts;
    const vip = String(move.vip);
    if (!wishes.hasRoomFor(vip)) return this.#moves.letGo(move);
    if (!this.#moves.isAbsent(move.to) && wishes.keep(vip)) onWish();
    const state = segments.get(move.ifindex)?.state;
    // Where every node serves all rely on it in any case.
    const isEverywhere = wishes.all.get(vip)?.everywhere === true;
    const passage = isEverywhere ? 'passes' : this.#trials.passageFrom(move.to, move.ifindex, state);
    const verdict = this.#moves.mayOffer(move, state, passage);
    if (verdict === 'filtered') this.#withdraw(move);
    return verdict === true;
  }

  /**
   * What owners name is followed by all, so that whoever owns it next knows where its flows live. Returns whether there
   * is more to follow now.
   */
  noteMoving(vips: readonly IpAddress[]): boolean {
    if (this.isPlain) return false;
    return vips.filter((vip) => this.#parts.wishes.keep(String(vip))).length > 0;
  }

  /** Finds out whether what others pass on gets here, while anything moves. Called at each tick. */
  tryPassage(): void {
    const { options, wishes, segments } = this.#parts;
    if (!wishes.hasMoves) {
      this.#trials.rest();
      return;
    }
    for (const { segment } of options.segments()) {
      const one = segments.get(segment.ifindex);
      if (one) this.#trials.follow(segment, one.state);
    }
  }

  /** The segment is followed no longer. */
  close(ifindex: number): void {
    this.#trials.close(ifindex);
  }

  stop(): void {
    this.#refusalOver?.cancel();
  }

  /**
   * What is passed on does not arrive, so it is not relied upon. Others have forgotten that this node takes part before
   * anything moves: the next owner begins alone, as without this.
   */
  #withdraw({ ifindex }: Offer): void {
    const { options, wishes, onWish } = this.#parts;
    this.#doubts.noteFiltered();
    wishes.forgetMoves();
    onWish();
    options.onNews();
    options.log.warn(
      'planned moves break connections: frames with the address of a client do not get from node to node',
      {
        ifindex,
        help: 'allow them in the filter of the hypervisor or switch, or set --planned-moves=plain',
      },
    );
  }

  // And again once it may be tried anew.
  #noteRefused(forMs: number): void {
    const { clock, onNews } = this.#parts.options;
    onNews();
    this.#refusalOver?.cancel();
    this.#refusalOver = clock.after(forMs, onNews);
  }
}
