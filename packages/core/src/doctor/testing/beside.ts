// SPDX-License-Identifier: Apache-2.0
/** What runs beside Berth in a sample: nothing, or what a test adds. */
import type { DoctorObjects, KubeContainer, KubeWorkload } from '../objects.ts';

export const NOTHING_BESIDE: DoctorObjects = {
  ...{ daemonSets: [], deployments: [], pods: [], systemMaps: [], written: [], unread: [] },
  ...{ ciliumPools: [], felixConfigurations: [], bgpConfigurations: [] },
};

/** A DaemonSet or Deployment of one container. */
export function workloadOf(
  at: string,
  container: KubeContainer,
  labels: Readonly<Record<string, string>> = {},
): KubeWorkload {
  const [namespace = '', name = ''] = at.split('/');
  return { metadata: { namespace, name, labels }, spec: { template: { spec: { containers: [container] } } } };
}

/** MetalLB as its manifests install it. */
export function metallbWorkloads(args: readonly string[] = []): Pick<DoctorObjects, 'daemonSets' | 'deployments'> {
  return {
    daemonSets: [workloadOf('metallb-system/speaker', { image: 'quay.io/metallb/speaker:v0.15.2', args })],
    deployments: [workloadOf('metallb-system/controller', { image: 'quay.io/metallb/controller:v0.15.2', args })],
  };
}
