// SPDX-License-Identifier: Apache-2.0
/** Times and durations as people read them. */

/** The last time that a Date holds, in milliseconds. */
export const LAST_MS = 8.64e15;

/** RFC 3339 in UTC, whole seconds. */
export function timeText(milliseconds: number): string {
  const date = new Date(Math.max(-LAST_MS, Math.min(milliseconds, LAST_MS)));
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** `131 ms`, `1.4 s`, `3 min`, `5 h`, `2 d`: of long ones only as much as matters. */
export function durationText(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}
