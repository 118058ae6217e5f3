// SPDX-License-Identifier: Apache-2.0
/** Kinds of other products and of the cluster itself, which commands look at or stop. */
import type { KubeForeign, KubePod, KubeWorkload } from '@berth/core';
import type { KubeObject, Resource } from '@berth/kube';

export const deployments: Resource<KubeWorkload> = kindOf('apps/v1', 'Deployment', 'deployments');
export const daemonSets: Resource<KubeWorkload> = kindOf('apps/v1', 'DaemonSet', 'daemonsets');
export const pods: Resource<KubePod> = kindOf('v1', 'Pod', 'pods');

/** A kind that another product defines; objects of all namespaces, or of the cluster. */
export function foreignKind(apiVersion: string, kind: string, scope: 'Namespaced' | 'Cluster'): Resource<KubeForeign> {
  const plural = `${kind.toLowerCase()}s`;
  return { apiVersion, kind, plural, namespaced: scope === 'Namespaced' };
}

function kindOf<T extends KubeObject>(apiVersion: string, kind: string, plural: string): Resource<T> {
  return { apiVersion, kind, plural, namespaced: true };
}
