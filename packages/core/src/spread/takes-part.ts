// SPDX-License-Identifier: Apache-2.0
/** Whether a speaker that is heard takes part in who serves. */
import type { SpreadPeer } from './spread-state.ts';

/**
 * A speaker that takes part says so five times a second; one that was not heard to do so for so long does not, in
 * milliseconds. Membership finds the dead ones.
 */
export const SILENT_AFTER_MS = 3_000;

export function takesPart({ heardMs, serves }: SpreadPeer, nowMs: number): boolean {
  return heardMs !== undefined && nowMs - heardMs < SILENT_AFTER_MS && serves.version !== undefined;
}
