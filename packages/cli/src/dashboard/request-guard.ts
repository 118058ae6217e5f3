// SPDX-License-Identifier: Apache-2.0
/**
 * Which requests the page's server answers at all. It listens on the machine of a person whose browser also shows pages
 * of strangers: those can make it send requests here, under a name of theirs that leads to 127.0.0.1 (DNS rebinding) or
 * from their own origin.
 */
import type { IncomingMessage } from 'node:http';

export interface Refusal {
  readonly status: 400 | 401 | 403 | 404 | 405;
  readonly text: string;
}

/** The parts of a request that are looked at. */
export type GuardedRequest = Pick<IncomingMessage, 'method' | 'headers'>;

/**
 * Why a request is refused whatever it asks for; undefined when it is not. `port`: the one that this server listens on.
 */
export function refusalOf({ method, headers }: GuardedRequest, port: number): Refusal | undefined {
  // Browsers leave the port of http out.
  const suffix = port === 80 ? '' : `:${port}`;
  const names = [`127.0.0.1${suffix}`, `localhost${suffix}`];
  if (!names.includes(headers.host ?? '')) return { status: 403, text: 'this is not the name of this server' };
  // Nothing is ever written from here.
  if (method !== 'GET') return { status: 405, text: 'GET only' };
  const { origin } = headers;
  if (origin !== undefined && !names.some((name) => origin === `http://${name}`))
    return { status: 403, text: 'requests of other pages are not answered' };
  // A browser says so itself, also where it sends no Origin; `none`: a person has typed the address.
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && headers['sec-fetch-mode'] !== 'navigate')
    return { status: 403, text: 'requests of other pages are not answered' };
  return undefined;
}

/** The secret that a request shows, or undefined. */
export function bearerOf({ headers }: Pick<IncomingMessage, 'headers'>): string | undefined {
  return /^Bearer ([\w-]{1,128})$/.exec(headers.authorization ?? '')?.[1];
}

/** Sent with every answer: the page loads nothing from elsewhere, is shown in no frame, and is kept in no cache. */
export const SAFE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    ...["script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'"],
    ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};
