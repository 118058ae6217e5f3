// SPDX-License-Identifier: Apache-2.0
/** Whether an address of a Service may have clients already. Such an address is never taken for a fresh one. */

import type { IpAddress } from '../net/ip-address.ts';
import { announcedConditionOf, parseAnnounced } from './announced.ts';
import type { KubeService } from './kube-service.ts';
import { CONDITION_ADDRESS_ASSIGNED, shownAddressesOf } from './service-request.ts';

/** An address that a status has shown for this long was in use, whatever the other condition says of this moment; in milliseconds. */
const SETTLED_MS = 10 * 60_000;

/**
 * Whether this address was announced for the Service at any time, as far as its status tells at a time of the wall clock. The condition
 * `Announced` tells of now only: after a power cut of the whole cluster no VIP is announced, and all of them were. Then what counts is how
 * long all shown addresses have been shown: the condition `AddressAssigned` is dated anew when one joins them.
 */
export function wasAnnounced(service: KubeService, vip: IpAddress, nowMs: number): boolean {
  const announced = parseAnnounced(announcedConditionOf(service)?.message ?? '');
  if (announced.some((one) => one.equals(vip))) return true;
  const since = shownAddressesOf(service).some((one) => one.equals(vip)) ? shownSince(service) : undefined;
  return since !== undefined && nowMs - Date.parse(since) >= SETTLED_MS;
}

// Our own addresses come with their condition in one patch, so one without it was given by somebody else: as the condition will be dated.
function shownSince({ metadata, status }: KubeService): string | undefined {
  const assigned = status?.conditions?.find(({ type }) => type === CONDITION_ADDRESS_ASSIGNED);
  if (assigned === undefined) return metadata?.creationTimestamp;
  return assigned.status === 'True' ? assigned.lastTransitionTime : undefined;
}
