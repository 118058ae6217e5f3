// SPDX-License-Identifier: Apache-2.0

// A file does one thing, which takes at most 250 lines; a comment is read in one look, 120 columns at most. Tests and
// what only tests use may be longer, as tables of many cases are.

import type { SourceFile } from './tracked-files.ts';

const MOST_LINES = 250;
const MOST_COLUMNS = 120;

/** Tests, and what only tests use. */
const IS_TEST = /\.(test|vectors)\.tsx?$|^test\/|\/testing\/|^packages\/[a-z]+\/test\//;
const IS_COMMENT = /^\s*(\/\/|\/\*|\*)/;

/** Longer files, each with the reason. One that is not longer any more has to go from here. */
export const LONGER_FILES: Readonly<Record<string, string>> = {
  'packages/speaker/src/spread/spreading.ts': 'wires the parts of spreading',
};

/** One line for each file that is too long, for each comment that is too wide, and for each exception without need. */
export function findShapeProblems(files: readonly SourceFile[], longer = LONGER_FILES): string[] {
  const sources = files.filter(({ path }) => /\.(tsx?|c|h)$/.test(path));
  const lengths = new Map(sources.map(({ path, text }) => [path, lineCount(text)]));
  const isLong = (path: string) => (lengths.get(path) ?? 0) > MOST_LINES;
  return [
    ...[...lengths]
      .filter(([path]) => isLong(path) && !IS_TEST.test(path) && !Object.hasOwn(longer, path))
      .map(([path, lines]) => `${path}: ${lines} lines, at most ${MOST_LINES}: split it by what it does`),
    ...Object.keys(longer)
      .filter((path) => !isLong(path))
      .map((path) => `${path}: is not longer than ${MOST_LINES} lines: take it out of LONGER_FILES`),
    ...sources.flatMap(wideComments),
  ];
}

function lineCount(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}

function wideComments({ path, text }: SourceFile): string[] {
  return text
    .split('\n')
    .flatMap((line, index) =>
      line.length > MOST_COLUMNS && IS_COMMENT.test(line)
        ? [`${path}:${index + 1}: a comment of ${line.length} columns, at most ${MOST_COLUMNS}`]
        : [],
    );
}
