// SPDX-License-Identifier: Apache-2.0
/** What this node says of itself in each heartbeat: whether it could serve clients, and whether its moves are free. */
import type { NodeFitness } from '@berth/core';
import type { Segment } from '../layer2/segments.ts';
import type { JoinedSegments } from './joined-segments.ts';
import type { Answering } from './memberships-options.ts';

export class OwnFlags {
  readonly #answering: Pick<Answering, 'isAttached'>;
  readonly #joined: JoinedSegments;
  #fitness: NodeFitness = 'fit';
  #keepsConnections = false;

  constructor(answering: Pick<Answering, 'isAttached'>, joined: JoinedSegments) {
    this.#answering = answering;
    this.#joined = joined;
  }

  /** By what the node knows of itself. */
  get fitness(): NodeFitness {
    return this.#fitness;
  }

  /** A node on whose segment nothing answers could not serve there. */
  fitnessOn(segment: Segment): NodeFitness {
    return this.#answering.isAttached(segment) ? this.#fitness : 'unfit';
  }

  become(fitness: NodeFitness): void {
    this.#fitness = fitness;
    this.sayFitness();
  }

  get keepsConnections(): boolean {
    return this.#keepsConnections;
  }

  /** No connection breaks, or some may, where this node hands over a VIP on purpose or takes one. */
  keepConnections(keepConnections: boolean): void {
    this.#keepsConnections = keepConnections;
    for (const { loop } of this.#joined.all)
      if (loop.state.keepsConnections !== keepConnections) loop.give({ type: 'moves', keepConnections });
  }

  /** Others go before a node that could not answer: it says so, and they need not wait for it. */
  sayFitness(): void {
    for (const { segment, loop } of this.#joined.all) {
      const fitness = this.fitnessOn(segment);
      if (loop.state.fitness !== fitness) loop.give({ type: 'fitness', fitness });
    }
  }
}
