// SPDX-License-Identifier: Apache-2.0
/**
 * Fuzzes the decisions in C, and the reading of packets that are spread, with libFuzzer, AddressSanitizer and
 * UndefinedBehaviorSanitizer (Debian: clang, libclang-rt-dev).
 *
 *   node packages/link/fuzz.ts [SECONDS]
 *     For each of both; default 60. Findings go to the current directory, and the exit code is not 0.
 *   node packages/link/fuzz.ts --merge
 *     Adds the vectors of core and what was found to the corpus, as far as they reach new code.
 *
 * The corpus (fuzz/corpus) is in the tree, and test/decision.test.ts runs it through C and TypeScript; a finding
 * becomes a file there and a named vector in core.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ARP_VECTORS } from '../core/src/layer2/respond.vectors.ts';
import { NDP_VECTORS } from '../core/src/layer2/respond-ndp.vectors.ts';

const HERE = import.meta.dirname;
const CORPUS = join(HERE, 'fuzz', 'corpus');
const FOUND = join(HERE, 'build', 'fuzz-found');
const DEFAULT_SECONDS = 60;
/** Longest input, in bytes: the longest frame that is read has 174. */
const LONGEST_BYTES = 256;

/** Each target with the files that it is linked with. */
const TARGETS = {
  decide: ['arp-decide.c', 'ndp-decide.c', 'frame-verdict.c', 'vip-table.c'],
  // Includes what it fuzzes.
  packet: [],
} as const;
type TargetName = keyof typeof TARGETS;

/** Builds the target; returns its path. */
function buildFuzzer(target: TargetName): string {
  const output = join(HERE, 'build', `${target}-fuzz`);
  const sources = TARGETS[target].map((name) => join(HERE, 'native', name));
  const flags = ['-std=c11', '-D_GNU_SOURCE', '-g', '-O1', '-Wall', '-Wextra', '-Werror', '-Wno-unknown-pragmas'];
  const sanitizers = ['-fsanitize=fuzzer,address,undefined', '-fno-sanitize-recover=undefined'];
  mkdirSync(join(HERE, 'build'), { recursive: true });
  execFileSync('clang', [...flags, ...sanitizers, join(HERE, 'fuzz', `${target}-fuzz.c`), ...sources, '-o', output], {
    stdio: 'inherit',
  });
  return output;
}

/**
 * Fuzzes for this long; returns the exit code of the target. New inputs go to a folder of their own, not to the tree.
 */
function fuzz(target: TargetName, seconds: number): number {
  const found = target === 'decide' ? FOUND : `${FOUND}-${target}`;
  mkdirSync(found, { recursive: true });
  const limits = [`-max_total_time=${seconds}`, `-max_len=${LONGEST_BYTES}`, '-print_final_stats=1', '-verbosity=1'];
  return (
    spawnSync(buildFuzzer(target), [...limits, found, ...(target === 'decide' ? [CORPUS] : [])], { stdio: 'inherit' })
      .status ?? 1
  );
}

function merge(): void {
  const seeds = join(HERE, 'build', 'fuzz-seeds');
  mkdirSync(seeds, { recursive: true });
  for (const [index, { frame, fence }] of [...ARP_VECTORS, ...NDP_VECTORS].entries())
    writeFileSync(join(seeds, String(index)), Uint8Array.of(fence === 'expired' ? 0 : 1, ...frame));
  mkdirSync(FOUND, { recursive: true });
  execFileSync(buildFuzzer('decide'), ['-merge=1', CORPUS, seeds, FOUND], { stdio: 'inherit' });
}

if (import.meta.main) {
  const [argument] = process.argv.slice(2);
  if (argument === '--merge') merge();
  else
    process.exitCode =
      fuzz('decide', Number(argument ?? DEFAULT_SECONDS)) || fuzz('packet', Number(argument ?? DEFAULT_SECONDS));
}
