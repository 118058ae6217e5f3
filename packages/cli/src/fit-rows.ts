// SPDX-License-Identifier: Apache-2.0
/** Makes the rows of a table fit a terminal: what tells two rows apart goes last. */

/** A row as it is printed; one that is too long goes on in further ones, with the same number. */
export interface FittedRow {
  readonly cells: readonly string[];
  /** Of the row that it is made from. */
  readonly row: number;
}

/**
 * Heads of columns with names that begin alike (`ip-10-0-3-17.eu-west-1.compute`, `shop/web`): they are cut from the
 * left.
 */
const NAMES: readonly string[] = ['NODE', 'OWNER', 'ASKED BY', 'SEEN BY', 'SERVED BY', 'ABOUT', 'SERVICE', 'POD'];
/** Characters between two columns. */
const GAP = 2;
/** Names are cut to this at first, and to the least where that is not enough. */
const NAME_CHARACTERS = 16;
const LEAST_CHARACTERS = 8;
/** Text is not broken into lines shorter than this. */
const TEXT_CHARACTERS = 24;
const ELLIPSIS = '…';

/** How wide columns are printed. */
export interface Fit {
  readonly widths: readonly number[];
  /** Columns of names. */
  readonly names: readonly number[];
  /** Whether cells that are wider are cut: without a limit they stay whole. */
  readonly isLimited: boolean;
  /** Whether the last column is broken into lines. */
  readonly isBroken: boolean;
}

/**
 * The rows in at most so many columns of characters, as far as that goes. Names are cut from the left, then the last
 * column is broken into lines where it is text, then other columns but the first are cut from the right.
 */
export function fitRows(rows: readonly (readonly string[])[], columns: number | undefined): readonly FittedRow[] {
  const fit = fitOf(rows, columns);
  return rows.flatMap((cells, row) => fitRow(cells, fit).map((line) => ({ cells: line, row })));
}

/** How wide the columns of these rows are to be, the first row being the head. */
export function fitOf(rows: readonly (readonly string[])[], columns: number | undefined): Fit {
  const natural = widthsOf(rows);
  const widths = [...natural];
  const names = natural.flatMap((_, index) => (NAMES.includes(rows[0]?.[index] ?? '') ? [index] : []));
  if (columns === undefined || totalOf(natural) <= columns)
    return { widths, names, isLimited: columns !== undefined, isBroken: false };
  const last = natural.length - 1;
  shrink(widths, names, { columns, least: NAME_CHARACTERS });
  shrink(widths, [last], { columns, least: TEXT_CHARACTERS });
  const isBroken = (widths[last] ?? 0) < (natural[last] ?? 0);
  shrink(widths, names, { columns, least: LEAST_CHARACTERS });
  const rest = natural.flatMap((_, index) => (index > 0 && index < last ? [index] : []));
  shrink(widths, rest, { columns, least: LEAST_CHARACTERS });
  return { widths, names, isLimited: true, isBroken };
}

/** The lines of one row. */
export function fitRow(cells: readonly string[], { widths, names, isLimited, isBroken }: Fit): string[][] {
  if (!isLimited) return [[...cells]];
  const last = widths.length - 1;
  const cut = cells.map((cell, index) => {
    if (index === last && isBroken) return cell;
    return cutTo(cell, widths[index] ?? 0, names.includes(index) ? 'left' : 'right');
  });
  if (!isBroken) return [cut];
  const [first = '', ...more] = linesOf(cells[last] ?? '', widths[last] ?? 0);
  const blank = cells.slice(0, last).map(() => '');
  return [[...cut.slice(0, last), first], ...more.map((line) => [...blank, line])];
}

function widthsOf(rows: readonly (readonly string[])[]): number[] {
  const count = rows.reduce((most, row) => Math.max(most, row.length), 0);
  return Array.from({ length: count }, (_, index) =>
    rows.reduce((most, row) => Math.max(most, [...(row[index] ?? '')].length), 0),
  );
}

function totalOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + GAP * Math.max(0, widths.length - 1);
}

/** Takes from the widest of these columns first, until all fit or each has the least. */
function shrink(
  widths: number[],
  indices: readonly number[],
  { columns, least }: { readonly columns: number; readonly least: number },
): void {
  for (let excess = totalOf(widths) - columns; excess > 0; excess -= 1) {
    const open = indices.filter((index) => (widths[index] ?? 0) > least);
    const [widest] = open.sort((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0));
    if (widest === undefined) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}

function cutTo(cell: string, width: number, side: 'left' | 'right'): string {
  const characters = [...cell];
  if (characters.length <= width) return cell;
  const kept = width - ELLIPSIS.length;
  return side === 'left'
    ? `${ELLIPSIS}${characters.slice(characters.length - kept).join('')}`
    : `${characters.slice(0, kept).join('')}${ELLIPSIS}`;
}

/** Broken between words; a word that is longer than a line is a line of its own. */
function linesOf(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}
