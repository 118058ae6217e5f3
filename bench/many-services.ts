// SPDX-License-Identifier: Apache-2.0

// What benchmarks with thousands of Services share: making them, patching them, and waiting until no one writes any
// more.

import { setTimeout as sleep } from 'node:timers/promises';
import { isKubeError, type KubeClient, type NewObject, type Service, services } from '@berth/kube';
import { waitUntil } from '../test/lab/wait.ts';

export const NAMESPACE = 'default';

/** Connections on which Services are made; the API server has work for all of them. */
export const CREATES_AT_ONCE = 32;
/** No new Event for so long, in milliseconds, means that none waits to be written. */
const QUIET_MS = 3_000;
/**
 * Longest wait for Events. They are written one at a time, with nine times as long a rest after each, so those of 5,000
 * Services take many minutes; what is still to come is a tenth of one connection's load for each process.
 */
const MAX_QUIET_MS = 30_000;

export function namesOf(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
}

/** Returns a Service of type LoadBalancer without pods and node ports; `spec` adds fields. */
export function idleService(name: string, spec: object = {}): NewObject<Service> {
  return {
    metadata: { namespace: NAMESPACE, name },
    spec: {
      type: 'LoadBalancer',
      allocateLoadBalancerNodePorts: false,
      selector: { app: 'none' },
      ports: [{ port: 80, protocol: 'TCP' }],
      ...spec,
    },
  };
}

/** Creates Services of these names. */
export async function createMany(client: KubeClient, names: readonly string[], spec: object = {}): Promise<void> {
  await forEach(names, CREATES_AT_ONCE, (name) => createService(client, name, spec));
}

/** Creates one Service of type LoadBalancer without pods; whatever the API server does meanwhile, it is there then. */
export async function createService(client: KubeClient, name: string, spec: object = {}): Promise<void> {
  await persistently(async () => {
    try {
      await client.create(services, idleService(name, spec));
    } catch (error) {
      // The answer to the try before was lost.
      if (!isKubeError(error, 'already-exists')) throw error;
    }
  });
}

/** Tries for so long at most, in milliseconds. */
const PERSISTENCE_MS = 60_000;
const AGAIN_MS = 200;

/**
 * Makes a call again that got no answer or was refused for load: on a busy machine an API server closes a connection
 * now and then.
 */
export async function persistently<T>(call: () => Promise<T>): Promise<T> {
  const endMs = performance.now() + PERSISTENCE_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const isPassing = isKubeError(error, 'network', 'timeout', 'server', 'too-many-requests');
      if (!isPassing || performance.now() > endMs) throw error;
      await sleep(AGAIN_MS);
    }
  }
}

/** Calls `work` for each item, so many at a time. */
export async function forEach<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<unknown>) {
  const waiting = items.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of waiting) await work(item);
    }),
  );
}

/** Waits until so many Services have an address. */
export async function allAssigned(client: KubeClient, count: number): Promise<void> {
  await waitUntil({
    what: `${count} Services to have an address`,
    timeoutMs: 900_000,
    // A list of thousands is load itself.
    intervalMs: Math.max(1_000, count),
    probe: async () => (await countAssigned(client)) >= count,
  });
}

async function countAssigned(client: KubeClient): Promise<number> {
  const { items } = await client.list(services, { namespace: NAMESPACE });
  return items.filter(isAssigned).length;
}

export function isAssigned(service: Service): boolean {
  return service.status?.loadBalancer?.ingress?.[0]?.ip !== undefined;
}

/**
 * Waits until no Event has come for a while, within limits: those about a burst are written behind it, and are load.
 */
export async function quietEvents(client: KubeClient): Promise<void> {
  const deadline = performance.now() + MAX_QUIET_MS;
  for (let before = -1, now = await countEvents(client); now !== before && performance.now() < deadline; ) {
    await sleep(QUIET_MS);
    [before, now] = [now, await countEvents(client)];
  }
}

async function countEvents(client: KubeClient): Promise<number> {
  const page = (await client.raw(`/api/v1/namespaces/${NAMESPACE}/events?limit=1`)) as EventPage;
  return page.items.length + (page.metadata.remainingItemCount ?? 0);
}

interface EventPage {
  readonly items: readonly unknown[];
  readonly metadata: { readonly remainingItemCount?: number };
}
