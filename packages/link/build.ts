// SPDX-License-Identifier: Apache-2.0
/**
 * Compiles the addon with the C compiler alone: Node-API needs no node-gyp and no C++. `CC=aarch64-linux-gnu-gcc`
 * cross-compiles; the headers are the same. Run as a program it builds `build/link.node` unless that is newer than its
 * sources.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildPrograms } from './build-programs.ts';

const HERE = import.meta.dirname;
const NATIVE = join(HERE, 'native');
const GENERATED = join(HERE, 'build', 'generated');

export interface AddonOptions {
  /** The C compiler. Default: the environment's CC, or cc. */
  readonly compiler?: string;
  /** Where the addon goes. Default: build/link.node in this package. */
  readonly output?: string;
  /** Flags behind the usual ones. Default: none. */
  readonly flags?: readonly string[];
}

/**
 * Builds the addon if a source is newer than it; returns its path. Throws with the compiler's output on an error in it.
 */
export function buildAddon(options: AddonOptions = {}): string {
  const output = options.output ?? join(HERE, 'build', 'link.node');
  const generated = buildPrograms(GENERATED);
  if (isCurrent(output, generated)) return output;
  mkdirSync(dirname(output), { recursive: true });
  // A process that has the old file mapped keeps it: the new one is put in its place whole.
  const unfinished = `${output}.${process.pid}`;
  execFileSync(
    options.compiler ?? process.env.CC ?? 'cc',
    [...usualFlags(), ...(options.flags ?? []), '-o', unfinished, ...sources('.c')],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  renameSync(unfinished, output);
  return output;
}

/** Builds the keeper, a small program of its own; returns its path. As {@link buildAddon}. */
export function buildKeeper(options: Pick<AddonOptions, 'compiler' | 'output'> = {}): string {
  const output = options.output ?? join(HERE, 'build', 'keeper');
  const source = join(NATIVE, 'keeper', 'keeper.c');
  const builtAtMs = statSync(output, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if ([source, import.meta.filename].every((path) => statSync(path).mtimeMs < builtAtMs)) return output;
  mkdirSync(dirname(output), { recursive: true });
  const unfinished = `${output}.${process.pid}`;
  const flags = ['-std=c11', '-Wall', '-Wextra', '-Werror', '-D_GNU_SOURCE', '-O2'];
  execFileSync(options.compiler ?? process.env.CC ?? 'cc', [...flags, '-o', unfinished, source], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  renameSync(unfinished, output);
  return output;
}

function usualFlags(): string[] {
  const headers = join(dirname(process.execPath), '..', 'include', 'node');
  // Files that are compiled for BPF too carry hints for clang, which gcc does not know.
  const strict = [
    '-std=c11',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-Wno-unknown-pragmas',
    '-D_GNU_SOURCE',
    '-DNAPI_VERSION=9',
  ];
  return [
    ...strict,
    '-shared',
    '-fPIC',
    '-fvisibility=hidden',
    '-O2',
    '-pthread',
    '-isystem',
    headers,
    '-I',
    GENERATED,
  ];
}

function sources(ending: string): string[] {
  return readdirSync(NATIVE)
    .filter((name) => name.endsWith(ending) && !name.endsWith('.bpf.c'))
    .sort()
    .map((name) => join(NATIVE, name));
}

function isCurrent(output: string, generated: readonly string[]): boolean {
  const builtAtMs = statSync(output, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return [...sources('.c'), ...sources('.h'), ...generated, import.meta.filename].every(
    (path) => statSync(path).mtimeMs < builtAtMs,
  );
}

if (import.meta.main) console.log(buildAddon());
