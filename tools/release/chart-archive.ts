// SPDX-License-Identifier: Apache-2.0

// The chart as `helm install` takes it from a file: a gzipped tar whose bytes depend on the chart alone.

import { createWriteStream, globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { parseDocument } from 'yaml';
import { tarStream } from '../tar.ts';
import { CHART_FOLDER, chartFiles } from './chart.ts';

/** Where a release's image is, when it is in a registry. */
export interface PublishedImage {
  readonly repository: string;
  readonly digest: string;
}

/** Writes the archive. With an image its place and digest become defaults of the chart. */
export async function writeChart(output: string, image?: PublishedImage): Promise<void> {
  const generated = await chartFiles();
  const there = globSync('**', { cwd: CHART_FOLDER, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(CHART_FOLDER, join(entry.parentPath, entry.name)));
  const paths = [...new Set([...generated.keys(), ...there])].sort();
  const entries = await Promise.all(
    paths.map(async (path) => {
      const text = generated.get(path) ?? (await readFile(join(CHART_FOLDER, path), 'utf8'));
      const body = Buffer.from(path === 'values.yaml' && image ? withImage(text, image) : text);
      return { path: `berth/${path}`, mode: 0o644, body };
    }),
  );
  await pipeline(tarStream(entries), createGzip(), createWriteStream(output));
}

function withImage(values: string, { repository, digest }: PublishedImage): string {
  const document = parseDocument(values);
  document.setIn(['image', 'repository'], repository);
  document.setIn(['image', 'digest'], digest);
  return document.toString({ lineWidth: 0 });
}
