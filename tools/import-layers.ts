// SPDX-License-Identifier: Apache-2.0

// Which package may import what. Dependencies point one way:
// core <- link, kube <- controller, speaker, cli; daemon <- controller, speaker.

import type { SourceFile } from './tracked-files.ts';

const MAY_IMPORT: Record<string, readonly string[]> = {
  core: [],
  daemon: [],
  link: ['core'],
  kube: ['core'],
  controller: ['core', 'daemon', 'kube'],
  speaker: ['core', 'daemon', 'kube', 'link'],
  cli: ['core', 'kube'],
};

/** What core may import besides its own files: libraries that compute and do no I/O. Tests may also use mocha's tools. */
const CORE_LIBRARIES = new Set(['ip-address', 'yaml', 'zod', 'zod/mini']);
const TEST_LIBRARIES = new Set(['chai', 'fast-check']);

/** Effects that have no place in core: it is handed time, chance and logs. */
const CORE_EFFECTS = /\b(Date\.now|new Date\(\)|Math\.random|setTimeout|setInterval|setImmediate|process\.|console\.)/;

/** Returns one line for each import or effect that breaks the layers, `path:line: what`. */
export function findLayerProblems(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const packageName = /^packages\/([^/]+)\/src\//.exec(file.path)?.[1];
    if (packageName === undefined || !file.path.endsWith('.ts')) return [];
    return file.text.split('\n').flatMap((line, index) => {
      const problem = problemOf(line, packageName, file.path.endsWith('.test.ts'));
      return problem === undefined ? [] : [`${file.path}:${index + 1}: ${problem}`];
    });
  });
}

function problemOf(line: string, packageName: string, isTest: boolean): string | undefined {
  const specifier = /(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/.exec(line)?.[1];
  if (specifier !== undefined) return importProblem(specifier, packageName, isTest);
  const effect = packageName === 'core' && !isTest ? CORE_EFFECTS.exec(withoutComment(line))?.[1] : undefined;
  return effect === undefined ? undefined : `core is pure: found '${effect}'`;
}

function importProblem(specifier: string, packageName: string, isTest: boolean): string | undefined {
  if (specifier.startsWith('.')) {
    return /(^|\/)packages\//.test(specifier) || /^(\.\.\/){2,}src\//.test(specifier)
      ? `'${specifier}' reaches into a package, want its public name`
      : undefined;
  }
  const sibling = /^@berth\/([^/]+)(\/.*)?$/.exec(specifier);
  if (sibling) {
    const [, target = '', inside] = sibling;
    const isFake = isTest && inside === '/testing';
    if (inside !== undefined && !isFake) return `'${specifier}': import the package, not a file in it`;
    return MAY_IMPORT[packageName]?.includes(target) ? undefined : `${packageName} must not import ${target}`;
  }
  if (packageName !== 'core' || CORE_LIBRARIES.has(specifier)) return undefined;
  if (isTest && TEST_LIBRARIES.has(specifier)) return undefined;
  return `core is pure: found import of '${specifier}'`;
}

function withoutComment(line: string): string {
  return line.replace(/\/[/*].*$/, '').replace(/^\s*\*.*$/, '');
}

/** Returns one line for each source file whose first lines have no SPDX identifier. */
export function findHeaderProblems(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => !file.text.split('\n', 3).some((line) => line.includes('SPDX-License-Identifier: ')))
    .map((file) => `${file.path}:1: no SPDX line`);
}
