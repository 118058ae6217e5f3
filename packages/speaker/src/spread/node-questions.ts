// SPDX-License-Identifier: Apache-2.0
/**
 * Asks nodes whose speaker is not heard for an address of their own: a kernel answers ARP and NDP whatever became of
 * the speaker. No socket is opened before the first question.
 */
import { type MacAddress, nodeIdOf } from '@berth/core';
import type { Node } from '@berth/kube';
import type { Inquiry } from '@berth/link';
import { addressesOf } from '../membership/unheard-nodes.ts';

/** A node that has many is asked for so many addresses at a time. */
const MOST_ADDRESSES = 4;

export interface NodeQuestion {
  /** The node's id, and where its interface is. */
  readonly id: number;
  readonly mac: MacAddress;
}

/** What asks on one segment. */
export interface NodeQuestions {
  /** Asks once. Never throws. */
  ask(question: NodeQuestion): void;
  /** Gives the answers that have arrived by now. */
  drain(): void;
  close(): void;
}

export interface NodeQuestionsOptions {
  readonly inquiry: Pick<Inquiry, 'ask' | 'drain' | 'close'>;
  nodes(): Iterable<Node>;
  /** The node with this id answers. */
  onAnswer(id: number): void;
}

export class SegmentNodeQuestions implements NodeQuestions {
  readonly #options: NodeQuestionsOptions;
  /** Ids of those that were asked, by MAC address: a router that answers for a node is none of them. */
  readonly #asked = new Map<string, number>();

  constructor(options: NodeQuestionsOptions) {
    this.#options = options;
  }

  ask({ id, mac }: NodeQuestion): void {
    const { inquiry, nodes } = this.#options;
    this.#asked.set(String(mac), id);
    const of = [...nodes()].filter(({ metadata }) => nodeIdOf(metadata.name ?? '') === id);
    for (const target of addressesOf(of).slice(0, MOST_ADDRESSES))
      inquiry.ask({ target, stations: [mac], audience: 'stations' });
  }

  /** What the inquiry heard. */
  heard(mac: MacAddress): void {
    const id = this.#asked.get(String(mac));
    if (id !== undefined) this.#options.onAnswer(id);
  }

  drain(): void {
    this.#options.inquiry.drain();
  }

  close(): void {
    this.#asked.clear();
    this.#options.inquiry.close();
  }
}
