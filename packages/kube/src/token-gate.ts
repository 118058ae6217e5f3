// SPDX-License-Identifier: Apache-2.0
/**
 * Asks the API server whose token it is (TokenReview) and whether that one may do one thing (SubjectAccessReview), and
 * remembers the answers for a short while, by digest. Who has no valid token can cause a bounded number of questions,
 * whatever is sent.
 */
import { hash } from 'node:crypto';
import type { Admission, Clock } from '@berth/runtime';
import type { KubeApi } from './api.ts';
import { KubeError } from './errors.ts';
import { messageOf } from './reconcile-loop.ts';
import { subjectAccessReviews, tokenReviews } from './resources.ts';

/** So long an answer holds, in milliseconds: a token that was let in, and one that was not. */
const [ADMITTED_MS, REFUSED_MS] = [60_000, 10_000];
/** So long a token that was let in stays so while the API server gives no answer, in milliseconds. */
const UNHEARD_MS = 600_000;
/** Answers that are remembered. */
const MOST_ANSWERS = 64;
/** Questions for tokens that are not remembered, and the time in which so many may be asked, in milliseconds. */
const [MOST_QUESTIONS, WINDOW_MS] = [20, 10_000];
/** A question that is not answered by then is given up, in milliseconds: who scrapes waits ten seconds. */
const ANSWER_WITHIN_MS = 5_000;

export interface TokenGateOptions {
  readonly api: Pick<KubeApi, 'create'>;
  readonly clock: Clock;
  /** Path outside of all resources, and what is done there. */
  readonly path: string;
  readonly verb: string;
  /** Called when the API server cannot be asked; and each time again after it could. */
  onUnheard?(error: KubeError): void;
}

interface Answer {
  readonly admission: Admission;
  /** When it was given. */
  readonly atMs: number;
}

/** Who somebody is, as the API server says it. */
interface User {
  readonly username?: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export class TokenGate {
  readonly #options: TokenGateOptions;
  /** By digest of the token, the newest at the end. */
  readonly #answers = new Map<string, Answer>();
  readonly #asking = new Map<string, Promise<Admission>>();
  #windowSinceMs = Number.NEGATIVE_INFINITY;
  #questions = 0;
  #isUnheard = false;

  constructor(options: TokenGateOptions) {
    this.#options = options;
  }

  /** Says whether the bearer of the token may do it. Never rejects. */
  admit(token: string): Promise<Admission> {
    const key = hash('sha256', token, 'base64');
    const known = this.#answers.get(key);
    if (known !== undefined && this.#age(known) < (known.admission.status === 200 ? ADMITTED_MS : REFUSED_MS))
      return Promise.resolve(known.admission);
    const asking = this.#asking.get(key);
    if (asking !== undefined) return asking;
    if (!this.#mayAsk(known)) return Promise.resolve({ status: 429, why: 'too many unknown tokens, try again later' });
    const asked = this.#ask(token, key).finally(() => this.#asking.delete(key));
    this.#asking.set(key, asked);
    return asked;
  }

  #age({ atMs }: Answer): number {
    return this.#options.clock.now() - atMs;
  }

  // Who was let in before is no stranger, and is not held up by strangers.
  #mayAsk(known: Answer | undefined): boolean {
    if (known?.admission.status === 200) return true;
    const nowMs = this.#options.clock.now();
    if (nowMs - this.#windowSinceMs >= WINDOW_MS) {
      this.#windowSinceMs = nowMs;
      this.#questions = 0;
    }
    this.#questions += 1;
    return this.#questions <= MOST_QUESTIONS;
  }

  async #ask(token: string, key: string): Promise<Admission> {
    try {
      const admission = await this.#review(token);
      this.#isUnheard = false;
      this.#remember(key, admission);
      return admission;
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      return this.#unheard(error, this.#answers.get(key));
    }
  }

  async #review(token: string): Promise<Admission> {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    const { api, path, verb } = this.#options;
    const { status: known } = await api.create(tokenReviews, { metadata: {}, spec: { token } }, { signal });
    if (known?.authenticated !== true) return { status: 401, why: 'the API server does not know this token' };
    const { username, uid, groups, extra }: User = known.user ?? {};
    const subject = {
      ...(username && { user: username }),
      ...(uid && { uid }),
      ...(groups && { groups }),
      ...(extra && { extra }),
    };
    const spec = { nonResourceAttributes: { path, verb }, ...subject };
    const { status: access } = await api.create(subjectAccessReviews, { metadata: {}, spec }, { signal });
    if (access?.allowed === true) return { status: 200 };
    return {
      status: 403,
      why: `${username ?? 'this user'} may not ${verb} ${path}: bind a role with that nonResourceURL`,
    };
  }

  #remember(key: string, admission: Admission): void {
    this.#answers.delete(key);
    this.#answers.set(key, { admission, atMs: this.#options.clock.now() });
    if (this.#answers.size <= MOST_ANSWERS) return;
    // Those of strangers first: they can make any number.
    const refused = [...this.#answers].find(([, answer]) => answer.admission.status !== 200);
    const [oldest] = refused ?? [...this.#answers][0] ?? [key];
    this.#answers.delete(oldest);
  }

  /** An outage of the API server is when metrics are wanted most. */
  #unheard(error: KubeError, known: Answer | undefined): Admission {
    if (!this.#isUnheard) this.#options.onUnheard?.(error);
    this.#isUnheard = true;
    if (known?.admission.status === 200 && this.#age(known) < UNHEARD_MS) return known.admission;
    return { status: 503, why: `the API server cannot be asked about this token: ${messageOf(error)}` };
  }
}
