// SPDX-License-Identifier: Apache-2.0

// The programs of the lab, built once from Go modules into a cache outside the
// tree: no release download is needed, and every version is locked by go.sum.
// BERTH_LAB_BIN may name a folder with ready-made programs instead.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, symlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { goBuild } from './go-build.ts';
import { withLock } from './lock.ts';
import { type ProgressOutput, ProgressReporter } from './progress.ts';
import { run } from './run.ts';

export const KUBERNETES_VERSION = '1.37.2';

const SOURCES = join(import.meta.dirname, 'binaries');

/** Names by which the lab calls the programs. */
export const PROGRAMS = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
  'kubectl',
  'agnhost',
  'etcd',
  'coredns',
  'pause',
  'promtool',
] as const;

export type Program = (typeof PROGRAMS)[number];

interface Component {
  readonly name: string;
  /** Folder below binaries/ whose files decide whether the cached build is still good. */
  readonly folder: string;
  /** Names that become links to the one file. */
  readonly programs: readonly Program[];
  /** First build on 2 cores. */
  readonly expectedMs: number;
  readonly build: (output: string, advance: (fraction: number) => void) => Promise<void>;
}

const VERSION_FLAGS = [
  `-X k8s.io/component-base/version.gitVersion=v${KUBERNETES_VERSION}`,
  ...KUBERNETES_VERSION.split('.')
    .slice(0, 2)
    .map((part, position) => `-X k8s.io/component-base/version.${['gitMajor', 'gitMinor'][position]}=${part}`),
].join(' ');

const COMPONENTS: readonly Component[] = [
  {
    name: `Kubernetes ${KUBERNETES_VERSION}`,
    folder: 'kubernetes',
    programs: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy', 'kubectl'],
    expectedMs: 540_000,
    build: (output, advance) => build('kubernetes', { output, advance, linkerFlags: VERSION_FLAGS }),
  },
  {
    name: 'agnhost (test server)',
    folder: 'kubernetes',
    programs: ['agnhost'],
    expectedMs: 90_000,
    build: (output, advance) =>
      build('kubernetes', { output, advance, target: 'k8s.io/kubernetes/test/images/agnhost' }),
  },
  {
    name: 'etcd',
    folder: 'etcd',
    programs: ['etcd'],
    expectedMs: 35_000,
    build: (output, advance) => build('etcd', { output, advance }),
  },
  {
    name: 'CoreDNS',
    folder: 'coredns',
    programs: ['coredns'],
    expectedMs: 95_000,
    build: (output, advance) => build('coredns', { output, advance }),
  },
  {
    name: 'pause',
    folder: 'pause',
    programs: ['pause'],
    expectedMs: 1_000,
    build: async (output) => {
      const source = join(SOURCES, 'pause', 'pause.c');
      await run(['gcc', '-Wall', '-Wextra', '-Werror', '-O2', '-static', '-s', '-o', output, source]);
    },
  },
  {
    name: 'promtool (tests of alerts)',
    folder: 'promtool',
    programs: ['promtool'],
    expectedMs: 150_000,
    build: (output, advance) =>
      build('promtool', {
        ...{ output, advance, target: 'github.com/prometheus/prometheus/cmd/promtool' },
        // Rules are tested on series in a file: the many ways to find what to scrape are left out.
        tags: 'remove_all_sd',
      }),
  },
];

/**
 * The folder with all programs, or undefined when some are still to be built. Fast: reads only the build's own files.
 */
export function findBinaries(): string | undefined {
  const given = process.env.BERTH_LAB_BIN;
  if (given !== undefined && given !== '') return assertComplete(given);
  const folder = linkFolder();
  return PROGRAMS.every((program) => existsSync(join(folder, program))) ? folder : undefined;
}

/** Builds what is missing and returns the folder with all programs. Two runs at once build once. */
export async function ensureBinaries(output: ProgressOutput = process.stderr): Promise<string> {
  const found = findBinaries();
  if (found !== undefined) return found;
  const notice = setTimeout(() => output.write('lab: another run builds the programs; waiting for it\n'), 1_000);
  return withLock(join(cacheFolder(), 'build.lock'), async () => {
    clearTimeout(notice);
    return findBinaries() ?? (await buildMissing(output));
  }).finally(() => clearTimeout(notice));
}

async function buildMissing(output: ProgressOutput): Promise<string> {
  const missing = COMPONENTS.filter((component) => !existsSync(cachedFile(component)));
  const steps = missing.map(({ name, expectedMs }) => ({ name: `build ${name}`, expectedMs }));
  const reporter = new ProgressReporter(steps, output);
  for (const component of missing) {
    reporter.begin();
    const file = cachedFile(component);
    const temporary = `${file}.tmp`;
    try {
      await component.build(temporary, (fraction) => reporter.advance(fraction));
      await rename(temporary, file);
    } finally {
      reporter.end();
      await rm(temporary, { force: true });
    }
  }
  return linkPrograms();
}

/** One folder with a link for each name; the multi-call binary looks at the name that it is called by. */
async function linkPrograms(): Promise<string> {
  const folder = linkFolder();
  const temporary = await mkdtemp(`${folder}.tmp-`);
  for (const component of COMPONENTS) {
    const target = join('..', basename(cachedFile(component)));
    for (const program of component.programs) await symlink(target, join(temporary, program));
  }
  await rm(folder, { recursive: true, force: true });
  await rename(temporary, folder);
  return folder;
}

interface GoTarget {
  readonly output: string;
  readonly advance: (fraction: number) => void;
  readonly linkerFlags?: string;
  /** Package to build. @default the module's own main */
  readonly target?: string;
  /** Build tags. @default none */
  readonly tags?: string;
}

async function build(folder: string, { output, advance, linkerFlags, target = '.', tags }: GoTarget): Promise<void> {
  await mkdir(cacheFolder(), { recursive: true });
  const linking = ['-s -w', linkerFlags].filter((part) => part !== undefined).join(' ');
  const flags = ['-trimpath', ...(tags ? ['-tags', tags] : []), '-ldflags', linking];
  await goBuild({ module: join(SOURCES, folder), target, flags, output, advance });
}

function cachedFile(component: Component): string {
  const [program = component.folder] = component.programs;
  const stem = component.programs.length > 1 ? component.folder : program;
  return join(cacheFolder(), `${stem}-${hashOf([component.folder])}`);
}

function linkFolder(): string {
  return join(cacheFolder(), `bin-${hashOf(COMPONENTS.map((component) => component.folder))}`);
}

/** Where everything of this version is cached. */
export function cacheFolder(): string {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(cache, 'berth-lab', KUBERNETES_VERSION);
}

/** Twelve hexadecimal digits over names and contents of the folders' files. */
function hashOf(folders: readonly string[]): string {
  const hash = createHash('sha256');
  for (const folder of new Set(folders)) {
    for (const file of readdirSync(join(SOURCES, folder)).sort()) {
      hash.update(`${folder}/${file}\0`).update(readFileSync(join(SOURCES, folder, file)));
    }
  }
  return hash.digest('hex').slice(0, 12);
}

function assertComplete(folder: string): string {
  const missing = PROGRAMS.filter((program) => !existsSync(join(folder, program)));
  if (missing.length === 0) return folder;
  throw new Error(`lab: BERTH_LAB_BIN=${JSON.stringify(folder)}: not there: ${missing.join(', ')}`);
}
