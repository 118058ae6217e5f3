// SPDX-License-Identifier: Apache-2.0

/** Takes keys from a WorkQueue in batches, has them reconciled, and acts on each result. */

import type { Task } from '@berth/runtime';
import { type Clock, sleep } from '@berth/runtime';
import { classify } from './errors.ts';
import type { WorkQueue } from './work-queue.ts';

/** Outcome of reconciling one key. */
export type ReconcileResult =
  | { readonly kind: 'success' }
  /** Try again with growing delay, not before `afterMs`. */
  | { readonly kind: 'error'; readonly error: unknown; readonly afterMs?: number }
  /** The object changed meanwhile: look again at once, with short delays when that goes on. */
  | { readonly kind: 'changed'; readonly error: unknown }
  /** Nothing will change until something else does; an event will bring the key back. */
  | { readonly kind: 'error-no-retry'; readonly error: unknown }
  /** Something changed for every key: one full pass. */
  | { readonly kind: 'reprocess-all' };

export const success: ReconcileResult = { kind: 'success' };

/**
 * A promise where the outcome is not known yet: its key is done when it resolves, and neither other keys nor the next
 * batch wait for it.
 */
export type PendingResult = ReconcileResult | Promise<ReconcileResult>;

export interface ReconcileLoopOptions {
  readonly name: string;
  readonly queue: WorkQueue;
  /** Batches worked on at the same time. @default 1 */
  readonly workers?: number;
  /** Most keys of one batch. @default 1 */
  readonly maxBatch?: number;
  /**
   * Works on a batch, which has no key after a mere nudge; a key without a result counts as success. A KubeError that
   * is thrown counts for every key.
   */
  readonly reconcile: (keys: readonly string[], signal: AbortSignal) => Promise<ReadonlyMap<string, PendingResult>>;
  /**
   * Keys whose outcome may be open before the next batch has to wait, those that `exempt` named left out. @default 1000
   */
  readonly maxOpen?: number;
  /** Milliseconds to rest after a batch, in which keys gather for the next one. @default none */
  readonly restMs?: () => number;
  readonly clock: Clock;
  /** Every key of a full pass. */
  readonly allKeys: () => Iterable<string>;
  /** Called with each result that is no success, with the wait until the next try if there is one. */
  readonly onFailure?: (key: string, result: ReconcileResult, retryInMs: number | undefined) => void;
  /** Called whenever no key is left that could be worked on now. */
  readonly onIdle?: () => void;
}

/** Keys of a batch after which the event loop gets a turn. */
const MANY = 50;

/** The workers of one queue. */
export class ReconcileLoop implements Task {
  readonly name: string;
  readonly ready = Promise.resolve();
  readonly #options: ReconcileLoopOptions;
  readonly #stopper = new AbortController();
  /** Keys whose outcome is open. */
  readonly #open = new Map<string, Promise<void>>();
  /** Those of them for which no batch waits. */
  readonly #exempt = new Set<string>();
  /** Workers that wait until fewer outcomes are waited for. */
  readonly #waiting = new Set<() => void>();
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

  /** The outcome of a key that is worked on may take long: no batch waits for it. */
  exempt(key: string): void {
    if (!this.#open.has(key)) return;
    this.#exempt.add(key);
    this.#onRoom();
  }

  /** Stops taking keys, aborts the batches under way and waits for them. */
  async stop(): Promise<void> {
    this.#stopper.abort();
    await this.#running;
    await Promise.all(this.#open.values());
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { queue, maxBatch = 1, maxOpen = 1_000, restMs, clock } = this.#options;
    for (;;) {
      while (this.#open.size - this.#exempt.size >= maxOpen) await this.#room();
      const keys = await queue.take({ max: maxBatch, signal });
      if (keys === undefined) return;
      const results = await this.#reconcile(keys, signal);
      for (const key of keys) this.#follow(key, results.get(key) ?? success);
      if (keys.length === 0) this.#tellIdle();
      // Where nothing is to be written no batch waits for anything, and many of them would be one block of the event
      // loop.
      if (keys.length >= MANY) await new Promise<void>((resolve) => setImmediate(resolve));
      const rest = restMs?.() ?? 0;
      if (rest > 0) await sleep(clock, rest, signal);
    }
  }

  #follow(key: string, result: PendingResult): void {
    if (!(result instanceof Promise)) {
      this.#end(key, result);
      return;
    }
    const open = result.then((outcome) => {
      this.#open.delete(key);
      this.#exempt.delete(key);
      this.#onRoom();
      this.#end(key, outcome);
    });
    this.#open.set(key, open);
  }

  #onRoom(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
    });
  }

  #end(key: string, result: ReconcileResult): void {
    const { queue } = this.#options;
    if (!this.#stopper.signal.aborted) this.#settle(key, result);
    queue.done(key);
    this.#tellIdle();
  }

  #tellIdle(): void {
    const { queue, onIdle } = this.#options;
    if (queue.isIdle && !this.#stopper.signal.aborted) onIdle?.();
  }

  async #reconcile(keys: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, PendingResult>> {
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
      case 'changed': {
        const againInMs = queue.again(key);
        onFailure?.(key, result, againInMs);
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

/**
 * Returns the result that an error of an API call means. An error that is not a KubeError is a bug and is thrown on.
 */
export function resultOf(error: unknown): ReconcileResult {
  const reaction = classify(error);
  switch (reaction.action) {
    case 'drop':
    case 'stop':
      return success;
    case 'retry':
      return reaction.afterMs === undefined
        ? { kind: 'error', error }
        : { kind: 'error', error, afterMs: reaction.afterMs };
    case 'refresh':
      return { kind: 'changed', error };
    case 'refused':
    case 'relist':
      return { kind: 'error', error };
  }
}

/** Narrows an unknown error for messages. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
