// SPDX-License-Identifier: Apache-2.0

// Where a node of the lab has its things.

import type { AddressPlan, Host } from './address-plan.ts';
import type { KubeProxyMode, LabPaths } from './state.ts';

export interface LabNode {
  readonly paths: LabPaths;
  readonly plan: AddressPlan;
  readonly host: Host;
  readonly namespace: string;
  /** Folder with the program files. */
  readonly binaries: string;
  readonly kubeProxy: KubeProxyMode;
  /** Small files and sockets of this node. */
  readonly folder: string;
  /** Images, snapshots, volumes. */
  readonly data: string;
  /** Name of the kubeconfig of a program, by account. */
  readonly kubeconfigOf: (account: string) => string;
}
