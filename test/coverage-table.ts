// SPDX-License-Identifier: Apache-2.0

// What a coverage summary says, for people: a row for each room, and the files in which no test calls anything.

/** Of one file or room: how much there is, and how much of it the tests ran. */
export interface Counts {
  readonly total: number;
  readonly covered: number;
}

export interface FileCoverage {
  readonly lines: Counts;
  readonly branches: Counts;
  readonly functions: Counts;
}

const COLUMNS = ['lines', 'branches', 'functions'] as const;

/**
 * Lines of a table: a row for each folder with the share of its lines, branches and functions that ran, and one for all
 * of them.
 */
export function coverageTable(files: ReadonlyMap<string, FileCoverage>): string[] {
  const rooms = Map.groupBy(files, ([file]) => roomOf(file));
  const rows = [...rooms].map(([room, entries]) =>
    rowOf(
      room,
      entries.map(([, coverage]) => coverage),
    ),
  );
  const all = rowOf('all', [...files.values()]);
  const table = [['room', 'files', ...COLUMNS], ...rows.sort(byName), all];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  return table.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
}

/** Files with code of which no test runs a single function. `hasCode`: whether a file holds more than types. */
export function untestedFiles(files: ReadonlyMap<string, FileCoverage>, hasCode: (file: string) => boolean): string[] {
  return [...files]
    .filter(([file, { functions }]) => functions.total > 0 && functions.covered === 0 && hasCode(file))
    .map(([file]) => file)
    .sort();
}

function rowOf(name: string, files: readonly FileCoverage[]): string[] {
  return [name, String(files.length), ...COLUMNS.map((column) => shareOf(files.map((file) => file[column])))];
}

function shareOf(counts: readonly Counts[]): string {
  const sum = (key: keyof Counts) => counts.reduce((total, one) => total + one[key], 0);
  return sum('total') === 0 ? '-' : `${((100 * sum('covered')) / sum('total')).toFixed(1)} %`;
}

function roomOf(file: string): string {
  return file.slice(0, file.lastIndexOf('/'));
}

function byName([one = '']: string[], [other = '']: string[]): number {
  return one < other ? -1 : 1;
}
