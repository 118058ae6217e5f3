// SPDX-License-Identifier: Apache-2.0
/**
 * Who may read the page's data. The address that is opened has a token behind its `#`, which browsers send to no one:
 * not to this server, not in a Referer. The page spends it once for a session, and shows that with each request. No
 * cookie is used: browsers send those of 127.0.0.1 to every port of it, whoever serves that.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** 256 bits: no one guesses one. */
const SECRET_BYTES = 32;

export class Sessions {
  #token: string | undefined = secret();
  /** Digests, so that comparing takes the same time whatever is shown. */
  readonly #sessions: Buffer[] = [];

  /** The token of the address; undefined once it is spent. */
  get token(): string | undefined {
    return this.#token;
  }

  /** A session for the token; undefined when it is another one, or was spent before. */
  spend(token: string): string | undefined {
    if (this.#token === undefined || !timingSafeEqual(digest(this.#token), digest(token))) return undefined;
    this.#token = undefined;
    const session = secret();
    this.#sessions.push(digest(session));
    return session;
  }

  isKnown(session: string): boolean {
    const shown = digest(session);
    return this.#sessions.some((one) => timingSafeEqual(one, shown));
  }
}

function secret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
