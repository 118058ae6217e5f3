// SPDX-License-Identifier: Apache-2.0
/** The option `--exclude-interfaces`: a list of patterns, separated by commas. */
import { type NamePattern, readExcludedInterfaces } from '@berth/core';
import * as z from 'zod/mini';

/** The patterns of a list without invalid entries. */
function excludedBy(entries: readonly string[]): readonly NamePattern[] {
  const read = readExcludedInterfaces(entries);
  return read.ok ? read.patterns : [];
}

const patterns = z.pipe(
  z.string(),
  z.transform((text: string, context): readonly NamePattern[] => {
    const read = readExcludedInterfaces(text.split(',').filter((entry) => entry !== ''));
    if (read.ok) return read.patterns;
    for (const entry of read.invalid) {
      context.issues.push({ code: 'custom', message: `"${entry}" is not a regular expression`, input: entry });
    }
    return [];
  }),
);

/** Default: what core excludes. */
export const interfacePatterns = z._default(patterns, excludedBy([]));
