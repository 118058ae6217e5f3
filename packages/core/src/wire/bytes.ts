// SPDX-License-Identifier: Apache-2.0
/** Bytes in network order, written and read front to back. Reading past the end yields undefined and never throws. */

/** Fills a buffer of fixed size. Throws a RangeError when it is full: what does not fit is a bug of the caller. */
export class ByteWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #length = 0;

  constructor(capacityBytes: number) {
    this.#bytes = new Uint8Array(capacityBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    this.#view.setUint8(this.#advance(1), value);
  }

  u16(value: number): void {
    this.#view.setUint16(this.#advance(2), value);
  }

  u32(value: number): void {
    this.#view.setUint32(this.#advance(4), value);
  }

  /** An unsigned number below 2 ** 48. */
  u48(value: number): void {
    this.u16(Math.floor(value / 2 ** 32));
    this.u32(value % 2 ** 32);
  }

  /** Eight bytes written as 16 hex digits. */
  id64(hex: string): void {
    this.u32(Number.parseInt(hex.slice(0, 8), 16));
    this.u32(Number.parseInt(hex.slice(8, 16), 16));
  }

  raw(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#advance(bytes.length));
  }

  /** Overwrites a 16-bit number that was written before, for lengths that are known late. */
  patchU16(offset: number, value: number): void {
    this.#view.setUint16(offset, value);
  }

  /** What was written so far, a view. */
  done(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #advance(count: number): number {
    const at = this.#length;
    if (at + count > this.#bytes.length) throw new RangeError(`core: no room for ${count} bytes at ${at}`);
    this.#length += count;
    return at;
  }
}

/** Reads bytes in order. Every read returns undefined once the bytes run out. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get isAtEnd(): boolean {
    return this.#offset >= this.#bytes.length;
  }

  u8(): number | undefined {
    const at = this.#take(1);
    return at === undefined ? undefined : this.#view.getUint8(at);
  }

  u16(): number | undefined {
    const at = this.#take(2);
    return at === undefined ? undefined : this.#view.getUint16(at);
  }

  u32(): number | undefined {
    const at = this.#take(4);
    return at === undefined ? undefined : this.#view.getUint32(at);
  }

  u48(): number | undefined {
    const at = this.#take(6);
    return at === undefined ? undefined : this.#view.getUint16(at) * 2 ** 32 + this.#view.getUint32(at + 2);
  }

  /** Eight bytes as 16 hex digits in lower case. */
  id64(): string | undefined {
    const at = this.#take(8);
    if (at === undefined) return undefined;
    return word(this.#view.getUint32(at)) + word(this.#view.getUint32(at + 4));
  }

  /** The next bytes, a view. */
  raw(count: number): Uint8Array | undefined {
    const at = this.#take(count);
    return at === undefined ? undefined : this.#bytes.subarray(at, at + count);
  }

  #take(count: number): number | undefined {
    const at = this.#offset;
    if (at + count > this.#bytes.length) return undefined;
    this.#offset += count;
    return at;
  }
}

function word(value: number): string {
  return value.toString(16).padStart(8, '0');
}
