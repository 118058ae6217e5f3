// SPDX-License-Identifier: Apache-2.0
/** Keys of heartbeats: derived from the values of a Secret (docs/design/0010-membership-protocol.md, 3.4). */
import { createHash, hash, hkdfSync, timingSafeEqual } from 'node:crypto';
import { HEARTBEAT_TAG_BYTES, type TagCheck, type TagVerifier } from '@berth/core';

const SALT = 'berth heartbeat v1';
const KEY_BYTES = 32;
/** Block of SHA-256 (RFC 2104, 2). */
const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;
/** Shortest secret that is accepted: 128 bits, if they are random. */
const MIN_SECRET_BYTES = 16;

const NOTHING = new Uint8Array();

/** Keys, or what is wrong with the Secret. */
export type MadeKeys =
  | { readonly ok: true; readonly keys: HeartbeatKeys }
  | { readonly ok: false; readonly problem: string };

/** The values of the Secret. */
export interface HeartbeatSecrets {
  readonly current?: Uint8Array | undefined;
  readonly previous?: Uint8Array | undefined;
}

/** One key with its identifier. HMAC by two one-shot hashes costs a fifth of what a Hmac object does. */
export class HeartbeatKey {
  readonly id: number;
  readonly #inner: Uint8Array;
  readonly #outer: Uint8Array;

  constructor(secret: Uint8Array) {
    const key = new Uint8Array(hkdfSync('sha256', secret, SALT, '', KEY_BYTES));
    this.id = createHash('sha256').update(key).digest().readUInt32BE(0);
    this.#inner = padded(key, INNER_PAD);
    this.#outer = padded(key, OUTER_PAD);
  }

  /** The two padded blocks, for a sender that computes tags itself. */
  get padded(): { readonly inner: Uint8Array; readonly outer: Uint8Array } {
    return { inner: this.#inner, outer: this.#outer };
  }

  /** HMAC-SHA-256, the first 16 bytes. */
  tag(signed: Uint8Array): Uint8Array {
    const inner = hash('sha256', Buffer.concat([this.#inner, signed]), 'buffer');
    const outer = new Uint8Array(BLOCK_BYTES + DIGEST_BYTES);
    outer.set(this.#outer);
    outer.set(inner, BLOCK_BYTES);
    return hash('sha256', outer, 'buffer').subarray(0, HEARTBEAT_TAG_BYTES);
  }
}

/** The newest key and the one before it; both are accepted. */
export class HeartbeatKeys implements TagVerifier {
  readonly newest: HeartbeatKey;
  readonly previous: HeartbeatKey | undefined;

  private constructor(newest: HeartbeatKey, previous: HeartbeatKey | undefined) {
    this.newest = newest;
    this.previous = previous;
  }

  /** Refused: a secret that is missing, or too short to be one. */
  static of({ current = NOTHING, previous }: HeartbeatSecrets): MadeKeys {
    const problem = problemOf('current', current) ?? (previous && problemOf('previous', previous));
    if (problem !== undefined) return { ok: false, problem };
    return { ok: true, keys: new HeartbeatKeys(new HeartbeatKey(current), previous && new HeartbeatKey(previous)) };
  }

  /** The key with this identifier, or undefined. */
  find(id: number): HeartbeatKey | undefined {
    if (id === this.newest.id) return this.newest;
    return id === this.previous?.id ? this.previous : undefined;
  }

  verify(keyId: number, signed: Uint8Array, tag: Uint8Array): TagCheck {
    const key = this.find(keyId);
    if (key === undefined) return 'unknown-key';
    return timingSafeEqual(key.tag(signed), tag) ? 'valid' : 'wrong-key';
  }
}

function problemOf(name: keyof HeartbeatSecrets, secret: Uint8Array): string | undefined {
  if (secret.length >= MIN_SECRET_BYTES) return undefined;
  return `"${name}": found ${secret.length} bytes, want ${MIN_SECRET_BYTES} or more`;
}

function padded(key: Uint8Array, pad: number): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES).fill(pad);
  for (const [index, byte] of key.entries()) block[index] = byte ^ pad;
  return block;
}
