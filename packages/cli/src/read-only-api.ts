// SPDX-License-Identifier: Apache-2.0
/** The API server for a dry run: whatever a command does, nothing is written. */
import type { KubeApi } from '@berth/kube';

/** Reads go through; a write throws, since a dry run that comes to one is broken. */
export function readOnly(api: KubeApi): KubeApi {
  const refuse = (verb: string) => (): Promise<never> =>
    Promise.reject(new Error(`cli: a dry run must not write: ${verb}`));
  return {
    get: (kind, at, options) => api.get(kind, at, options),
    list: (kind, options) => api.list(kind, options),
    watch: (kind, options) => api.watch(kind, options),
    create: refuse('create'),
    replace: refuse('replace'),
    patch: refuse('patch'),
    delete: refuse('delete'),
  };
}
