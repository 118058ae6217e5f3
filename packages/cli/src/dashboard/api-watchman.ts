// SPDX-License-Identifier: Apache-2.0
/**
 * Whether the API server is there: a watch whose connection is dead without either end noticing looks like one without
 * news. So one small question is asked every few seconds, by this one page that somebody looks at.
 */
import type { ApiLink } from '@berth/dashboard';
import { type KubeApi, leases, messageOf } from '@berth/kube';
import { type Clock, sleep } from '@berth/runtime';

const ASK_EVERY_MS = 3_000;
const ANSWER_WITHIN_MS = 4_000;

export interface ApiWatchmanOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly berthNamespace: string;
  /** Called after each question. */
  readonly onAnswer: (link: ApiLink) => void;
}

export class ApiWatchman {
  readonly #options: ApiWatchmanOptions;
  readonly #stopper = new AbortController();
  #running: Promise<void> | undefined;
  #link: ApiLink;

  constructor(options: ApiWatchmanOptions) {
    this.#options = options;
    const nowMs = options.clock.date().getTime();
    this.#link = { state: 'reached', sinceMs: nowMs, asOfMs: nowMs, text: '' };
  }

  get link(): ApiLink {
    return this.#link;
  }

  start(): void {
    this.#running ??= this.#run(this.#stopper.signal);
  }

  async stop(): Promise<void> {
    this.#stopper.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, onAnswer } = this.#options;
    while (!signal.aborted) {
      const text = await this.#ask(signal);
      if (signal.aborted) return;
      this.#link = linkAfter(this.#link, text, clock.date().getTime());
      onAnswer(this.#link);
      await sleep(clock, ASK_EVERY_MS, signal);
    }
  }

  /** Why there was no answer in time; empty when there was one. */
  async #ask(signal: AbortSignal): Promise<string> {
    const { api, clock, berthNamespace } = this.#options;
    const ending = new AbortController();
    const timer = clock.after(ANSWER_WITHIN_MS, () => ending.abort());
    try {
      await api.list(leases, { namespace: berthNamespace, limit: 1, signal: AbortSignal.any([signal, ending.signal]) });
      return '';
    } catch (error) {
      if (ending.signal.aborted) return `no answer within ${ANSWER_WITHIN_MS / 1000} s`;
      return messageOf(error);
    } finally {
      timer.cancel();
    }
  }
}

/** The link after one more answer: `text` is why there was none. */
export function linkAfter(before: ApiLink, text: string, nowMs: number): ApiLink {
  const state = text === '' ? 'reached' : 'lost';
  const sinceMs = state === before.state ? before.sinceMs : nowMs;
  return { state, sinceMs, asOfMs: state === 'reached' ? nowMs : before.asOfMs, text };
}
