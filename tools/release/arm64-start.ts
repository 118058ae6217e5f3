// SPDX-License-Identifier: Apache-2.0

// Starts what is built for arm64, on this machine: qemu translates the programs, and this machine's kernel does their
// system calls. Shows that Node, its libraries, the bundles and the addon fit together; nothing of it touches a wire,
// and qemu knows no bpf(2).

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const EMULATOR = 'qemu-aarch64-static';
const ADDON = 'const m = { exports: {} }; process.dlopen(m, process.argv[1]); console.log(typeof m.exports.decide)';

interface Start {
  readonly argv: readonly string[];
  /** What it has to say. */
  readonly says: RegExp;
}

/** Returns what was seen, in words. `root`: the root folder of the image. Throws when a program does not start. */
export function startArm64(executable: string, root: string): string {
  if (spawnSync(EMULATOR, ['--version']).error)
    return `arm64: nothing was started: ${EMULATOR} is not installed (Debian: qemu-user-static)`;
  const node = join(root, 'usr/bin/node');
  const daemon = (name: string) => ({
    argv: [node, join(root, 'berth', `${name}.js`), '--no-such-option'],
    says: new RegExp(`^${name}: Unknown option '--no-such-option'`),
  });
  const starts: readonly Start[] = [
    { argv: [executable, '--help'], says: /^Usage: kubectl berth / },
    { argv: [node, '-e', ADDON, join(root, 'berth/link.node')], says: /^function$/m },
    daemon('controller'),
    daemon('speaker'),
    { argv: [join(root, 'berth/keeper')], says: /^usage: keeper/ },
  ];
  for (const { argv, says } of starts) {
    const { stdout, stderr, signal } = spawnSync(EMULATOR, ['-L', root, ...argv], { encoding: 'utf8' });
    if (!says.test(stdout + stderr))
      throw new Error(`release: arm64: ${argv.join(' ')}: want ${says}, found ${signal ?? stdout + stderr}`);
  }
  return 'arm64: kubectl-berth, both daemons, the keeper and the addon start under qemu';
}
