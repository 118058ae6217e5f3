// SPDX-License-Identifier: Apache-2.0

// A file does one thing, which takes at most 250 lines; a comment is read in one look, 120 columns at most. Tests and
// what only tests use may be longer, as tables of many cases are.

import type { SourceFile } from './tracked-files.ts';

const MOST_LINES = 250;
const MOST_COLUMNS = 120;

/** Tests, and what only tests use. */
const IS_TEST = /\.(test|vectors)\.tsx?$|^test\/|\/testing\/|^packages\/[a-z]+\/test\//;
/** Files whose comments are wider, from before the rule. */
const IS_WIDER =
  /^packages\/(core|speaker)\/src\/spread\/|^packages\/link\/native\/(bpf\/spread\.bpf|keeper\/keeper|spread-engine)\.|^tools\/release\/chart\.ts$/;
const IS_COMMENT = /^\s*(\/\/|\/\*|\*)/;

/** Longer files, each with the reason. One that is not longer any more has to go from here. */
export const LONGER_FILES: Readonly<Record<string, string>> = {
  'packages/core/src/membership/company.ts': 'frozen: the schedules of the simulator are counted on it',
  'packages/core/src/membership/question.ts': 'frozen, as company.ts',
  'packages/core/src/membership/state.ts': 'frozen, as company.ts',
  'packages/link/native/bpf-calls.c': 'one function for each call of bpf(2)',
  'packages/link/native/bpf/spread.bpf.c': 'one program of the kernel',
  'packages/link/native/conntrack.c': 'one dump of connection tracking, from request to rows',
  'packages/link/native/heartbeat.c': 'one thread with its fence, its sockets and its lock',
  'packages/link/native/responder.c': 'one thread with its table and its lock',
  'packages/link/native/spread-binding.c': 'one function for each export, and what its thread loads',
  'packages/link/native/spread-engine.c': 'one set of maps with the program that reads them',
  'packages/controller/src/leader-term.ts': 'wires the parts of a term, in the order in which they begin and end',
  'packages/link/src/spread-table.ts': 'half of it describes what the maps hold',
  'packages/speaker/src/spread/spreading.ts': 'wires the parts of spreading',
  'tools/release/chart.ts': 'a table of what the chart makes adjustable',
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
    ...sources.filter(({ path }) => !IS_WIDER.test(path)).flatMap(wideComments),
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
