// SPDX-License-Identifier: Apache-2.0
/**
 * The frames of membership on one segment: sealed with the key of the moment, opened, and counted where they are
 * dropped.
 */
import {
  type FrameSender,
  type Heartbeat,
  type HeartbeatBody,
  type IntakeDropReason,
  type MembershipState,
  senderProblem,
  signingKeyId,
} from '@berth/core';
import type { HeartbeatKey } from '../cluster/heartbeat-keys.ts';
import { type ArrivalProblem, openFrame, openPayload, sealFrame } from './heartbeat-frames.ts';
import type { Arrival, MembershipLoopOptions } from './loop-options.ts';
import type { BeatFrame } from './native-beats.ts';

/** A heartbeat as a frame, with all that it was made from. */
interface SealedBeat {
  readonly body: HeartbeatBody;
  readonly keyId: number;
  readonly newestKeyId: number;
  readonly frame: BeatFrame;
}

export class LoopFrames {
  readonly #options: Pick<MembershipLoopOptions, 'source' | 'self' | 'ifindex' | 'others' | 'clock'>;
  readonly #state: () => MembershipState;
  readonly #drops = new Map<IntakeDropReason | ArrivalProblem, number>();
  #sealed: SealedBeat | undefined;

  /** `state`: what the loop knows at the time of the call. */
  constructor(options: MembershipLoopOptions, state: () => MembershipState) {
    this.#options = options;
    this.#state = state;
  }

  /** Frames that were dropped, by reason. */
  get drops(): ReadonlyMap<IntakeDropReason | ArrivalProblem, number> {
    return this.#drops;
  }

  /** The key that frames are signed with now. */
  get signingKey(): HeartbeatKey {
    const keys = this.#options.source.keys();
    const id = signingKeyId({ newest: keys.newest.id, previous: keys.previous?.id }, this.#state());
    return keys.find(id) ?? keys.newest;
  }

  /** A frame to be sent at once. */
  seal(body: HeartbeatBody): Uint8Array {
    const { source, self } = this.#options;
    return sealFrame(source, self, body, this.signingKey.id);
  }

  /** The heartbeat for a sender that fills in counter and tag itself; the same object until body or keys are others. */
  beatFrame(body: HeartbeatBody): BeatFrame {
    const { source, self, ifindex } = this.#options;
    const key = this.signingKey;
    const newestKeyId = source.keys().newest.id;
    const known = this.#sealed;
    if (known?.body === body && known.keyId === key.id && known.newestKeyId === newestKeyId) return known.frame;
    const frame = { ifindex, frame: sealFrame(source, self, body, key.id), key: key.padded };
    this.#sealed = { body, keyId: key.id, newestKeyId, frame };
    return frame;
  }

  /**
   * Reads a frame; undefined when it is dropped. What a stranger can make this cost is a tag at most, and not even that
   * for a frame that was heard before.
   */
  open(frame: Arrival): Heartbeat | undefined {
    const { source, self, others } = this.#options;
    const read = frame.datagram ? openPayload : openFrame;
    const opened = read(source, frame.bytes, (sender) => this.#problemOf(sender));
    if (!opened.ok) return this.countDrop(opened.reason);
    const { heartbeat } = opened;
    const isCopy = heartbeat.bootId === self.bootId && others?.isLive(heartbeat) === false;
    return isCopy ? this.countDrop('replayed') : heartbeat;
  }

  countDrop(reason: IntakeDropReason | ArrivalProblem): undefined {
    this.#drops.set(reason, (this.#drops.get(reason) ?? 0) + 1);
  }

  #problemOf(sender: FrameSender): ArrivalProblem | undefined {
    const { others, clock } = this.#options;
    return senderProblem(this.#state(), sender, clock.now()) ?? others?.problemOf(sender);
  }
}
