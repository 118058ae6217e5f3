// SPDX-License-Identifier: Apache-2.0

/**
 * One error class and one place that decides what an error means: whether to try again, when, and with what.
 */

/** What went wrong, by what the caller can do about it. */
export type KubeErrorCode =
  /** 409 on an update: the object changed meanwhile; read it again, decide again. */
  | 'conflict'
  /** 409 on a create. */
  | 'already-exists'
  /** 410, or a watch ERROR with code 410: the resourceVersion or continue token is too old; list again. */
  | 'gone'
  | 'not-found'
  /** 401: the credentials are stale or wrong; they are read again before the next request. */
  | 'unauthorized'
  | 'forbidden'
  /** 429. */
  | 'too-many-requests'
  /** 500, 502, 503, 504. */
  | 'server'
  /** No answer: connection refused or reset, DNS, TLS. */
  | 'network'
  /** No answer in time. */
  | 'timeout'
  /**
   * Cut off here, since it took far longer than other calls, which then would have had to wait: tried again beside
   * them.
   */
  | 'put-off'
  /** No kubeconfig and no pod, or a kubeconfig that does not say where the API server is. */
  | 'no-access'
  /** The caller's signal was aborted. */
  | 'aborted'
  /**
   * 400, 405, 413, 415, 422 and the rest, also where a webhook or a policy denied it: trying the same again gives the
   * same until whoever refuses it changes, which no event tells.
   */
  | 'invalid'
  /** What the server sent is no answer of a Kubernetes API. */
  | 'bad-response';

/** The only error class of this package. The message reads "verb path: what". */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly code: KubeErrorCode;
  /** HTTP status, when there was an answer. */
  readonly status: number | undefined;
  /** What the server asked for in Retry-After, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: KubeErrorCode,
    message: string,
    details: { status?: number | undefined; retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** What to do after an error. */
export type Reaction =
  /** Try the same again, not before `afterMs` when it is given, else after the caller's own backoff. */
  | { readonly action: 'retry'; readonly afterMs?: number }
  /** Read the object again and decide anew; no delay needed. */
  | { readonly action: 'refresh' }
  /** List again: the place to resume from is lost. */
  | { readonly action: 'relist' }
  /** The object is not there. */
  | { readonly action: 'drop' }
  /** The caller stopped it. */
  | { readonly action: 'stop' }
  /**
   * Trying again without a change gives the same answer. Rights may be granted and webhooks mended later, and no event
   * tells of it: it is tried again all the same, with growing delays.
   */
  | { readonly action: 'refused' };

/** Returns what an error of an API call means. An error that is not a KubeError is a bug and is thrown on. */
export function classify(error: unknown): Reaction {
  if (!(error instanceof KubeError)) throw error;
  switch (error.code) {
    case 'conflict':
    case 'already-exists':
      return { action: 'refresh' };
    case 'gone':
      return { action: 'relist' };
    case 'not-found':
      return { action: 'drop' };
    case 'aborted':
      return { action: 'stop' };
    case 'forbidden':
    case 'invalid':
    case 'no-access':
      return { action: 'refused' };
    case 'unauthorized':
    case 'too-many-requests':
    case 'server':
    case 'network':
    case 'timeout':
    case 'put-off':
    case 'bad-response':
      return error.retryAfterMs === undefined ? { action: 'retry' } : { action: 'retry', afterMs: error.retryAfterMs };
  }
}

/** Returns whether `error` is a KubeError with one of these codes. */
export function isKubeError(error: unknown, ...codes: readonly KubeErrorCode[]): error is KubeError {
  return error instanceof KubeError && codes.includes(error.code);
}

/** The part of metav1.Status that is read. */
export interface ApiStatus {
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: { readonly retryAfterSeconds?: number };
}

/** Returns the code for an HTTP status (or the code inside a watch ERROR) and the reason in the Status body. */
export function codeOfStatus(status: number, reason?: string): KubeErrorCode {
  switch (status) {
    case 401:
      return 'unauthorized';
    case 403:
      return 'forbidden';
    case 404:
      return 'not-found';
    case 409:
      return reason === 'AlreadyExists' ? 'already-exists' : 'conflict';
    case 410:
      return 'gone';
    case 429:
      return 'too-many-requests';
    default:
      return status >= 500 ? 'server' : 'invalid';
  }
}

/**
 * Returns the milliseconds of a Retry-After header (RFC 9110, 10.2.3; seconds only, which is all the API server sends).
 */
export function parseRetryAfter(header: string | undefined): number | undefined {
  if (header === undefined || !/^\d{1,6}$/.test(header.trim())) return undefined;
  return Number(header) * 1000;
}
