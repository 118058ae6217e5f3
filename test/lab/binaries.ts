// SPDX-License-Identifier: Apache-2.0

// The programs of the lab, built once from Go modules into a cache outside the
// tree: no release download is needed, and every version is locked by go.sum.
// BERTH_LAB_BIN may name a folder with ready-made programs instead.
// Another version of Kubernetes shares all programs that are not Kubernetes itself.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, symlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { goBuild } from './go-build.ts';
import { DEFAULT_KUBERNETES, type KubernetesVersion, kubernetesOfEnvironment, minorOf } from './kubernetes-versions.ts';
import { withLock } from './lock.ts';
import { type ProgressOutput, ProgressReporter } from './progress.ts';
import { run } from './run.ts';

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
  /** Folders and files below binaries/ whose text decides whether the cached build is still good. */
  readonly sources: readonly string[];
  /** First part of the file's name. */
  readonly stem: string;
  /** Names that become links to the one file. */
  readonly programs: readonly Program[];
  /** The version that the program is of; what is of none is cached beside the default. */
  readonly kubernetes?: KubernetesVersion;
  /** First build on 2 cores. */
  readonly expectedMs: number;
  readonly build: (output: string, advance: (fraction: number) => void) => Promise<void>;
}

/**
 * The default version is the module of the folder itself; another one is built from the same main.go by a go.mod of its
 * own.
 */
function kubernetesOf(version: KubernetesVersion): Component {
  const folder = `kubernetes-${minorOf(version)}`;
  const isDefault = version === DEFAULT_KUBERNETES;
  const module = isDefault ? {} : { moduleFile: join(SOURCES, folder, 'go.mod') };
  return {
    name: `Kubernetes ${version}`,
    sources: isDefault ? ['kubernetes'] : ['kubernetes/main.go', folder],
    stem: 'kubernetes',
    programs: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy', 'kubectl'],
    kubernetes: version,
    expectedMs: 540_000,
    build: (output, advance) => build('kubernetes', { output, advance, linkerFlags: versionFlags(version), ...module }),
  };
}

function versionFlags(version: KubernetesVersion): string {
  const [major, minor] = version.split('.');
  const values = { gitVersion: `v${version}`, gitMajor: major, gitMinor: minor };
  return Object.entries(values)
    .map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
    .join(' ');
}

/** What is the same beside every version of Kubernetes. */
const OTHERS: readonly Component[] = [
  {
    name: 'agnhost (test server)',
    sources: ['kubernetes'],
    stem: 'agnhost',
    programs: ['agnhost'],
    expectedMs: 90_000,
    build: (output, advance) =>
      build('kubernetes', { output, advance, target: 'k8s.io/kubernetes/test/images/agnhost' }),
  },
  {
    name: 'etcd',
    sources: ['etcd'],
    stem: 'etcd',
    programs: ['etcd'],
    expectedMs: 35_000,
    build: (output, advance) => build('etcd', { output, advance }),
  },
  {
    name: 'CoreDNS',
    sources: ['coredns'],
    stem: 'coredns',
    programs: ['coredns'],
    expectedMs: 95_000,
    build: (output, advance) => build('coredns', { output, advance }),
  },
  {
    name: 'pause',
    sources: ['pause'],
    stem: 'pause',
    programs: ['pause'],
    expectedMs: 1_000,
    build: async (output) => {
      const source = join(SOURCES, 'pause', 'pause.c');
      await run(['gcc', '-Wall', '-Wextra', '-Werror', '-O2', '-static', '-s', '-o', output, source]);
    },
  },
  {
    name: 'promtool (tests of alerts)',
    sources: ['promtool'],
    stem: 'promtool',
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

function componentsOf(version: KubernetesVersion): readonly Component[] {
  return [kubernetesOf(version), ...OTHERS];
}

/**
 * The folder with all programs, or undefined when some are still to be built. Fast: reads only the build's own files.
 */
export function findBinaries(version = kubernetesOfEnvironment()): string | undefined {
  const given = process.env.BERTH_LAB_BIN;
  if (given !== undefined && given !== '') return assertComplete(given, version);
  const folder = linkFolder(version ?? DEFAULT_KUBERNETES);
  return PROGRAMS.every((program) => existsSync(join(folder, program))) ? folder : undefined;
}

/** Builds what is missing and returns the folder with all programs. Two runs at once build once. */
export async function ensureBinaries(
  version = kubernetesOfEnvironment(),
  output: ProgressOutput = process.stderr,
): Promise<string> {
  const found = findBinaries(version);
  if (found !== undefined) return found;
  const notice = setTimeout(() => output.write('lab: another run builds the programs; waiting for it\n'), 1_000);
  return withLock(join(cacheFolder(), 'build.lock'), async () => {
    clearTimeout(notice);
    return findBinaries(version) ?? (await buildMissing(version ?? DEFAULT_KUBERNETES, output));
  }).finally(() => clearTimeout(notice));
}

async function buildMissing(version: KubernetesVersion, output: ProgressOutput): Promise<string> {
  const missing = componentsOf(version).filter((component) => !existsSync(cachedFile(component)));
  const steps = missing.map(({ name, expectedMs }) => ({ name: `build ${name}`, expectedMs }));
  const reporter = new ProgressReporter(steps, output);
  for (const component of missing) {
    reporter.begin();
    const file = cachedFile(component);
    const temporary = `${file}.tmp`;
    await mkdir(dirname(file), { recursive: true });
    try {
      await component.build(temporary, (fraction) => reporter.advance(fraction));
      await rename(temporary, file);
    } finally {
      reporter.end();
      await rm(temporary, { force: true });
    }
  }
  return linkPrograms(version);
}

/** One folder with a link for each name; the multi-call binary looks at the name that it is called by. */
async function linkPrograms(version: KubernetesVersion): Promise<string> {
  const folder = linkFolder(version);
  await mkdir(dirname(folder), { recursive: true });
  const temporary = await mkdtemp(`${folder}.tmp-`);
  for (const component of componentsOf(version)) {
    const target = relative(folder, cachedFile(component));
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
  /** Absolute path of a go.mod to build by, with its go.sum beside it. @default the one of the folder */
  readonly moduleFile?: string;
  /** Package to build. @default the module's own main */
  readonly target?: string;
  /** Build tags. @default none */
  readonly tags?: string;
}

async function build(folder: string, wanted: GoTarget): Promise<void> {
  const { output, advance, linkerFlags, moduleFile, target = '.', tags } = wanted;
  const linking = ['-s -w', linkerFlags].filter((part) => part !== undefined).join(' ');
  const module = moduleFile === undefined ? [] : [`-modfile=${moduleFile}`];
  const flags = [...module, '-trimpath', ...(tags ? ['-tags', tags] : []), '-ldflags', linking];
  await goBuild({ module: join(SOURCES, folder), target, flags, output, advance });
}

function cachedFile({ stem, sources, kubernetes }: Component): string {
  return join(cacheFolder(kubernetes), `${stem}-${hashOf(sources)}`);
}

function linkFolder(version: KubernetesVersion): string {
  return join(cacheFolder(version), `bin-${hashOf(componentsOf(version).flatMap(({ sources }) => sources))}`);
}

/** Where everything of a version is cached; without one, what is of no version. */
export function cacheFolder(version = DEFAULT_KUBERNETES): string {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(cache, 'berth-lab', version);
}

/** Twelve hexadecimal digits over names and contents of files, and of the files of folders. */
function hashOf(sources: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of [...new Set(sources)].flatMap(filesOf))
    hash.update(`${file}\0`).update(readFileSync(join(SOURCES, file)));
  return hash.digest('hex').slice(0, 12);
}

function filesOf(source: string): string[] {
  const path = join(SOURCES, source);
  if (statSync(path).isFile()) return [source];
  return readdirSync(path)
    .sort()
    .map((name) => `${source}/${name}`);
}

function assertComplete(folder: string, version: KubernetesVersion | undefined): string {
  const place = `lab: BERTH_LAB_BIN=${JSON.stringify(folder)}`;
  if (version !== undefined && version !== DEFAULT_KUBERNETES)
    throw new Error(`${place}: its programs are of one version; unset it to build Kubernetes ${version}`);
  const missing = PROGRAMS.filter((program) => !existsSync(join(folder, program)));
  if (missing.length === 0) return folder;
  throw new Error(`${place}: not there: ${missing.join(', ')}`);
}
