// SPDX-License-Identifier: Apache-2.0

/** Compares by code units, for sorting: the same on every machine, whatever its locale. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
