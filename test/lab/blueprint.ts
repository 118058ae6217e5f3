// SPDX-License-Identifier: Apache-2.0

// A lab as a value: what it is to be and where its parts are. The functions
// give each part (network, control plane, node) the view that it works on.

import { join } from 'node:path';
import { type AddressPlan, addressPlan, type Host, isNode } from './address-plan.ts';
import { type ControlPlane, kubeconfigOf } from './control-plane.ts';
import type { LabNode } from './lab-node.ts';
import { type LabNetwork, namespaceName } from './network.ts';
import { type LabPaths, labPaths, type SavedLab } from './state.ts';

export interface Blueprint {
  readonly paths: LabPaths;
  readonly saved: SavedLab;
  readonly plan: AddressPlan;
  /** Folder with the program files. */
  readonly binaries: string;
}

export function blueprintOf(name: string, saved: SavedLab, binaries: string): Blueprint {
  return { paths: labPaths(name), saved, plan: addressPlan(saved), binaries };
}

export function networkOf({ paths, saved, plan }: Blueprint): LabNetwork {
  return { name: paths.name, shape: saved, plan };
}

export function controlPlaneOf({ paths, saved, plan, binaries }: Blueprint): ControlPlane {
  return { paths, lab: saved, plan, binaries, namespace: namespaceName(paths.name, 'cp') };
}

export function nodesOf(blueprint: Blueprint): LabNode[] {
  return blueprint.plan.hosts.filter(isNode).map((host) => nodeOf(blueprint, host));
}

/** The view of a host as a node; `cp` has one for its kube-proxy. */
export function nodeOf(blueprint: Blueprint, host: Host): LabNode {
  const { paths, saved, plan, binaries } = blueprint;
  return {
    paths,
    plan,
    host,
    binaries,
    kubeProxy: saved.kubeProxy,
    namespace: namespaceName(paths.name, host.name),
    folder: join(paths.run, host.name),
    data: join(paths.data, host.name),
    kubeconfigOf: (account) => kubeconfigOf(controlPlaneOf(blueprint), account),
  };
}
