// SPDX-License-Identifier: Apache-2.0

// A file does one thing, which takes at most 250 lines; a comment is read in one look, 120 columns at most. Tests and
// what only tests use may be longer, as tables of many cases are.

import type { SourceFile } from './tracked-files.ts';

const MOST_LINES = 250;
const MOST_COLUMNS = 120;

/** Tests, and what only tests use. */
const IS_TEST = /\.(test|vectors)\.tsx?$|^test\/|\/testing\/|^packages\/[a-z]+\/test\//;
const IS_COMMENT = /^\s*(\/\/|\/\*|\*)/;

/** One line for each file that is too long, and for each comment that is too wide. */
export function findShapeProblems(files: readonly SourceFile[]): string[] {
  const sources = files.filter(({ path }) => /\.(tsx?|c|h)$/.test(path));
  return [...sources.flatMap(tooLong), ...sources.flatMap(wideComments)];
}

function tooLong({ path, text }: SourceFile): string[] {
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  const isLong = lines > MOST_LINES && !IS_TEST.test(path);
  return isLong ? [`${path}: ${lines} lines, at most ${MOST_LINES}: split it by what it does`] : [];
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
