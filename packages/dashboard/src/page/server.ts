// SPDX-License-Identifier: Apache-2.0
/**
 * Talks to the server of the page. The session lives in this tab: it survives a reload, and no other page and no other
 * port gets to see it.
 */
import type { Message } from '../wire.ts';
import { receive, setConnection } from './state.ts';
import { frames } from './stream-frames.ts';

const SESSION_KEY = 'berth-session';
/** A stream that is silent for so long is dead: the server sends a beat every five seconds. */
const SILENT_MS = 12_000;
const [FIRST_RETRY_MS, LAST_RETRY_MS] = [500, 5_000];

/** What the server said no to. */
export class RefusedError extends Error {
  readonly status: number;
  constructor(status: number, text: string) {
    super(text);
    this.status = status;
  }
}

/** Spends the token of the address for a session, if there is one, and takes it out of the address. */
export async function openSession(): Promise<void> {
  const token = /^#([\w-]{20,})$/.exec(location.hash)?.[1];
  if (token === undefined) return;
  history.replaceState(null, '', '#/now');
  const response = await fetch('/session', { headers: { authorization: `Bearer ${token}` } });
  if (!response.ok) return;
  const { session } = (await response.json()) as { session: string };
  sessionStorage.setItem(SESSION_KEY, session);
}

/** The answer to a question, as JSON. Rejects with a RefusedError, or when the server is gone. */
export async function ask<T>(path: string, query: URLSearchParams, signal?: AbortSignal): Promise<T> {
  const response = await open(`${path}?${query}`, signal);
  if (!response.ok) throw new RefusedError(response.status, (await response.text()).trim());
  return (await response.json()) as T;
}

/** Receives messages for ever: a stream that ends is opened again, and begins with everything. */
export async function follow(): Promise<void> {
  let retryMs = FIRST_RETRY_MS;
  for (;;) {
    try {
      const isKnown = await followOnce();
      if (!isKnown) return setConnection('used');
      retryMs = FIRST_RETRY_MS;
    } catch {
      // The server is gone or silent; what is shown stays, with its age.
    }
    setConnection('ended');
    await new Promise((resolve) => setTimeout(resolve, retryMs));
    retryMs = Math.min(2 * retryMs, LAST_RETRY_MS);
  }
}

/** False when the server does not know this tab. */
async function followOnce(): Promise<boolean> {
  const guard = new AbortController();
  const response = await open('/events', guard.signal);
  if (response.status === 401) return false;
  if (!response.ok || response.body === null) throw new RefusedError(response.status, '');
  let timer = 0;
  const heard = () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => guard.abort(), SILENT_MS);
  };
  try {
    for await (const data of frames(response.body, heard)) {
      performance.mark('berth-message');
      receive(JSON.parse(data) as Message);
      setConnection('live');
      measureWhenPainted();
    }
  } finally {
    clearTimeout(timer);
  }
  return true;
}

function open(path: string, signal?: AbortSignal): Promise<Response> {
  const session = sessionStorage.getItem(SESSION_KEY) ?? '';
  return fetch(path, { headers: { authorization: `Bearer ${session}` }, ...(signal && { signal }) });
}

/**
 * For whoever measures: `berth-update` lasts from a message until the frame that shows it is handed over to be painted.
 */
function measureWhenPainted(): void {
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => performance.measure('berth-update', 'berth-message');
    port2.postMessage(undefined);
  });
}
