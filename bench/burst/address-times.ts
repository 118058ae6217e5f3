// SPDX-License-Identifier: Apache-2.0

// When Services have got their addresses, as a watch shows it.

import { isKubeError, type KubeClient, type Service, services } from '@berth/kube';
import { isAssigned, NAMESPACE } from '../many-services.ts';

const WAIT_SECONDS = 1_200;

/** Milliseconds from the call of `begin` until each of so many Services was seen with an address. */
export async function timeAddresses(
  client: KubeClient,
  count: number,
  begin: () => Promise<unknown>,
): Promise<number[]> {
  const { resourceVersion } = await client.list(services, { namespace: NAMESPACE });
  const startMs = performance.now();
  const begun = begin();
  const doneMs = new Map<string, number>();
  for await (const service of changesSince(client, resourceVersion)) {
    const { name } = service.metadata;
    if (isAssigned(service) && !doneMs.has(name)) doneMs.set(name, performance.now() - startMs);
    if (doneMs.size < count) continue;
    await begun;
    return [...doneMs.values()];
  }
  throw new Error(`bench: ${count - doneMs.size} Services without an address after ${WAIT_SECONDS} s`);
}

/**
 * What happens to Services from a version on. A watch that the API server ends, as it does when it is busy, goes on
 * where it was.
 */
async function* changesSince(client: KubeClient, version: string): AsyncGenerator<Service> {
  const endMs = performance.now() + WAIT_SECONDS * 1000;
  for (let resourceVersion = version; performance.now() < endMs; ) {
    const options = { namespace: NAMESPACE, resourceVersion, timeoutSeconds: WAIT_SECONDS };
    try {
      for await (const event of client.watch(services, options)) {
        if (event.type === 'BOOKMARK') continue;
        resourceVersion = event.object.metadata.resourceVersion ?? resourceVersion;
        yield event.object;
      }
    } catch (error) {
      if (!isKubeError(error, 'network', 'timeout', 'server')) throw error;
    }
  }
}
