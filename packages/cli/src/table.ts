// SPDX-License-Identifier: Apache-2.0
/** Tables for people: columns without lines between them, no wider than the terminal. */
import Table from 'cli-table3';
import { fitRows } from './fit-rows.ts';
import { printable } from './printable.ts';

export interface TableOptions {
  /** Characters of a line; undefined: as wide as it comes. */
  readonly columns?: number | undefined;
}

/** Columns without lines between them; the first row is the head. Ends with a line break. */
export function formatTable(rows: readonly (readonly string[])[], options: TableOptions = {}): string {
  return tableLines(rows, options)
    .map(({ text }) => `${text}\n`)
    .join('');
}

export interface TableLine {
  readonly text: string;
  /** Row that it is of, or goes on with; 0 is the head. */
  readonly row: number;
}

/** The lines of a table, each with the row that it belongs to. */
export function tableLines(rows: readonly (readonly string[])[], { columns }: TableOptions = {}): TableLine[] {
  // A line break in what somebody else wrote would look like a row of its own.
  const clean = rows.map((row) => row.map((cell) => printable(cell).replaceAll(/[\n\t]/g, ' ')));
  const fitted = fitRows(clean, columns);
  if (fitted.length === 0) return [];
  const table = new Table({ chars: NO_LINES, style: { 'padding-left': 0, 'padding-right': 2, border: [], head: [] } });
  for (const { cells } of fitted) table.push([...cells]);
  const lines = table.toString().split('\n');
  return lines.map((line, index) => ({ text: line.trimEnd(), row: fitted[index]?.row ?? 0 }));
}

const NO_LINES = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'],
  ].map((name) => [name, '']),
);
