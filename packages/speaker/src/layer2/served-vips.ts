// SPDX-License-Identifier: Apache-2.0
/** The VIPs that this node answers for now; the announcement by layer 2 keeps it, others read and follow it. */
import { Signal } from '@berth/runtime';
import type { ServedVip } from './wire.ts';

/** Mutable; one per node. */
export class ServedVips {
  /** After each look at what is owned: what is served now, and what was before. */
  readonly looks = new Signal<[now: readonly ServedVip[], before: readonly ServedVip[]]>();
  #now: readonly ServedVip[] = [];

  get now(): readonly ServedVip[] {
    return this.#now;
  }

  replace(next: readonly ServedVip[]): void {
    const before = this.#now;
    this.#now = next;
    this.looks.emit(next, before);
  }
}
