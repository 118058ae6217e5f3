// SPDX-License-Identifier: Apache-2.0
/** The orderly end of the process: parts stop one after the other, the last first, and then the process ends. */
import { errorFields, type Log } from './log.ts';

/**
 * Longest time that stopping may take unless a process says otherwise, in milliseconds; the kubelet waits longer before
 * it kills.
 */
const DEADLINE_MS = 5000;

export interface Stoppable {
  stop(): void | Promise<void>;
}

/**
 * Stops everything on SIGTERM, SIGINT and after a failure that no one expected. Parts are given in the order of their
 * start.
 */
export class Shutdown {
  readonly #log: Log;
  readonly #parts: readonly Stoppable[];
  readonly #deadlineMs: number;
  #isStopping = false;

  /** `deadlineMs`: longest time that stopping may take, less than the grace period of the pod. */
  constructor(log: Log, parts: readonly Stoppable[], deadlineMs = DEADLINE_MS) {
    this.#log = log;
    this.#parts = parts;
    this.#deadlineMs = deadlineMs;
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Begins to listen for signals and failures. */
  install(): void {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void this.#end(0, signal));
    for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
      process.on(event, (error) => {
        this.#log.error('unexpected failure', { event, stack: (error as Error)?.stack, ...errorFields(error) });
        void this.#end(1, event);
      });
    }
  }

  async #end(code: number, reason: string): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#log.info('stopping', { reason });
    setTimeout(() => process.exit(code), this.#deadlineMs);
    for (const part of [...this.#parts].reverse()) await this.#stop(part);
    process.exit(code);
  }

  // A part that cannot be stopped must not keep the ones before it from stopping.
  async #stop(part: Stoppable): Promise<void> {
    try {
      await part.stop();
    } catch (error) {
      this.#log.warn('a part did not stop', errorFields(error));
    }
  }
}
