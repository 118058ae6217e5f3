// SPDX-License-Identifier: Apache-2.0
/**
 * Whether the kube-proxy of this node is well: a node without one takes packets for a VIP and passes them to pods that
 * are gone, or to no one. Its health port is asked now and then; after several failures in a row this node says of
 * itself that others should go before it. It may be wrong about that (a cluster without kube-proxy, say): where all
 * nodes are alike nothing changes.
 */
import { get } from 'node:http';
import type { NodeFitness } from '@berth/core';
import { type Clock, type Log, Signal, type Timer } from '@berth/runtime';

const ASK_EVERY_MS = 2_000;
const ANSWER_WITHIN_MS = 1_000;
/**
 * A kube-proxy that is restarted, for an upgrade say, is away for a few seconds and its rules stay: that is no reason
 * to move anything.
 */
const FAILURES = 5;

export interface KubeProxyWatchOptions {
  readonly clock: Clock;
  /** Whether it says that it is well; never rejects. */
  isWell(): Promise<boolean>;
}

export class KubeProxyWatch {
  readonly name = 'kube-proxy watch';
  /** Each change, and what was found first. */
  readonly changes = new Signal<[NodeFitness]>();
  readonly #options: KubeProxyWatchOptions;
  #timer: Timer | undefined;
  #failures = 0;
  #known: NodeFitness | undefined;
  #isStopped = false;

  constructor(options: KubeProxyWatchOptions) {
    this.#options = options;
  }

  /**
   * Resolves when it was asked once. One answer decides at first: in a cluster without kube-proxy a speaker that starts
   * would else be the only one that is fit, and draw everything to itself.
   */
  async start(): Promise<void> {
    await this.#ask();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  async #ask(): Promise<void> {
    const { clock, isWell } = this.#options;
    const isFit = await isWell();
    if (this.#isStopped) return;
    this.#failures = isFit ? 0 : this.#failures + 1;
    const isUnfit = !isFit && (this.#known !== 'fit' || this.#failures >= FAILURES);
    const fitness = isUnfit ? 'unfit' : 'fit';
    if (fitness !== this.#known) this.changes.emit(fitness);
    this.#known = fitness;
    this.#timer = clock.after(ASK_EVERY_MS, () => void this.#ask());
  }
}

export interface OpenOptions {
  /** What is asked, or `off`. */
  readonly url: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** The watch of this node; where it is off, kube-proxy is taken for well. */
export function openKubeProxyWatch({ url, clock, log }: OpenOptions): KubeProxyWatch {
  const isWell = () => (url === 'off' ? Promise.resolve(true) : answersWell(url));
  const watch = new KubeProxyWatch({ clock, isWell });
  watch.changes.subscribe((fitness) => {
    if (fitness === 'fit') log.info('kube-proxy is healthy', { url });
    else log.warn('kube-proxy is not healthy: other nodes are preferred', { url });
  });
  return watch;
}

/** Whether a URL is answered with a success in time. */
export function answersWell(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { timeout: ANSWER_WITHIN_MS, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('timeout', () => request.destroy());
    request.on('close', () => resolve(false));
    // The close that follows tells all that matters.
    request.on('error', () => {});
  });
}
