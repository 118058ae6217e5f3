// SPDX-License-Identifier: Apache-2.0
/** Ends the process when this event loop has hung for long, with exit code 70; whoever started it starts it anew. */
import { type NativeLink, nativeLink } from './native.ts';

/** How often the event loop says that it is well, in milliseconds. */
const CALM_MS = 1000;

/**
 * Begins to watch over this process, once: it ends when its event loop does nothing for `seconds`. A process that is
 * stopped as a whole, as by SIGSTOP, does not hang. The process may end while it is watched.
 */
export function startWatchdog(seconds: number, native: NativeLink = nativeLink()): void {
  native.watchdogStart(seconds);
  setInterval(() => native.watchdogCalm(), CALM_MS).unref();
}
