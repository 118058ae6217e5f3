// SPDX-License-Identifier: Apache-2.0

// Recorded series in files, one for each fault: YAML with the notation of promtool, so that a diff can be read.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { type Recording, SCRAPE_SECONDS } from './scrape.ts';

const FOLDER = join(import.meta.dirname, 'recordings');

export interface RecordedFault {
  /** Scrapes before the fault began. */
  readonly before: number;
  /** Scrapes in all. */
  readonly scrapes: number;
  readonly series: readonly { readonly series: string; readonly values: string }[];
}

export function recordingFile(fault: string): string {
  return join(FOLDER, `${fault}.yaml`);
}

export function readRecording(fault: string): RecordedFault {
  return parse(readFileSync(recordingFile(fault), 'utf8')) as RecordedFault;
}

export function formatRecording(
  recording: Recording,
  { before, scrapes }: Pick<RecordedFault, 'before' | 'scrapes'>,
): string {
  const series = [...recording]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, values]) => ({ series: name, values: valuesOf(values) }));
  const comment = `# Recorded on a cluster of three nodes, every ${SCRAPE_SECONDS} s, by node test/monitoring/record.ts\n`;
  return comment + stringify({ before, scrapes, series }, { lineWidth: 0 });
}

/**
 * promtool's notation: `3x4` is 3 and four times more, `_x5` five times nothing. A series that ends is marked, as
 * Prometheus does.
 */
function valuesOf(values: readonly (number | undefined)[]): string {
  const runs: { value: number | undefined; length: number }[] = [];
  for (const value of values) {
    const last = runs.at(-1);
    if (last !== undefined && last.value === value) last.length += 1;
    else runs.push({ value, length: 1 });
  }
  return runs
    .map(({ value, length }, index) => {
      if (value !== undefined) return length === 1 ? `${value}` : `${value}x${length - 1}`;
      if (index === 0) return `_x${length}`;
      return length === 1 ? 'stale' : `stale _x${length - 1}`;
    })
    .join(' ');
}
