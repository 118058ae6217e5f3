// SPDX-License-Identifier: Apache-2.0

// What a lab remembers between commands: one folder below /run/berth-lab with
// its shape, its kubeconfig, a record of each process and their logs.

import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Family, type LabShape, lanOf, MAX_LABS } from './address-plan.ts';
import { DEFAULT_KUBERNETES, type KubernetesVersion, parseKubernetesVersion } from './kubernetes-versions.ts';
import { withLock } from './lock.ts';
import { run } from './run.ts';

export const RUN_FOLDER = '/run/berth-lab';
/** Large data: images, snapshots, etcd. On disk, since /run is often a small tmpfs. */
export const DATA_FOLDER = '/var/lib/berth-lab';

/** At most 20 characters, so that socket paths stay below the kernel's 108. */
const NAME_PATTERN = /^[a-z][a-z0-9-]{0,19}$/;

export interface LabPaths {
  readonly name: string;
  readonly run: string;
  readonly data: string;
  readonly shape: string;
  readonly lock: string;
  readonly kubeconfig: string;
  readonly pids: string;
  readonly logs: string;
}

/** Paths of the lab of that name. Throws on a name that cannot be one. */
export function labPaths(name: string): LabPaths {
  if (!NAME_PATTERN.test(name)) {
    throw new Error(
      `lab: name ${JSON.stringify(name)}: want a lower-case letter, then at most 19 letters, digits or hyphens`,
    );
  }
  const folder = join(RUN_FOLDER, name);
  return {
    name,
    run: folder,
    data: join(DATA_FOLDER, name),
    shape: join(folder, 'lab.json'),
    lock: join(RUN_FOLDER, `${name}.lock`),
    kubeconfig: join(folder, 'kubeconfig'),
    pids: join(folder, 'pids'),
    logs: join(folder, 'logs'),
  };
}

/** How a kube-proxy brings packets to pods. What is not here, the kernels that labs run on may lack (IPVS). */
export const KUBE_PROXY_MODES = ['nftables', 'iptables'] as const;

export type KubeProxyMode = (typeof KUBE_PROXY_MODES)[number];

export const DEFAULT_KUBE_PROXY_MODE: KubeProxyMode = 'nftables';

export interface SavedLab extends LabShape {
  /** Seconds after which a silent node turns NotReady. */
  readonly nodeGraceSeconds: number;
  readonly kubernetes: KubernetesVersion;
  readonly kubeProxy: KubeProxyMode;
}

/** The saved lab of that name, or undefined when there is none. */
export async function readSavedLab(paths: LabPaths): Promise<SavedLab | undefined> {
  try {
    return parseSavedLab(await readFile(paths.shape, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`lab: state ${JSON.stringify(paths.shape)}: ${(error as Error).message}`, { cause: error });
  }
}

/** Decodes lab.json. Throws on anything that this version did not write. */
export function parseSavedLab(text: string): SavedLab {
  const value: Partial<Record<keyof SavedLab, unknown>> = JSON.parse(text);
  const whole = (field: 'index' | 'nodes' | 'segments' | 'nodeGraceSeconds'): number => {
    const found = value[field];
    if (typeof found === 'number' && Number.isFinite(found)) return found;
    throw new Error(`${field}: got ${JSON.stringify(found)}, want a number`);
  };
  return {
    index: whole('index'),
    nodes: whole('nodes'),
    segments: whole('segments'),
    nodeGraceSeconds: whole('nodeGraceSeconds'),
    family: parseFamily(value.family),
    // A lab that an older tree brought up names none.
    kubernetes: parseKubernetesVersion(String(value.kubernetes ?? DEFAULT_KUBERNETES)),
    kubeProxy: parseKubeProxyMode(value.kubeProxy ?? DEFAULT_KUBE_PROXY_MODE),
  };
}

export function parseFamily(value: unknown): Family {
  if (value === 'ipv4' || value === 'ipv6' || value === 'dual') return value;
  throw new Error(`family: got ${JSON.stringify(value)}, want ipv4, ipv6 or dual`);
}

export function parseKubeProxyMode(value: unknown): KubeProxyMode {
  const found = KUBE_PROXY_MODES.find((mode) => mode === value);
  if (found !== undefined) return found;
  throw new Error(`kubeProxy: got ${JSON.stringify(value)}, want ${KUBE_PROXY_MODES.join(' or ')}`);
}

/**
 * Returns the saved lab of that name, or saves one with the lowest index that
 * is free: used by no other lab, and its subnets are on no route of this machine.
 */
export async function reserveLab(paths: LabPaths, wanted: Omit<SavedLab, 'index'>): Promise<SavedLab> {
  return withLock(join(RUN_FOLDER, 'index.lock'), async () => {
    const saved = await readSavedLab(paths);
    if (saved !== undefined) return saved;
    const taken = new Set((await allSavedLabs()).map((other) => other.index));
    const routes = await run(['ip', 'route', 'show', 'table', 'all']);
    const index = lowestFreeIndex(wanted, taken, routes);
    const lab = { ...wanted, index };
    await mkdir(paths.run, { recursive: true });
    await writeAtomically(paths.shape, `${JSON.stringify(lab, null, 2)}\n`);
    return lab;
  });
}

/** The lowest index that no lab holds and whose IPv4 subnets `ip route` does not show. Throws when there is none. */
export function lowestFreeIndex(wanted: Omit<LabShape, 'index'>, taken: ReadonlySet<number>, routes: string): number {
  for (let index = 0; index < MAX_LABS; index++) {
    const shape = { ...wanted, index, family: 'dual' as const };
    const segments = Array.from({ length: wanted.segments }, (_, offset) => lanOf(shape, offset + 1));
    const isOnMachine = segments.flat().some((subnet) => routes.includes(subnet));
    if (!taken.has(index) && !isOnMachine) return index;
  }
  throw new Error(`lab: no free index: all ${MAX_LABS} are taken; take a lab down first`);
}

/** Names of all labs that left a folder, whole or half. */
export async function labNames(): Promise<string[]> {
  const entries = await readdir(RUN_FOLDER, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory() && NAME_PATTERN.test(entry.name)).map((entry) => entry.name);
}

async function allSavedLabs(): Promise<SavedLab[]> {
  const saved: SavedLab[] = [];
  for (const name of await labNames()) {
    const lab = await readSavedLab(labPaths(name));
    if (lab !== undefined) saved.push(lab);
  }
  return saved;
}

/** Writes a file so that a reader sees the old text or the new one, never a part. */
export async function writeAtomically(file: string, text: string, mode = 0o644): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, text, { mode });
  await rename(temporary, file);
}

/** Writes a file only when its text is another: kube-proxy ends when its configuration is touched. */
export async function writeIfChanged(file: string, text: string): Promise<void> {
  const present = await readFile(file, 'utf8').catch(() => undefined);
  if (present !== text) await writeAtomically(file, text);
}
