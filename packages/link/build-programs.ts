// SPDX-License-Identifier: Apache-2.0
/**
 * Compiles the programs for the kernel (native/bpf/NAME.bpf.c) with clang and writes their instructions as C headers,
 * which makes them a part of the addon: nothing has to read an object file at run time. A machine without clang gets an
 * addon without programs, and says so when one is asked for.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type KernelProgram, readKernelProgram } from './elf-program.ts';

const NATIVE = join(import.meta.dirname, 'native');

/** Names of the programs, of which those of files, of C and of the kernel are made. */
const PROGRAMS = ['answer', 'spread'] as const;

type ProgramName = (typeof PROGRAMS)[number];

/**
 * Writes the headers into the folder, each if a source is newer than it; returns their paths. Throws with the
 * compiler's output on an error.
 */
export function buildPrograms(folder: string): string[] {
  return PROGRAMS.map((name) => {
    const header = join(folder, `${name}-program.h`);
    buildProgram(name, header);
    return header;
  });
}

function buildProgram(name: ProgramName, header: string): void {
  const hasClang = spawnSync('clang', ['--version'], { stdio: 'ignore' }).status === 0;
  if (isCurrent(header) && (isFilled(header) || !hasClang)) return;
  mkdirSync(dirname(header), { recursive: true });
  if (!hasClang)
    console.error(`link: clang is missing; the addon is built without the program "${name}" for the kernel`);
  // Two builds may run at the same time: each puts its header in place whole.
  const unfinished = `${header}.${process.pid}`;
  const program = hasClang ? compile(name, `${unfinished}.o`) : { instructions: [], relocations: [] };
  writeFileSync(unfinished, formatHeader(name, program));
  renameSync(unfinished, header);
}

function compile(name: ProgramName, object: string): KernelProgram {
  const strict = ['-std=c11', '-Wall', '-Wextra', '-Werror', '-ffreestanding'];
  // v2 (Linux 4.14) is the oldest instruction set that has all comparisons; -g is left out, since nothing reads types.
  const target = ['-target', 'bpf', '-mcpu=v2', '-O2'];
  const headers = ['-I', join(NATIVE, 'bpf'), ...multiarchHeaders()];
  execFileSync('clang', [...target, ...strict, ...headers, '-c', join(NATIVE, 'bpf', `${name}.bpf.c`), '-o', object], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const program = readKernelProgram(readFileSync(object));
  rmSync(object);
  return program;
}

// Debian keeps the kernel's asm/ headers in a folder named after the machine, where clang does not look for another
// target.
function multiarchHeaders(): string[] {
  const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  return ['-idirafter', `/usr/include/${machine}-linux-gnu`];
}

function formatHeader(name: ProgramName, { instructions, relocations }: KernelProgram): string {
  // C has no empty arrays.
  const words = instructions.length > 0 ? instructions : [0n];
  const rows = relocations.map(({ instruction, map }) => `{${instruction}, ${name.toUpperCase()}_MAP_${map}}`);
  const counts = `.instruction_count = ${instructions.length}, .relocation_count = ${relocations.length}`;
  return [
    `// Generated from native/bpf/${name}.bpf.c by build-programs.ts.`,
    `static const uint64_t ${name}_instructions[] = {`,
    ...words.map((word) => `  0x${word.toString(16).padStart(16, '0')},`),
    '};',
    `static const struct bpf_relocation ${name}_relocations[] = {`,
    ...(rows.length > 0 ? rows : ['{0, 0}']).map((row) => `  ${row},`),
    '};',
    `static const struct bpf_code ${name}_code = {`,
    `  .name = "berth_${name}", .instructions = ${name}_instructions, .relocations = ${name}_relocations,`,
    `  ${counts},`,
    '};',
    '',
  ].join('\n');
}

function isCurrent(header: string): boolean {
  const builtAtMs = statSync(header, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const folders = [NATIVE, join(NATIVE, 'bpf')];
  const sources = folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  return [...sources, import.meta.filename].every((path) => statSync(path).mtimeMs < builtAtMs);
}

// A header that was made before clang was installed is made again.
function isFilled(header: string): boolean {
  return !readFileSync(header, 'utf8').includes('.instruction_count = 0,');
}
