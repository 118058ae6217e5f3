// SPDX-License-Identifier: Apache-2.0

// A real Kubernetes cluster on this machine: etcd, API server, controller
// manager, and N nodes in network namespaces on one emulated LAN. Tests, demo,
// benchmarks and people use the same class.

import { join } from 'node:path';
import { type AddressPlan, type Family, hostNamed, isNode } from './address-plan.ts';
import { ApiClient } from './api-client.ts';
import { ensureBinaries } from './binaries.ts';
import { type Blueprint, blueprintOf, controlPlaneOf, networkOf, nodesOf } from './blueprint.ts';
import { bringUp, isWhole, type Report } from './bring-up.ts';
import { importImage } from './container-runtime.ts';
import {
  auditLog,
  backUpEtcd,
  certificateFile,
  restoreEtcd,
  startApiServer,
  stopApiServer,
  waitForApiServer,
} from './control-plane.ts';
import { type Fault, type FaultTarget, inflict } from './faults.ts';
import { DEFAULT_KUBERNETES, type KubernetesVersion, kubernetesOfEnvironment } from './kubernetes-versions.ts';
import { withLock } from './lock.ts';
import { processesOfHost } from './members.ts';
import { cablePosition, namespaceName, setCable } from './network.ts';
import { runningPrograms } from './processes.ts';
import { inNamespace, type RunOptions, type RunResult, run, tryRun } from './run.ts';
import {
  DEFAULT_KUBE_PROXY_MODE,
  type KubeProxyMode,
  labPaths,
  readSavedLab,
  reserveLab,
  type SavedLab,
} from './state.ts';
import { tearDown } from './tear-down.ts';

export interface LabOptions {
  /** Two labs of different names run side by side. @default 'lab' */
  readonly name?: string;
  /** Cluster nodes; 0 is a control plane alone, up in a few seconds. @default 3 */
  readonly nodes?: number;
  /** Address families of LAN, pods and Services. @default 'dual' */
  readonly family?: Family;
  /** Layer-2 segments; every host has an interface on each. @default 1 */
  readonly segments?: number;
  /** Seconds after which a silent node turns NotReady. @default 4 */
  readonly nodeGraceSeconds?: number;
  /** Version of Kubernetes. @default what the environment names, or else the newest */
  readonly kubernetes?: KubernetesVersion;
  /** How kube-proxy brings packets to pods. @default 'nftables' */
  readonly kubeProxy?: KubeProxyMode;
  /** Told what is being done, one line each. @default silent */
  readonly report?: Report;
}

export const DEFAULT_NAME = 'lab';
const DEFAULTS = {
  nodes: 3,
  family: 'dual',
  segments: 1,
  nodeGraceSeconds: 4,
  kubernetes: DEFAULT_KUBERNETES,
  kubeProxy: DEFAULT_KUBE_PROXY_MODE,
} as const;

export class Lab {
  readonly #blueprint: Blueprint;

  private constructor(blueprint: Blueprint) {
    this.#blueprint = blueprint;
  }

  /** Brings a lab up, or back to health when parts of it have ended. Idempotent. */
  static async up(options: LabOptions = {}): Promise<Lab> {
    const name = options.name ?? DEFAULT_NAME;
    const paths = labPaths(name);
    if (process.getuid?.() !== 0) throw new Error('lab: network namespaces want root; run it with sudo');
    const wanted = definedOf(options);
    const saved = await readSavedLab(paths);
    const version = wanted.kubernetes ?? saved?.kubernetes;
    const binaries = await ensureBinaries(version);
    return withLock(paths.lock, async () => {
      const report = options.report ?? (() => {});
      // Half a lab is not mended but made anew; what it left must not stop that.
      if (!(await isWhole(paths))) await tearDown(paths);
      const saved = await reserveLab(paths, { ...DEFAULTS, ...wanted });
      assertSameShape(name, saved, wanted);
      const blueprint = blueprintOf(name, saved, binaries);
      await bringUp(blueprint, report);
      return new Lab(blueprint);
    });
  }

  /** The lab of that name that is already up. Throws when there is none. */
  static async attach(name: string = DEFAULT_NAME): Promise<Lab> {
    const saved = await readSavedLab(labPaths(name));
    if (saved === undefined) throw new Error(`lab: ${JSON.stringify(name)} is not up (npm run lab -- up)`);
    return new Lab(blueprintOf(name, saved, await ensureBinaries(saved.kubernetes)));
  }

  /** Removes every process, mount, namespace, link and file of a lab, in whatever state it is. */
  static async down(name: string = DEFAULT_NAME): Promise<void> {
    const paths = labPaths(name);
    await withLock(paths.lock, () => tearDown(paths));
  }

  get name(): string {
    return this.#blueprint.paths.name;
  }

  /** Every address of the lab. */
  get plan(): AddressPlan {
    return this.#blueprint.plan;
  }

  /** Path of a kubeconfig that works with any client on this machine. */
  get kubeconfig(): string {
    return this.#blueprint.paths.kubeconfig;
  }

  /** The certificate that the API server made for itself, its own authority; the key lies beside it. */
  get apiServerCertificate(): string {
    return certificateFile(controlPlaneOf(this.#blueprint));
  }

  /** The API server's record of what Berth's ServiceAccounts asked for, one JSON object a line. */
  get auditLog(): string {
    return auditLog(this.#blueprint.paths);
  }

  /** Folder with one log per program: HOST-PROGRAM.log. */
  get logs(): string {
    return this.#blueprint.paths.logs;
  }

  /** Names of all hosts: cp, node-1 ..., client. */
  get hosts(): string[] {
    return this.plan.hosts.map((host) => host.name);
  }

  /** Names of the nodes: node-1 ... */
  get nodes(): string[] {
    return this.plan.hosts.filter(isNode).map(({ name }) => name);
  }

  /** The host's network namespace, below /run/netns. */
  namespaceOf(host: string): string {
    return namespaceName(this.name, hostNamed(this.plan, host).name);
  }

  /** The argument vector that runs `argv` on a host, for callers that spawn it themselves. */
  argvOn(host: string, argv: readonly string[]): string[] {
    return inNamespace(this.namespaceOf(host), argv);
  }

  /** Runs a program in a host's network namespace to its end. Rejects when its exit code is not 0. */
  exec(host: string, argv: readonly string[], options: Omit<RunOptions, 'namespace'> = {}): Promise<string> {
    return run(argv, { ...options, namespace: this.namespaceOf(host) });
  }

  /** As `exec`, but returns whatever the exit code is. */
  tryExec(host: string, argv: readonly string[], options: Omit<RunOptions, 'namespace'> = {}): Promise<RunResult> {
    return tryRun(argv, { ...options, namespace: this.namespaceOf(host) });
  }

  /** kubectl against this lab; returns what it printed. */
  kubectl(args: readonly string[], options: Omit<RunOptions, 'namespace' | 'env'> = {}): Promise<string> {
    return run([this.program('kubectl'), ...args], { ...options, env: { KUBECONFIG: this.kubeconfig } });
  }

  /** Path of one of the lab's programs. */
  program(name: string): string {
    return join(this.#blueprint.binaries, name);
  }

  /** Pulls or plugs a host's cable: all its segments, or only one. */
  async cable(host: string, position: 'up' | 'down', segment?: number): Promise<void> {
    await setCable(networkOf(this.#blueprint), hostNamed(this.plan, host), {
      position,
      ...(segment === undefined ? {} : { segment }),
    });
  }

  /** The position of a host's cable on segment 1. */
  cablePosition(host: string): Promise<'up' | 'down'> {
    return cablePosition(networkOf(this.#blueprint), hostNamed(this.plan, host));
  }

  /** The lab's own programs that run on a host. */
  programsOn(host: string): Promise<string[]> {
    return runningPrograms(this.#blueprint.paths, hostNamed(this.plan, host).name);
  }

  /** Ids of all processes on a host: the lab's programs, its pods, and what callers run there. */
  processIds(host: string): Promise<number[]> {
    return processesOfHost(this.#blueprint.paths, hostNamed(this.plan, host).name);
  }

  /** Freezes (SIGSTOP) the speaker of a node, or all that runs on it. Its kernel goes on. */
  freeze(node: string, target: FaultTarget = 'speaker'): Promise<void> {
    return this.#inflict('freeze', node, target);
  }

  thaw(node: string, target: FaultTarget = 'speaker'): Promise<void> {
    return this.#inflict('thaw', node, target);
  }

  /**
   * Kills (SIGKILL) the speaker of a node, which its kubelet starts again, or all that runs on it, until the next `up`.
   */
  kill(node: string, target: FaultTarget = 'speaker'): Promise<void> {
    return this.#inflict('kill', node, target);
  }

  /** Imports an OCI or docker archive into every node. */
  async load(archive: string): Promise<void> {
    await Promise.all(nodesOf(this.#blueprint).map((node) => importImage(node, archive)));
  }

  /** Stops the API server: 'gently' lets it end its requests, 'crash' is a SIGKILL. Its data stay. */
  stopApiServer(how: 'gently' | 'crash' = 'gently'): Promise<void> {
    return stopApiServer(controlPlaneOf(this.#blueprint), how);
  }

  /** Starts the API server and waits until it is ready. */
  async startApiServer(): Promise<void> {
    await startApiServer(controlPlaneOf(this.#blueprint));
    await waitForApiServer(controlPlaneOf(this.#blueprint), await ApiClient.fromKubeconfig(this.kubeconfig));
  }

  async restartApiServer(how: 'gently' | 'crash' = 'gently'): Promise<void> {
    await this.stopApiServer(how);
    await this.startApiServer();
  }

  /** Copies etcd's data and returns where the copy is. The API server waits for etcd meanwhile. */
  async backUpEtcd(): Promise<string> {
    const backup = await backUpEtcd(controlPlaneOf(this.#blueprint));
    await waitForApiServer(controlPlaneOf(this.#blueprint), await ApiClient.fromKubeconfig(this.kubeconfig));
    return backup;
  }

  /**
   * Goes back to a copy of etcd's data as Kubernetes' documentation says: the API server is stopped, and started when
   * it is done.
   */
  async restoreEtcd(backup: string): Promise<void> {
    await this.stopApiServer('crash');
    await restoreEtcd(controlPlaneOf(this.#blueprint), backup);
    await this.startApiServer();
  }

  /** Resets every connection that the API server has open with a client outside `cp`; new ones are accepted at once. */
  async dropApiConnections(): Promise<void> {
    await this.exec('cp', ['ss', '--kill', '--tcp', 'state', 'established', 'sport', '=', ':6443']);
  }

  down(): Promise<void> {
    return Lab.down(this.name);
  }

  async #inflict(fault: Fault, node: string, target: FaultTarget): Promise<void> {
    await inflict(fault, this.#blueprint.paths, { host: hostNamed(this.plan, node).name, target });
  }
}

function definedOf(options: LabOptions): Partial<Omit<SavedLab, 'index'>> {
  const { nodes, family, segments, nodeGraceSeconds, kubernetes = kubernetesOfEnvironment(), kubeProxy } = options;
  const wanted = { nodes, family, segments, nodeGraceSeconds, kubernetes, kubeProxy };
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
}

function assertSameShape(name: string, saved: SavedLab, wanted: Partial<SavedLab>): void {
  for (const [field, value] of Object.entries(wanted)) {
    const present = saved[field as keyof SavedLab];
    if (present === value) continue;
    throw new Error(`lab: ${JSON.stringify(name)} is up with ${field} ${present}, not ${value}; take it down first`);
  }
}
