// SPDX-License-Identifier: Apache-2.0
/** Waiting for what was asked for to come about, by looking at it again and again. */
import type { Environment } from './environment.ts';

/** Milliseconds between two looks. */
const POLL_MS = 200;

/** What `look` finds, or undefined when it has found nothing in that time. It looks once at least. */
export async function waitFor<T>(
  look: () => Promise<T | undefined>,
  {
    clock,
    timeoutSeconds,
    everyMs = POLL_MS,
  }: Pick<Environment, 'clock'> & { readonly timeoutSeconds: number; readonly everyMs?: number },
): Promise<T | undefined> {
  const deadlineMs = clock.now() + timeoutSeconds * 1000;
  for (;;) {
    const found = await look();
    if (found !== undefined || clock.now() >= deadlineMs) return found;
    await new Promise<void>((resolve) => clock.after(everyMs, resolve));
  }
}
