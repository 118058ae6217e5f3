// SPDX-License-Identifier: Apache-2.0

// Which package may import what. Dependencies point one way:
// core, runtime <- link, kube <- controller, speaker, cli. Inside a package they point from the upper rooms to the
// lower ones, and no files import each other in a circle.

import { posix } from 'node:path';
import type { SourceFile } from './tracked-files.ts';

const MAY_IMPORT: Record<string, readonly string[]> = {
  core: [],
  runtime: [],
  link: ['core', 'runtime'],
  kube: ['core', 'runtime'],
  controller: ['core', 'kube', 'runtime'],
  speaker: ['core', 'kube', 'link', 'runtime'],
  dashboard: ['core'],
  cli: ['core', 'dashboard', 'kube', 'runtime'],
};

/**
 * The rooms of a package, from the top down: a file may import from its own room and from those below it. Files at the
 * root of the package wire the rooms and may import all of them; of those files a room may import only those named
 * below.
 */
const ROOMS: Record<string, readonly string[]> = {
  core: [
    'doctor',
    'report',
    'history',
    'status',
    'layer2',
    'ipam',
    'node-state',
    'spread',
    'membership',
    'service',
    'placement',
    'wire',
    'config',
    'net',
  ],
  controller: ['history', 'announcement', 'allocation', 'quarantine', 'cluster', 'pools'],
  speaker: ['node-state', 'spread', 'conflict', 'membership', 'layer2', 'cluster'],
};
const ROOT_FILES_FOR_ROOMS = new Set(['compare-text.ts', 'config.ts']);

/**
 * What core may import besides its own files: libraries that compute and do no I/O. Tests may also use mocha's tools.
 */
const CORE_LIBRARIES = new Set([
  '@noble/hashes/sha2.js',
  '@noble/hashes/utils.js',
  'ip-address',
  'yaml',
  'zod',
  'zod/mini',
]);
const TEST_LIBRARIES = new Set(['chai', 'fast-check', 'json-merge-patch']);

/** Effects that have no place in core: it is handed time, chance and logs. */
const CORE_EFFECTS = /\b(Date\.now|new Date\(\)|Math\.random|setTimeout|setInterval|setImmediate|process\.|console\.)/;

/**
 * Returns one line for each import or effect that breaks the layers, `path:line: what`, and one for each circle of
 * imports.
 */
export function findLayerProblems(files: readonly SourceFile[]): string[] {
  const misplaced = files.flatMap((file) => {
    const packageName = /^packages\/([^/]+)\/src\//.exec(file.path)?.[1];
    if (packageName === undefined || !/\.tsx?$/.test(file.path)) return [];
    return file.text.split('\n').flatMap((line, index) => {
      const problem = problemOf(line, packageName, isOfTests(file.path)) ?? roomProblem(line, file.path);
      return problem === undefined ? [] : [`${file.path}:${index + 1}: ${problem}`];
    });
  });
  return [...misplaced, ...findCircles(files)];
}

/**
 * Returns one line for each circle of files that import each other, `path: circle of imports: a -> b -> a`. Tests are
 * left out.
 */
export function findCircles(files: readonly SourceFile[]): string[] {
  const imports = new Map(
    files
      .filter(({ path }) => path.endsWith('.ts') && !isOfTests(path))
      .map(({ path, text }) => [path, importedFiles(path, text)]),
  );
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, way: readonly string[]) => {
    const start = way.indexOf(path);
    if (start >= 0) {
      const names = [...way.slice(start), path].map((one) => posix.basename(one));
      circles.push(`${path}: circle of imports: ${names.join(' -> ')}`);
    } else if (!done.has(path)) {
      for (const target of imports.get(path) ?? []) visit(target, [...way, path]);
      done.add(path);
    }
  };
  for (const path of imports.keys()) visit(path, []);
  return circles;
}

function importedFiles(path: string, text: string): readonly string[] {
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g)].map(
    ([, specifier = '']) => specifier,
  );
  return specifiers.map((specifier) => posix.join(posix.dirname(path), specifier));
}

/** A test, or a fake that tests share. */
function isOfTests(path: string): boolean {
  return path.endsWith('.test.ts') || path.endsWith('/testing.ts') || path.includes('/testing/');
}

function problemOf(line: string, packageName: string, isTest: boolean): string | undefined {
  const specifier = /(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/.exec(line)?.[1];
  if (specifier !== undefined) return importProblem(specifier, packageName, isTest);
  const effect = packageName === 'core' && !isTest ? CORE_EFFECTS.exec(withoutComment(line))?.[1] : undefined;
  return effect === undefined ? undefined : `core is pure: found '${effect}'`;
}

/** What is wrong with an import between the rooms of one package. Tests may look into any room. */
function roomProblem(line: string, path: string): string | undefined {
  const specifier = /(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/.exec(line)?.[1];
  const [, packageName = '', room = ''] = /^packages\/([^/]+)\/src\/([^/]+)\//.exec(path) ?? [];
  const rooms = ROOMS[packageName];
  if (specifier === undefined || rooms === undefined || isOfTests(path)) return undefined;
  if (!rooms.includes(room)) return `${packageName} has no room '${room}'`;
  const target = /^\.\.\/(?:([^/]+)\/)?([^/]+)$/.exec(specifier);
  if (target === null) return undefined;
  const [, targetRoom, file = ''] = target;
  if (targetRoom === undefined)
    return ROOT_FILES_FOR_ROOMS.has(file) ? undefined : `room ${room} must not import ${file} of the root`;
  return rooms.indexOf(targetRoom) > rooms.indexOf(room)
    ? undefined
    : `room ${room} must not import room ${targetRoom}`;
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
