// SPDX-License-Identifier: Apache-2.0
/** Whether the addresses of a Service may have clients already. Such an address is never taken for a fresh one. */

import { CONDITION_ANNOUNCED } from './announced.ts';
import type { KubeService } from './kube-service.ts';
import { CONDITION_ADDRESS_ASSIGNED } from './service-request.ts';

/** An address that a status has shown for this long was in use, whatever the other condition says of this moment; in milliseconds. */
const SETTLED_MS = 10 * 60_000;

/**
 * Whether the Service's addresses were announced at any time, as far as its conditions tell at a time of the wall clock. The condition
 * `Announced` tells of now only: after a power cut of the whole cluster no VIP is announced, and all of them were.
 */
export function wasAnnounced(service: KubeService, nowMs: number): boolean {
  const conditions = service.status?.conditions ?? [];
  const holds = (type: string) => conditions.find((one) => one.type === type && one.status === 'True');
  if (holds(CONDITION_ANNOUNCED)) return true;
  const since = holds(CONDITION_ADDRESS_ASSIGNED)?.lastTransitionTime ?? adoptedSince(service);
  return since !== undefined && nowMs - Date.parse(since) >= SETTLED_MS;
}

// Our own addresses come with their condition in one patch, so one without it was given by somebody else: as the condition will be dated.
function adoptedSince({ metadata, status }: KubeService): string | undefined {
  const isUnmarked = !status?.conditions?.some(({ type }) => type === CONDITION_ADDRESS_ASSIGNED);
  return isUnmarked && status?.loadBalancer?.ingress?.length ? metadata?.creationTimestamp : undefined;
}
