// SPDX-License-Identifier: Apache-2.0

/** Takes keys from a WorkQueue in batches, has them reconciled, and acts on each result. */

import { classify } from './errors.ts';
import type { Task } from './task.ts';
import type { WorkQueue } from './work-queue.ts';

/** Outcome of reconciling one key. */
export type ReconcileResult =
  | { readonly kind: 'success' }
  /** Try again with growing delay, not before `afterMs`. */
  | { readonly kind: 'error'; readonly error: unknown; readonly afterMs?: number }
  /** Nothing will change until something else does; an event will bring the key back. */
  | { readonly kind: 'error-no-retry'; readonly error: unknown }
  /** Something changed for every key: one full pass. */
  | { readonly kind: 'reprocess-all' };

export const success: ReconcileResult = { kind: 'success' };

export interface ReconcileLoopOptions {
  readonly name: string;
  readonly queue: WorkQueue;
  /** Batches worked on at the same time. @default 1 */
  readonly workers?: number;
  /** Most keys of one batch. @default 1 */
  readonly maxBatch?: number;
  /** Works on a batch; a key without a result counts as success. A KubeError that is thrown counts for every key. */
  readonly reconcile: (keys: readonly string[], signal: AbortSignal) => Promise<ReadonlyMap<string, ReconcileResult>>;
  /** Every key of a full pass. */
  readonly allKeys: () => Iterable<string>;
  /** Told about each result that is no success, with the wait until the next try if there is one. */
  readonly onFailure?: (key: string, result: ReconcileResult, retryInMs: number | undefined) => void;
  /** Told whenever no key is left that could be worked on now. */
  readonly onIdle?: () => void;
}

/** The workers of one queue. */
export class ReconcileLoop implements Task {
  readonly name: string;
  readonly ready = Promise.resolve();
  readonly #options: ReconcileLoopOptions;
  readonly #stopper = new AbortController();
  #running: Promise<unknown> | undefined;

  constructor(options: ReconcileLoopOptions) {
    this.name = options.name;
    this.#options = options;
  }

  start(): void {
    if (this.#running !== undefined) return;
    const workers = Array.from({ length: this.#options.workers ?? 1 }, () => this.#work(this.#stopper.signal));
    this.#running = Promise.all(workers);
  }

  /** Stops taking keys, aborts the batches under way and waits for them. */
  async stop(): Promise<void> {
    this.#stopper.abort();
    await this.#running;
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { queue, maxBatch = 1, onIdle } = this.#options;
    for (;;) {
      const keys = await queue.take({ max: maxBatch, signal });
      if (keys.length === 0) return;
      const results = await this.#reconcile(keys, signal);
      for (const key of keys) {
        if (!signal.aborted) this.#settle(key, results.get(key) ?? success);
        queue.done(key);
      }
      if (queue.size === 0 && queue.inProgress === 0 && !signal.aborted) onIdle?.();
    }
  }

  async #reconcile(keys: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, ReconcileResult>> {
    try {
      return await this.#options.reconcile(keys, signal);
    } catch (error) {
      const result = resultOf(error);
      return new Map(keys.map((key) => [key, result]));
    }
  }

  #settle(key: string, result: ReconcileResult): void {
    const { queue, onFailure, allKeys } = this.#options;
    switch (result.kind) {
      case 'success':
        queue.forget(key);
        return;
      case 'error': {
        const retryInMs = queue.retry(key, result.afterMs);
        onFailure?.(key, result, retryInMs);
        return;
      }
      case 'error-no-retry':
        queue.forget(key);
        onFailure?.(key, result, undefined);
        return;
      case 'reprocess-all':
        queue.forget(key);
        for (const every of allKeys()) queue.add(every);
        return;
    }
  }
}

/** Returns the result that an error of an API call means. An error that is not a KubeError is a bug and is thrown on. */
export function resultOf(error: unknown): ReconcileResult {
  const verdict = classify(error);
  switch (verdict.action) {
    case 'drop':
    case 'stop':
      return success;
    case 'give-up':
      // Missing rights may be granted without any event for this key, so only what is plainly wrong is final.
      return verdict.forbidden ? { kind: 'error', error } : { kind: 'error-no-retry', error };
    case 'retry':
      return verdict.afterMs === undefined
        ? { kind: 'error', error }
        : { kind: 'error', error, afterMs: verdict.afterMs };
    case 'refresh':
    case 'relist':
      return { kind: 'error', error };
  }
}

/** Narrows an unknown error for messages. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
