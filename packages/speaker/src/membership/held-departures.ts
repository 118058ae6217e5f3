// SPDX-License-Identifier: Apache-2.0
/**
 * VIPs that this node has to part with all together, by what the cluster says or since it is not well. The state
 * machine shares them out over the others in one go and waits for no one after that, so it learns of it only once all
 * may be offered.
 */
import type { DesiredVip, IpAddress, MembershipState, NodeFitness } from '@berth/core';
import type { Timer } from '@berth/runtime';
import type { Segment } from '../layer2/segments.ts';
import type { JoinedSegments } from './joined-segments.ts';
import type { MembershipsOptions } from './memberships-options.ts';
import type { OwnFlags } from './own-flags.ts';

/** What waits until others can take this node's VIPs is looked at again after this time, in milliseconds. */
const AGAIN_MS = 25;
/** And after so many times as long as the last look took: thousands of VIPs must not keep the event loop busy. */
const REST = 4;

/** Whether a VIP that must go may be offered to a member now. */
type MayPartWith = (vip: IpAddress, to: string) => boolean;

/** A VIP that is about to be handed over to a member. */
export interface SegmentOffer {
  readonly vip: IpAddress;
  /** Boot id. */
  readonly to: string;
  readonly segment: Segment;
  /** It is not worth a broken connection. */
  readonly isOnlyUnbroken: boolean;
}

export interface DepartureParts {
  readonly flags: OwnFlags;
  isOpen(): boolean;
  /** Whether clients of a VIP are served here: with `externalTrafficPolicy: Local` only while there is an endpoint. */
  serves(vip: IpAddress): boolean;
  /** What the cluster wants is to be looked at again. */
  onLookedAgain(): void;
}

export class HeldDepartures {
  readonly #options: Pick<MembershipsOptions, 'answering' | 'clock' | 'mayOffer'>;
  readonly #joined: JoinedSegments;
  readonly #parts: DepartureParts;
  /** What the node is to be once the others can take its VIPs. */
  #next: NodeFitness = 'fit';
  #again: Timer | undefined;
  #tookMs = 0;

  constructor(
    options: Pick<MembershipsOptions, 'answering' | 'clock' | 'mayOffer'>,
    joined: JoinedSegments,
    parts: DepartureParts,
  ) {
    this.#options = options;
    this.#joined = joined;
    this.#parts = parts;
  }

  /** Whether a VIP may be handed over to a member now. What this node cannot answer, or not serve, goes at once. */
  mayOffer({ vip, to, segment, isOnlyUnbroken }: SegmentOffer): boolean {
    const { answering, mayOffer } = this.#options;
    const isOfUse = answering.isAttached(segment) && !answering.lacks(vip) && this.#parts.serves(vip);
    return !isOfUse || (mayOffer?.({ ifindex: segment.ifindex, vip, to, isOnlyUnbroken }) ?? true);
  }

  become(fitness: NodeFitness): void {
    this.#next = fitness;
    this.#follow();
  }

  /** What the cluster wants on a segment, as far as this node may part with what it owns. */
  desiresOf(desired: readonly DesiredVip[], segment: Segment, state: MembershipState): readonly DesiredVip[] {
    const held = heldDesires(desired, state, {
      serves: (vip) => this.#parts.serves(vip),
      mayPartWith: (vip, to) => this.#mayPartWith(vip, to, segment),
    });
    if (held === undefined) return desired;
    this.#lookAgain();
    return held;
  }

  stop(): void {
    this.#again?.cancel();
    this.#again = undefined;
  }

  #follow(): void {
    const { flags } = this.#parts;
    if (this.#next === flags.fitness || this.#next === 'fit' || this.#mayPart()) flags.become(this.#next);
    else this.#lookAgain();
  }

  #mayPart(): boolean {
    const each = this.#joined.all.map(({ segment, loop }) =>
      mayPart(loop.state, (vip, to) => this.#mayPartWith(vip, to, segment)),
    );
    return each.every((may) => may);
  }

  #mayPartWith(vip: IpAddress, to: string, segment: Segment): boolean {
    return this.mayOffer({ vip, to, segment, isOnlyUnbroken: false });
  }

  #lookAgain(): void {
    if (!this.#parts.isOpen()) return;
    const { clock } = this.#options;
    this.#again ??= clock.after(Math.max(AGAIN_MS, REST * this.#tookMs), () => {
      const startMs = clock.now();
      this.#again = undefined;
      this.#follow();
      this.#parts.onLookedAgain();
      this.#tookMs = clock.now() - startMs;
    });
  }
}

/**
 * What the cluster wants; of VIPs that this node owns and may not own any more as it was before. Undefined: nothing is
 * held back.
 */
function heldDesires(
  desired: readonly DesiredVip[],
  state: MembershipState,
  { serves, mayPartWith }: { readonly serves: DepartureParts['serves']; readonly mayPartWith: MayPartWith },
): readonly DesiredVip[] | undefined {
  const isOwn = ({ candidates }: DesiredVip) => candidates.some(({ node }) => node === state.self.node);
  const before = new Map<DesiredVip, DesiredVip>();
  for (const one of desired) {
    const key = String(one.vip);
    const isDeparting = state.claims.has(key) && !isOwn(one) && serves(one.vip);
    const known = isDeparting ? state.desired.get(key) : undefined;
    if (known && isOwn(known)) before.set(one, known);
  }
  const asked = [...before.keys()].map((one) => {
    const names = new Set(one.candidates.map(({ node }) => node));
    return othersMay(state, one.vip, { mayPartWith, among: ({ node }) => names.has(node) });
  });
  return asked.every((isLet) => isLet) ? undefined : desired.map((one) => before.get(one) ?? one);
}

/** Whether all that this node owns may be offered to any other. */
function mayPart(state: MembershipState, mayPartWith: MayPartWith): boolean {
  const all = { mayPartWith, among: () => true };
  return [...state.claims.values()].map(({ vip }) => othersMay(state, vip, all)).every((isLet) => isLet);
}

interface Others {
  readonly mayPartWith: MayPartWith;
  among(member: MembershipState['members'][number]): boolean;
}

// Each is asked about, so that all get ready at the same time.
function othersMay({ members }: MembershipState, vip: IpAddress, { mayPartWith, among }: Others): boolean {
  const takers = members.filter((one) => one.phase === 'active' && among(one));
  return takers.map(({ bootId }) => mayPartWith(vip, bootId)).every((isLet) => isLet);
}
