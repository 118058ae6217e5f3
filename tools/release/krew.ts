// SPDX-License-Identifier: Apache-2.0

// The manifest by which krew, kubectl's plug-in manager, installs kubectl-berth. Where the archives are published is
// for who publishes them to say.

import { stringify } from 'yaml';
import type { Architecture } from '../oci-archive.ts';
import { PLUGIN_FILES } from './plugin-archive.ts';

export interface PluginArchive {
  readonly architecture: Architecture;
  /** Name of the file. */
  readonly name: string;
  readonly sha256: string;
}

export interface KrewOptions {
  readonly version: string;
  /** Address of the folder that holds the archives, without a slash at its end. */
  readonly baseUrl: string;
}

export function krewManifest(archives: readonly PluginArchive[], { version, baseUrl }: KrewOptions): string {
  return stringify(
    {
      apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
      kind: 'Plugin',
      metadata: { name: 'berth' },
      spec: {
        version: `v${version}`,
        shortDescription: 'Shows and moves the addresses that Berth gives to Services',
        description:
          'For clusters with Berth, a LoadBalancer for self-built clusters: who answers for an address and why, what a pool edit would do, and orders to the speakers.',
        platforms: archives.map(({ architecture, name, sha256 }) => ({
          selector: { matchLabels: { os: 'linux', arch: architecture } },
          uri: `${baseUrl}/${name}`,
          sha256,
          bin: 'kubectl-berth',
          files: PLUGIN_FILES.map((from) => ({ from, to: '.' })),
        })),
      },
    },
    { lineWidth: 0 },
  );
}
