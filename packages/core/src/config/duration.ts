// SPDX-License-Identifier: Apache-2.0
/** Durations as Kubernetes users write them: `90s`, `10m`, `1h30m`. */

const UNIT_SECONDS: Readonly<Record<string, number>> = { d: 86_400, h: 3_600, m: 60, s: 1 };

/** Shape of a duration, for the JSON Schema too. */
export const DURATION_PATTERN = /^([0-9]{1,9}[dhms]){1,4}$/;

/** Number of seconds, or undefined for what is not a duration. */
export function parseDurationSeconds(text: string): number | undefined {
  if (!DURATION_PATTERN.test(text)) return undefined;
  let seconds = 0;
  for (const [, count, unit] of text.matchAll(/([0-9]+)([dhms])/g)) {
    seconds += Number(count) * (UNIT_SECONDS[unit ?? ''] ?? 0);
  }
  return seconds;
}
