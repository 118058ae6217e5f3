// SPDX-License-Identifier: Apache-2.0
/** What a DaemonSet, a Deployment or a pod runs, and how. */
import type { DoctorObjects, KubeContainer, KubePod, KubeWorkload } from './objects.ts';

/** Configuration of Cilium, in the namespace kube-system. */
export const CILIUM_MAP = 'cilium-config';

/** The data of a ConfigMap of the namespace kube-system; empty where it is not there. */
export function systemData({ systemMaps }: Pick<DoctorObjects, 'systemMaps'>, name: string) {
  return systemMaps.find(({ metadata }) => metadata.name === name)?.data ?? {};
}

export function containersOf({ spec }: KubeWorkload): readonly KubeContainer[] {
  return spec?.template?.spec?.containers ?? [];
}

/** Whether nothing of it runs any more and nothing will: it was evicted, or its Job is done. */
export function hasEnded({ status }: Pick<KubePod, 'status'>): boolean {
  return status?.phase === 'Failed' || status?.phase === 'Succeeded';
}

/**
 * Whether pods of it are wanted. A DaemonSet that selects no node wants none; one that was just made has not been
 * looked at yet.
 */
export function isWanted({ spec, status }: KubeWorkload): boolean {
  const isIdle = status?.desiredNumberScheduled === 0 && status.observedGeneration !== undefined;
  return spec?.replicas !== 0 && !isIdle;
}

/**
 * The container of which the name of the image ends in this path, such as `metallb/speaker`. Registry, tag and digest
 * do not count.
 */
export function containerOfImage(containers: readonly KubeContainer[], path: string): KubeContainer | undefined {
  return containers.find(({ image = '' }) => `/${repositoryOf(image)}`.endsWith(`/${path}`));
}

export function podContainerOfImage({ spec }: KubePod, path: string): KubeContainer | undefined {
  return containerOfImage(spec?.containers ?? [], path);
}

/** The value of an environment variable of a container, undefined when it has none. */
export function envOf({ env = [] }: KubeContainer, name: string): string | undefined {
  return env.find((one) => one.name === name)?.value;
}

/** The value of an argument: `--name=value`, or `true` for `--name` alone; undefined when it is not there. */
export function argumentOf({ command = [], args = [] }: KubeContainer, name: string): string | undefined {
  const found = [...command, ...args].find((one) => one === `--${name}` || one.startsWith(`--${name}=`));
  return found === undefined ? undefined : found.includes('=') ? found.slice(found.indexOf('=') + 1) : 'true';
}

// registry:5000/path/name:tag@sha256:digest
function repositoryOf(image: string): string {
  const [name = ''] = image.split('@', 1);
  const colon = name.lastIndexOf(':');
  return colon > name.lastIndexOf('/') ? name.slice(0, colon) : name;
}
