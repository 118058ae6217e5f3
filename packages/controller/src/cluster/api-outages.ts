// SPDX-License-Identifier: Apache-2.0
/**
 * When this replica could not reach the API server: from the first watch that failed until somebody got an answer.
 * Outlives terms of leadership.
 */
import { isKubeError, type KubeError } from '@berth/kube';

/** A shorter time is no news: a server that restarts, a connection that is made anew; in milliseconds. */
const LEAST_MS = 3_000;

export interface Outage {
  /** Milliseconds since 1970, by the clock of this machine. */
  readonly sinceMs: number;
  readonly untilMs: number;
}

export class ApiOutages {
  #open: { readonly sinceMs: number; readonly latestMs: number; readonly retryMs: number } | undefined;

  /** A request failed and is tried again after that time. Only what says that the server is not there counts. */
  failed(error: KubeError, nowMs: number, retryMs: number): void {
    if (!isKubeError(error, 'network', 'timeout', 'server')) return;
    this.#open = { sinceMs: this.#open?.sinceMs ?? nowMs, latestMs: nowMs, retryMs };
  }

  /** Whether a request failed and no one has asked since whether that is over. */
  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** The server has answered at this time: what was open is over, and is returned if it is worth telling. */
  take(nowMs: number): readonly Outage[] {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return [];
    // It may have been over for long when somebody asks.
    const untilMs = Math.min(nowMs, open.latestMs + open.retryMs);
    return untilMs - open.sinceMs < LEAST_MS ? [] : [{ sinceMs: open.sinceMs, untilMs }];
  }
}
