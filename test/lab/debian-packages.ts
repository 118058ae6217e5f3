// SPDX-License-Identifier: Apache-2.0

// The Debian packages that the lab stands on, each found by one of its files,
// so that looking costs no process, and other distributions work as well.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { DeclaredPackage } from '../../tools/program-folder.ts';
import { type ProgressOutput, ProgressReporter } from './progress.ts';

/** What a command is going to do: each needs the packages of those before it, too. */
export type Purpose = 'build' | 'lint' | 'everything';

const PROGRAM_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

const LOCK_TIMEOUT_SECONDS = 300;

/** What the addon is built with: C for the process, BPF for the kernel. */
const COMPILERS: readonly DeclaredPackage[] = [
  { name: 'gcc', anyOf: ['gcc'] },
  { name: 'libc6-dev', anyOf: ['/usr/include/unistd.h'] },
  { name: 'clang', anyOf: ['clang'] },
  // Comes with gcc, which calls `as` and `ld`; the image's builder calls `readelf`.
  { name: 'binutils', anyOf: ['ld'] },
];

/** What looks at the source. */
const LINTERS: readonly DeclaredPackage[] = [
  { name: 'git', anyOf: ['git'] },
  { name: 'clang-tidy', anyOf: ['clang-tidy'] },
];

/** By need: who reads the list should see what each is for. */
const PACKAGES: Readonly<Record<string, readonly DeclaredPackage[]>> = {
  'run containers': [
    { name: 'containerd', anyOf: ['containerd'] },
    { name: 'runc', anyOf: ['runc'] },
    { name: 'containernetworking-plugins', anyOf: ['/usr/lib/cni/ptp'] },
  ],
  'build a network': [
    { name: 'iproute2', anyOf: ['ip'] },
    { name: 'nftables', anyOf: ['nft'] },
    { name: 'conntrack', anyOf: ['conntrack'] },
    { name: 'util-linux', anyOf: ['nsenter'] },
    // The CNI plug-ins write its rules.
    { name: 'iptables', anyOf: ['iptables'] },
  ],
  'make images': [
    { name: 'busybox-static', anyOf: ['/var/lib/dpkg/info/busybox-static.list', '/bin/busybox.static'] },
    { name: 'libc-bin', anyOf: ['ldd'] },
  ],
  'compile pause and the native addon': COMPILERS,
  // What clang links a fuzzer with.
  'fuzz the native code': [{ name: 'libclang-rt-dev', anyOf: ['/var/lib/dpkg/info/libclang-rt-dev.list'] }],
  'look at the source': LINTERS,
  'look at the network': [
    { name: 'curl', anyOf: ['curl'] },
    { name: 'iputils-ping', anyOf: ['ping'] },
    { name: 'iputils-arping', anyOf: ['arping'] },
    { name: 'ndisc6', anyOf: ['ndisc6'] },
    { name: 'tcpdump', anyOf: ['tcpdump'] },
    { name: 'ethtool', anyOf: ['ethtool'] },
    { name: 'procps', anyOf: ['ps'] },
    { name: 'bpftool', anyOf: ['bpftool'] },
  ],
  'look at the dashboard': [
    { name: 'chromium', anyOf: ['chromium'] },
    // Pictures in the documentation are drawn with it; without it the page takes the system's own.
    { name: 'fonts-inter', anyOf: ['/usr/share/fonts/opentype/inter/Inter-Regular.otf'] },
    { name: 'fonts-dejavu-core', anyOf: ['/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf'] },
  ],
  'test the chart': [{ name: 'unzip', anyOf: ['unzip'] }],
  'complete commands': [
    { name: 'zsh', anyOf: ['zsh'] },
    { name: 'fish', anyOf: ['fish'] },
  ],
  'make a clean room': [
    { name: 'debootstrap', anyOf: ['debootstrap'] },
    // What it loads packages with, and checks their signatures.
    { name: 'wget', anyOf: ['wget'] },
    { name: 'gpgv', anyOf: ['gpgv'] },
    { name: 'debian-archive-keyring', anyOf: ['/usr/share/keyrings/debian-archive-keyring.gpg'] },
  ],
};

/**
 * Used where they are, and never installed by set-up: with them `npm run image` and `npm run release` build for arm64
 * too, and start what they built.
 */
const OPTIONAL: readonly DeclaredPackage[] = [
  { name: 'gcc-aarch64-linux-gnu', anyOf: ['aarch64-linux-gnu-gcc'] },
  { name: 'binutils-aarch64-linux-gnu', anyOf: ['aarch64-linux-gnu-ld'] },
  { name: 'libstdc++6-arm64-cross', anyOf: ['/usr/aarch64-linux-gnu/lib/libstdc++.so.6'] },
  { name: 'qemu-user-static', anyOf: ['qemu-aarch64-static'] },
];

/** The packages whose programs the project may call. */
export const DECLARED_PACKAGES: readonly DeclaredPackage[] = [...Object.values(PACKAGES).flat(), ...OPTIONAL];

const NEEDED: Readonly<Record<Purpose, readonly DeclaredPackage[]>> = {
  build: COMPILERS,
  lint: [...COMPILERS, ...LINTERS],
  everything: Object.values(PACKAGES).flat(),
};

/** Names of the packages that this machine lacks for a purpose. */
export function missingPackages(
  purpose: Purpose = 'everything',
  exists: (file: string) => boolean = existsSync,
): string[] {
  const isPresent = (file: string) =>
    file.startsWith('/') ? exists(file) : PROGRAM_FOLDERS.some((folder) => exists(join(folder, file)));
  return NEEDED[purpose].filter(({ anyOf }) => !anyOf.some(isPresent)).map(({ name }) => name);
}

/** Installs packages as root; for anyone else, and without apt, rejects with the line to run. */
export async function installPackages(names: readonly string[], output: ProgressOutput): Promise<void> {
  if (!existsSync('/usr/bin/apt-get')) {
    throw new Error(`lab: not here, and this is no Debian that could install them: ${names.join(' ')}`);
  }
  if (process.getuid?.() !== 0) {
    throw new Error(`lab: Debian packages are missing; run this, then try again:\n${installLine(names)}`);
  }
  const reporter = new ProgressReporter(
    [
      { name: 'read the lists of Debian packages', expectedMs: 10_000 },
      { name: `install ${names.length} Debian packages`, expectedMs: 5_000 + 4_000 * names.length },
    ],
    output,
  );
  try {
    reporter.begin();
    await aptGet(['update'], (fraction) => reporter.advance(fraction));
    reporter.begin();
    await aptGet(['install', '--yes', '--no-install-recommends', ...names], (fraction) => reporter.advance(fraction));
  } finally {
    reporter.end();
  }
}

export function installLine(names: readonly string[]): string {
  return `sudo apt-get update && sudo apt-get install --yes --no-install-recommends ${names.join(' ')}`;
}

/** Part of an apt-get run that is done, from a line of its status stream: half for loading, half for unpacking. */
export function aptFraction(line: string): number | undefined {
  const [kind, , percent = ''] = line.split(':');
  const done = Number.parseFloat(percent) / 100;
  if (!Number.isFinite(done)) return undefined;
  if (kind === 'dlstatus') return done / 2;
  return kind === 'pmstatus' ? 0.5 + done / 2 : undefined;
}

function aptGet(args: readonly string[], advance: (fraction: number) => void): Promise<void> {
  // Another apt may hold the lock, as on a machine that updates itself: it is waited for.
  const options = ['APT::Status-Fd=3', 'Dpkg::Use-Pty=0', `DPkg::Lock::Timeout=${LOCK_TIMEOUT_SECONDS}`];
  const child = spawn('apt-get', [...options.flatMap((option) => ['-o', option]), ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const said: string[] = [];
  const status = child.stdio[3];
  if (status !== null && status !== undefined && 'on' in status) {
    createInterface({ input: status as NodeJS.ReadableStream }).on('line', (line) => advance(aptFraction(line) ?? 0));
  }
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface({ input: stream }).on('line', (line) => said.push(line));
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`lab: apt-get ${args.join(' ')}: exit ${code}:\n${said.slice(-15).join('\n')}`));
    });
  });
}
