// SPDX-License-Identifier: Apache-2.0
/**
 * Makes sure that what is known is fresh before it is acted on again, after a time in which news may have been missed.
 * One reading at a time; who asks while one runs gets the next one, since the running one may have begun too early.
 */
import { type Clock, Signal, sleep } from '@berth/runtime';

export interface RefreshOptions {
  readonly clock: Clock;
  /** Reads everything; may take for ever while the API server is away. */
  relist(): Promise<void>;
  /**
   * Milliseconds to wait for it. Then what is known is good enough: the API server may be away for long, and VIPs must
   * be answered all the same. Default: 10,000.
   */
  readonly patienceMs?: number;
  /**
   * Least milliseconds between the end of a reading and the next one, so that a link that flaps does not load the API
   * server. Default: 250.
   */
  readonly gapMs?: number;
}

const PATIENCE_MS = 10_000;
const GAP_MS = 250;

export class Refresh {
  /** Patience is at its end: what is known has to do. */
  readonly impatience = new Signal();
  readonly #options: RefreshOptions;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(options: RefreshOptions) {
    this.#options = options;
  }

  /** Resolves when everything was read after this call, or when patience is at its end. */
  request(): Promise<void> {
    if (this.#running === undefined) {
      this.#running = this.#run();
      return this.#running;
    }
    this.#next ??= this.#runAfter(this.#running);
    return this.#next;
  }

  async #runAfter(running: Promise<void>): Promise<void> {
    await running;
    await sleep(this.#options.clock, this.#options.gapMs ?? GAP_MS);
    this.#next = undefined;
    this.#running = this.#run();
    await this.#running;
  }

  async #run(): Promise<void> {
    const impatience = Promise.withResolvers<'impatient'>();
    const timer = this.#options.clock.after(this.#options.patienceMs ?? PATIENCE_MS, () =>
      impatience.resolve('impatient'),
    );
    const end = await Promise.race([this.#options.relist(), impatience.promise]);
    timer.cancel();
    if (end === 'impatient') this.impatience.emit();
    if (this.#next === undefined) this.#running = undefined;
  }
}
