// SPDX-License-Identifier: Apache-2.0
/** Patches the status of a Service that others write too. */
import type { ServicePatch } from '@berth/core';
import { isKubeError, type KubeApi, type Service, services } from '@berth/kube';
import { findObject } from './cluster-state.ts';

/** Tries per Service that somebody else edits at the same time. */
const MAX_ATTEMPTS = 5;

/**
 * Makes one patch, on a newer state where somebody else was faster; returns the Service as it is then, undefined when
 * it is gone.
 */
export async function patchOnce(
  api: KubeApi,
  service: Service,
  { signal, patchFor }: { readonly signal: AbortSignal; patchFor(service: Service): ServicePatch | undefined },
): Promise<Service | undefined> {
  const at = { namespace: service.metadata.namespace ?? '', name: service.metadata.name };
  let present: Service | undefined = service;
  for (let attempt = 1; present !== undefined; attempt++) {
    const patch = patchFor(present);
    if (patch === undefined) return present;
    try {
      return await api.patch(services, at, { type: 'merge', body: patch }, { subresource: 'status', signal });
    } catch (error) {
      if (isKubeError(error, 'not-found')) return undefined;
      if (!isKubeError(error, 'conflict') || attempt >= MAX_ATTEMPTS) throw error;
    }
    present = await findObject(api, services, at);
  }
  return undefined;
}
