// SPDX-License-Identifier: Apache-2.0

// The versions of Kubernetes that a lab can run, each locked by a go.mod and a go.sum below binaries/.

/** The newest patch release of each minor version that is built, the default first. */
export const KUBERNETES_VERSIONS = ['1.37.2', '1.36.3', '1.35.4', '1.34.4'] as const;

export type KubernetesVersion = (typeof KUBERNETES_VERSIONS)[number];

/** What a lab runs unless somebody asks for another one. */
export const DEFAULT_KUBERNETES: KubernetesVersion = '1.37.2';

/** Names the version for everything that a process starts; `--kubernetes` of `npm test` and `npm run lab` sets it. */
export const KUBERNETES_VARIABLE = 'BERTH_LAB_KUBERNETES';

/** Returns the version that a person names, as 1.34 or as 1.34.4. Throws on one that is not built. */
export function parseKubernetesVersion(text: string): KubernetesVersion {
  const found = KUBERNETES_VERSIONS.find((version) => version === text || minorOf(version) === text);
  if (found !== undefined) return found;
  throw new Error(`lab: Kubernetes: found '${text}', want one of ${KUBERNETES_VERSIONS.map(minorOf).join(', ')}`);
}

/** The version that the environment names; undefined when it names none. */
export function kubernetesOfEnvironment(): KubernetesVersion | undefined {
  const text = process.env[KUBERNETES_VARIABLE];
  return text === undefined || text === '' ? undefined : parseKubernetesVersion(text);
}

/** `1.34` of 1.34.4. */
export function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}
