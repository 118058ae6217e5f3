// SPDX-License-Identifier: Apache-2.0
/** The parts of a MetalLB in a cluster, however it was installed: manifests, chart, operator, addon of MicroK8s. */
import { DEFAULT_LOAD_BALANCER_CLASS } from '../service/load-balancer-class.ts';
import type { DoctorObjects, KubeWorkload } from './objects.ts';
import { argumentOf, containerOfImage, containersOf, isWanted } from './workload.ts';

/** As the API server calls MetalLB's controller where it writes a status: the name of its program. */
export const METALLB_MANAGER = 'controller';

/** What MetalLB consists of. */
export type MetallbPart = 'controller' | 'speaker';

export interface Metallb {
  /** Undefined: it is not there. */
  readonly controller: KubeWorkload | undefined;
  readonly speaker: KubeWorkload | undefined;
  readonly namespace: string;
  /** Class of the Services that it serves; empty: those without a class. */
  readonly loadBalancerClass: string;
}

type Workloads = Pick<DoctorObjects, 'daemonSets' | 'deployments'>;

/** Undefined: there is none. */
export function metallbOf({ daemonSets, deployments }: Workloads): Metallb | undefined {
  const controller = deployments.find((one) => isPart(one, 'controller'));
  const speaker = daemonSets.find((one) => isPart(one, 'speaker'));
  const any = speaker ?? controller;
  if (any === undefined) return undefined;
  const classes = [controller, speaker].flatMap((one) => (one === undefined ? [] : containersOf(one)));
  const loadBalancerClass = classes.map((one) => argumentOf(one, 'lb-class')).find((one) => one !== undefined) ?? '';
  return { controller, speaker, namespace: any.metadata.namespace ?? '', loadBalancerClass };
}

/** Whether any pod of it is wanted. */
export function isMetallbWanted({ controller, speaker }: Metallb): boolean {
  return [controller, speaker].some((one) => one !== undefined && isWanted(one));
}

/** Whether it and Berth serve the same Services. */
export function servesSameServices({ loadBalancerClass }: Metallb, ours: string): boolean {
  return loadBalancerClass === '' ? ours === DEFAULT_LOAD_BALANCER_CLASS : loadBalancerClass === ours;
}

/** Whether these labels are those of a part of MetalLB, as its manifests, its chart and its operator have them. */
export function isLabelledMetallb(labels: Readonly<Record<string, string>> = {}, part: MetallbPart): boolean {
  const isMetallb = labels['app.kubernetes.io/name'] === 'metallb' || labels.app === 'metallb';
  return isMetallb && (labels['app.kubernetes.io/component'] ?? labels.component) === part;
}

// By the image, or by the labels, where somebody has put the image elsewhere.
function isPart(workload: KubeWorkload, part: MetallbPart): boolean {
  if (containerOfImage(containersOf(workload), `metallb/${part}`) !== undefined) return true;
  return isLabelledMetallb(workload.metadata.labels, part);
}
