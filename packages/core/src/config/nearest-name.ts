// SPDX-License-Identifier: Apache-2.0
/** Finds the name that a user probably meant. */

/** Longest name that is compared, in characters; no one mistypes a longer one by accident. */
const MAX_CHARACTERS = 32;

/** Most known names that are compared: a hint is not worth more time. */
const MAX_KNOWN = 100;

/**
 * The known name with the fewest edits from the given one, or undefined when it takes more than a third of the letters.
 * Capitals do not count; of two equally near ones the earlier is taken.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (name.length > MAX_CHARACTERS) return undefined;
  let nearest: string | undefined;
  let fewest = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of known.slice(0, MAX_KNOWN)) {
    // A difference in length alone is that many edits.
    if (Math.abs(candidate.length - name.length) >= fewest) continue;
    const edits = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (edits < fewest) [nearest, fewest] = [candidate, edits];
  }
  return nearest;
}

// Optimal string alignment: letters that are wrong, missing, too many, or swapped with their neighbour.
function editDistance(from: string, to: string): number {
  let before: number[] = [];
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      const isSwapped = from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      const swapped = isSwapped ? (before[j - 2] ?? replaced) + 1 : replaced;
      next.push(Math.min(replaced, swapped, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    [before, row] = [row, next];
  }
  return row[to.length] ?? from.length;
}
