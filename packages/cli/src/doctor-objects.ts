// SPDX-License-Identifier: Apache-2.0
/** Reads what runs beside Berth. A kind that the cluster does not have is empty; what may not be read is named. */
import type { DoctorObjects } from '@berth/core';
import { configMaps, isKubeError, type KubeApi, type KubeObject, type Resource, services } from '@berth/kube';
import { findObject, listAll } from './cluster-state.ts';
import { daemonSets, deployments, foreignKind, pods } from './workloads.ts';

const SYSTEM_NAMESPACE = 'kube-system';
/** How kube-proxy and Cilium are set up. */
const SYSTEM_MAPS = ['kube-proxy', 'cilium-config'];
/** Cilium 1.18 and later, and before. */
const CILIUM_POOLS = ['cilium.io/v2', 'cilium.io/v2alpha1'].map((version) =>
  foreignKind(version, 'CiliumLoadBalancerIPPool', 'Cluster'),
);
const CALICO = 'crd.projectcalico.org/v1';

export async function readDoctorObjects(api: KubeApi): Promise<DoctorObjects> {
  const unread: string[] = [];
  const allowed = async <T>(what: string, read: Promise<readonly T[]>): Promise<readonly T[]> => {
    try {
      return await read;
    } catch (error) {
      if (isKubeError(error, 'forbidden')) unread.push(what);
      else if (!isKubeError(error, 'not-found')) throw error;
      return [];
    }
  };
  const read = <T extends KubeObject>(kind: Resource<T>) => allowed(kind.plural, listAll(api, kind));
  const systemMap = async (name: string) => {
    const found = await findObject(api, configMaps, { namespace: SYSTEM_NAMESPACE, name });
    return found === undefined ? [] : [found];
  };
  const [sets, all, everyPod, systemMaps, written, felixConfigurations, bgpConfigurations, ...pools] =
    await Promise.all([
      read(daemonSets),
      read(deployments),
      read(pods),
      Promise.all(SYSTEM_MAPS.map((name) => allowed(`configmaps in ${SYSTEM_NAMESPACE}`, systemMap(name)))),
      read(services),
      read(foreignKind(CALICO, 'FelixConfiguration', 'Cluster')),
      read(foreignKind(CALICO, 'BGPConfiguration', 'Cluster')),
      ...CILIUM_POOLS.map((kind) => read(kind)),
    ]);
  return {
    ...{ daemonSets: sets, deployments: all, pods: everyPod, systemMaps: systemMaps.flat(), written },
    ...{ felixConfigurations, bgpConfigurations, ciliumPools: pools.flat() },
    unread: [...new Set(unread)].sort(),
  };
}
