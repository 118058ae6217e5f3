// SPDX-License-Identifier: Apache-2.0
/** News of one kind: how a part says something without knowing who listens. */

/** Calls all who subscribed, in the order in which they did, before {@link Signal.emit} returns. */
export class Signal<Args extends readonly unknown[] = []> {
  readonly #listeners = new Set<(...args: Args) => void>();

  /** The function that is returned ends the subscription. */
  subscribe(listener: (...args: Args) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(...args: Args): void {
    for (const listener of this.#listeners) listener(...args);
  }
}
