// SPDX-License-Identifier: Apache-2.0

/**
 * One listener for each signal, however many calls obey it. A signal looks through all of its listeners for each that
 * is added or taken away, and `AbortSignal.any` keeps the collector of garbage busy: with thousands of calls that wait
 * both cost more than the calls.
 */
export class AbortLinks {
  readonly #links = new Map<AbortSignal, Link>();

  /**
   * Calls `onAbort` when the signal is aborted, at once if it is, until the function that is returned is called. Each
   * call needs a function of its own.
   */
  add(signal: AbortSignal, onAbort: () => void): () => void {
    if (signal.aborted) {
      onAbort();
      return () => {};
    }
    const link = this.#links.get(signal) ?? this.#listen(signal);
    link.callbacks.add(onAbort);
    return () => {
      if (!link.callbacks.delete(onAbort) || link.callbacks.size > 0) return;
      signal.removeEventListener('abort', link.listener);
      this.#links.delete(signal);
    };
  }

  #listen(signal: AbortSignal): Link {
    const callbacks = new Set<() => void>();
    const listener = () => {
      this.#links.delete(signal);
      for (const callback of [...callbacks]) callback();
    };
    signal.addEventListener('abort', listener, { once: true });
    const link = { callbacks, listener };
    this.#links.set(signal, link);
    return link;
  }
}

interface Link {
  readonly callbacks: Set<() => void>;
  listener(): void;
}
