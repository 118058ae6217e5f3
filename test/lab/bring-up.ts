// SPDX-License-Identifier: Apache-2.0

// Brings a lab to full health from whatever state it is in: builds what is not
// there, starts what has ended, undoes faults.

import { mkdir, statfs } from 'node:fs/promises';
import { addressPlan, hostNamed } from './address-plan.ts';
import { ApiClient } from './api-client.ts';
import { type Blueprint, controlPlaneOf, networkOf, nodeOf, nodesOf } from './blueprint.ts';
import { ensureRuntime } from './container-runtime.ts';
import { ensureControlPlane } from './control-plane.ts';
import { ensureDns } from './dns.ts';
import { thawAll } from './faults.ts';
import { ensureImages } from './images.ts';
import { buildNetwork, existingNamespaces, hasRootLink, namespacesOf, setCable } from './network.ts';
import { registerNode, startKubelet, startKubeProxy, waitForNode } from './node.ts';
import { run } from './run.ts';
import { type LabPaths, readSavedLab } from './state.ts';

/** OVERLAYFS_SUPER_MAGIC of linux/magic.h. */
const OVERLAY_MAGIC = 0x794c7630;

/** Called with what is being done, one line each. */
export type Report = (line: string) => void;

/** True when the lab's state and all of its network are there; its programs may have ended. */
export async function isWhole(paths: LabPaths): Promise<boolean> {
  const saved = await readSavedLab(paths);
  if (saved === undefined) return false;
  const present = await presentNamespaces(paths.name);
  // The switch's namespace is counted beside the hosts'.
  return present.length === addressPlan(saved).hosts.length + 1 && hasRootLink(saved);
}

/** Wants a lab that is whole, or of which nothing is there. Returns when every node is Ready. */
export async function bringUp(blueprint: Blueprint, report: Report): Promise<void> {
  await ensureNetwork(blueprint, report);
  report('control plane');
  await ensureDataFolder(blueprint.paths.data);
  // Neither needs the other, and both mostly wait.
  await Promise.all([ensureControlPlane(controlPlaneOf(blueprint)), ensureRuntimes(blueprint)]);
  if (blueprint.saved.nodes > 0) await ensureNodes(blueprint, report);
}

/** Snapshots are overlays, and an overlay cannot have its upper layer on another, as in a container: memory then. */
async function ensureDataFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  if ((await statfs(folder)).type === OVERLAY_MAGIC) await run(['mount', '-t', 'tmpfs', 'berth-lab', folder]);
}

async function ensureNetwork(blueprint: Blueprint, report: Report): Promise<void> {
  const { paths, plan } = blueprint;
  const network = networkOf(blueprint);
  if ((await presentNamespaces(paths.name)).length === 0) {
    report('network');
    await buildNetwork(network);
    return;
  }
  for (const host of plan.hosts) await setCable(network, host, { position: 'up' });
  await thawAll(paths);
}

async function ensureRuntimes(blueprint: Blueprint): Promise<void> {
  const nodes = nodesOf(blueprint);
  if (nodes.length === 0) return;
  const images = await ensureImages(blueprint.binaries);
  await Promise.all(nodes.map((node) => ensureRuntime(node, images)));
}

async function ensureNodes(blueprint: Blueprint, report: Report): Promise<void> {
  const nodes = nodesOf(blueprint);
  report(`${nodes.length} nodes`);
  const client = await ApiClient.fromKubeconfig(blueprint.paths.kubeconfig);
  await Promise.all(nodes.map((node) => registerNode(node, client)));
  await Promise.all(nodes.flatMap((node) => [startKubelet(node), startKubeProxy(node)]));
  // The API server's calls to webhook Services start in `cp`.
  await startKubeProxy(nodeOf(blueprint, hostNamed(blueprint.plan, 'cp')));
  await ensureDns(controlPlaneOf(blueprint), client);
  await Promise.all(nodes.map((node) => waitForNode(node, client)));
}

async function presentNamespaces(name: string): Promise<string[]> {
  return namespacesOf(name, await existingNamespaces());
}
