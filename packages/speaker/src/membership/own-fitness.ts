// SPDX-License-Identifier: Apache-2.0
/** Whether this node could serve clients, and the segments that must say so. */
import type { NodeFitness } from '@berth/core';
import type { Segment } from '../layer2/segments.ts';
import type { JoinedSegments } from './joined-segments.ts';
import type { Answering } from './memberships-options.ts';

export class OwnFitness {
  readonly #answering: Pick<Answering, 'isAttached'>;
  readonly #joined: JoinedSegments;
  #value: NodeFitness = 'fit';

  constructor(answering: Pick<Answering, 'isAttached'>, joined: JoinedSegments) {
    this.#answering = answering;
    this.#joined = joined;
  }

  /** By what the node knows of itself. */
  get value(): NodeFitness {
    return this.#value;
  }

  /** A node on whose segment nothing answers could not serve there. */
  on(segment: Segment): NodeFitness {
    return this.#answering.isAttached(segment) ? this.#value : 'unfit';
  }

  become(value: NodeFitness): void {
    this.#value = value;
    this.say();
  }

  /** Others go before a node that could not answer: it says so, and they need not wait for it. */
  say(): void {
    for (const { segment, loop } of this.#joined.all) {
      const fitness = this.on(segment);
      if (loop.state.fitness !== fitness) loop.give({ type: 'fitness', fitness });
    }
  }
}
