// SPDX-License-Identifier: Apache-2.0
/**
 * Compiles the program for the kernel (native/bpf/answer.bpf.c) with clang and writes its instructions as a C header, which makes them
 * a part of the addon: nothing has to read an object file at run time. A machine without clang gets an addon without the program,
 * and says so when the program is asked for.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type AnswerProgram, readAnswerProgram } from './elf-program.ts';

const NATIVE = join(import.meta.dirname, 'native');
const SOURCE = join(NATIVE, 'bpf', 'answer.bpf.c');

/** Writes the header if a source is newer than it. Throws with the compiler's output on an error in the program. */
export function buildAnswerProgram(header: string): void {
  const hasClang = spawnSync('clang', ['--version'], { stdio: 'ignore' }).status === 0;
  if (isCurrent(header) && (isFilled(header) || !hasClang)) return;
  mkdirSync(dirname(header), { recursive: true });
  if (!hasClang) console.error('link: clang is missing; the addon is built without the program for the kernel');
  // Two builds may run at the same time: each puts its header in place whole.
  const unfinished = `${header}.${process.pid}`;
  const program = hasClang ? compile(`${unfinished}.o`) : { instructions: [], relocations: [] };
  writeFileSync(unfinished, formatHeader(program));
  renameSync(unfinished, header);
}

function compile(object: string): AnswerProgram {
  const strict = ['-std=c11', '-Wall', '-Wextra', '-Werror', '-ffreestanding'];
  // v2 (Linux 4.14) is the oldest instruction set that has all comparisons; -g is left out, since nothing reads types.
  const target = ['-target', 'bpf', '-mcpu=v2', '-O2'];
  const headers = ['-I', join(NATIVE, 'bpf'), ...multiarchHeaders()];
  execFileSync('clang', [...target, ...strict, ...headers, '-c', SOURCE, '-o', object], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const program = readAnswerProgram(readFileSync(object));
  rmSync(object);
  return program;
}

// Debian keeps the kernel's asm/ headers in a folder named after the machine, where clang does not look for another target.
function multiarchHeaders(): string[] {
  const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  return ['-idirafter', `/usr/include/${machine}-linux-gnu`];
}

function formatHeader({ instructions, relocations }: AnswerProgram): string {
  // C has no empty arrays.
  const words = instructions.length > 0 ? instructions : [0n];
  const rows = relocations.length > 0 ? relocations : [{ instruction: 0, map: 'vips' }];
  return [
    '// Generated from native/bpf/answer.bpf.c by build-answer.ts.',
    `enum { ANSWER_INSTRUCTION_COUNT = ${instructions.length}, ANSWER_RELOCATION_COUNT = ${relocations.length} };`,
    'static const uint64_t answer_instructions[] = {',
    ...words.map((word) => `  0x${word.toString(16).padStart(16, '0')},`),
    '};',
    'static const struct answer_relocation answer_relocations[] = {',
    ...rows.map(({ instruction, map }) => `  {${instruction}, ANSWER_MAP_${map}},`),
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
  return !readFileSync(header, 'utf8').includes('ANSWER_INSTRUCTION_COUNT = 0,');
}
