// SPDX-License-Identifier: Apache-2.0
/** What a map of the program that spreads holds, kept here too, so that a change costs only what changed. */
import type { NativeLink } from './native.ts';
import { SPREAD_MAPS, type SpreadHandle } from './native-spread.ts';
import { SPREAD_LAYOUT } from './spread-layout.ts';

export type SpreadMapName = keyof typeof SPREAD_MAPS;

type Element = readonly [key: Uint8Array, value: Uint8Array];

/** Elements by their key, as text of one character a byte. */
export class SpreadElements {
  readonly byKey = new Map<string, Element>();

  put(key: Uint8Array, value: Uint8Array): void {
    this.byKey.set(Buffer.from(key.buffer).toString('latin1'), [key, value]);
  }
}

export class SpreadMirror {
  readonly #native: NativeLink;
  readonly #handle: SpreadHandle;
  readonly #name: SpreadMapName;
  #held = new SpreadElements();

  constructor(native: NativeLink, handle: SpreadHandle, name: SpreadMapName) {
    this.#native = native;
    this.#handle = handle;
    this.#name = name;
  }

  /**
   * Puts in what is new or other than before. Throws `ENOSPC` where there is no room for all of it; what went in stays.
   */
  put(wanted: SpreadElements): void {
    const isHeld = (key: string, value: Uint8Array) => {
      const held = this.#held.byKey.get(key);
      return held !== undefined && value.every((byte, index) => byte === held[1][index]);
    };
    const fresh = [...wanted.byKey].filter(([key, [, value]]) => !isHeld(key, value));
    if (fresh.length === 0) return;
    const { keyBytes, valueBytes } = SPREAD_LAYOUT[this.#name];
    const keys = joined(
      fresh.map(([, [key]]) => key),
      keyBytes,
    );
    const values = joined(
      fresh.map(([, [, value]]) => value),
      valueBytes,
    );
    const count = this.#native.spreadPut(this.#handle, SPREAD_MAPS[this.#name], keys, values);
    for (const [key, element] of fresh.slice(0, count)) this.#held.byKey.set(key, element);
    if (count < fresh.length) throw noRoom(this.#name);
  }

  /** Takes out what is not wanted any more. */
  keepOnly(wanted: SpreadElements): void {
    const gone = [...this.#held.byKey].filter(([key]) => !wanted.byKey.has(key));
    if (gone.length === 0) return;
    const keys = joined(
      gone.map(([, [key]]) => key),
      SPREAD_LAYOUT[this.#name].keyBytes,
    );
    this.#native.spreadTake(this.#handle, SPREAD_MAPS[this.#name], keys);
    for (const [key] of gone) this.#held.byKey.delete(key);
  }
}

/** There is no room in the kernel's tables. */
export function noRoom(what: string): Error {
  return Object.assign(new Error(`link: spread: no room for more ${what}`), { code: 'ENOSPC', syscall: what });
}

function joined(parts: readonly Uint8Array[], partBytes: number): Uint8Array {
  const bytes = new Uint8Array(parts.length * partBytes);
  for (const [index, part] of parts.entries()) bytes.set(part, index * partBytes);
  return bytes;
}
