// SPDX-License-Identifier: Apache-2.0
/** Where the configuration of a MetalLB is read from: objects of the cluster, or files. */
import { type MetallbFiles, readMetallbFiles, sortMetallb } from '@berth/core';
import { isKubeError, type KubeApi } from '@berth/kube';
import { listAll } from '../cluster-state.ts';
import { CommandError, type Environment } from '../environment.ts';
import { foreignKind } from '../workloads.ts';

const V1BETA1 = 'metallb.io/v1beta1';
const KINDS = [
  foreignKind(V1BETA1, 'IPAddressPool', 'Namespaced'),
  foreignKind(V1BETA1, 'L2Advertisement', 'Namespaced'),
  foreignKind(V1BETA1, 'BGPAdvertisement', 'Namespaced'),
  { ...foreignKind(V1BETA1, 'Community', 'Namespaced'), plural: 'communities' },
  foreignKind(V1BETA1, 'BFDProfile', 'Namespaced'),
  foreignKind('metallb.io/v1beta2', 'BGPPeer', 'Namespaced'),
];

/** What the files say, or without any what the cluster has. */
export async function readMetallb(
  api: KubeApi,
  files: readonly string[],
  { readFile }: Pick<Environment, 'readFile'>,
): Promise<MetallbFiles> {
  if (files.length > 0) return readMetallbFiles(await Promise.all(files.map((name) => readFile(name))));
  return sortMetallb(await objectsIn(api));
}

/** All objects of MetalLB; none where its CRDs are not. */
export async function objectsIn(api: KubeApi): Promise<readonly object[]> {
  const lists = await Promise.all(
    KINDS.map(async (kind) => {
      const { apiVersion, kind: name } = kind;
      try {
        // Items of a list do not say what they are.
        return (await listAll(api, kind)).map((item) => ({ ...item, apiVersion, kind: name }));
      } catch (error) {
        if (isKubeError(error, 'not-found')) return [];
        throw error;
      }
    }),
  );
  return lists.flat();
}

/** What to say where there is nothing to move. */
export function nothingFound(files: readonly string[]): CommandError {
  const where = files.length === 0 ? 'the cluster has' : `${files.join(', ')}: there are`;
  return new CommandError(`${where} no objects of MetalLB (metallb.io); name files with -f where they are elsewhere`);
}
