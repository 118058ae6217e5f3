// SPDX-License-Identifier: Apache-2.0
/** Whether an address of a Service may have clients already. Such an address is never taken for a fresh one. */

import type { IpAddress } from '../net/ip-address.ts';
import type { KubeCondition, KubeService } from '../service/kube-service.ts';
import { CONDITION_ADDRESS_ASSIGNED, includesAddress, shownAddressesOf, usageOf } from '../service/usage.ts';
import { announcedConditionOf } from './announced.ts';

/** An address that a status has shown for this long was in use, whatever else it says; in milliseconds. */
const SETTLED_MS = 10 * 60_000;

/**
 * Whether this address was announced for the Service at any time, as far as its status tells at a time of the wall
 * clock: the fact {@link usageOf} says so, or the address has been shown for long. How long all shown addresses have
 * been shown, the condition `AddressAssigned` tells: it is dated anew when one joins them.
 */
export function wasAnnounced(service: KubeService, vip: IpAddress, nowMs: number): boolean {
  const usage = usageOf(service);
  if (includesAddress(usage?.used ?? [], vip)) return true;
  if (!includesAddress(shownAddressesOf(service), vip)) return false;
  if (usage === undefined && wasAnnouncedByItsTime(service)) return true;
  // Berth has said that it gave nothing: another product gave what is shown, and its clients know it.
  if (usage?.given.length === 0) return true;
  const assigned = assignedConditionOf(service);
  // Our own addresses come with this condition in one patch. Without it another product gave the address, and its
  // clients know it.
  if (assigned === undefined) return usage === undefined;
  return assigned.status === 'True' && nowMs - Date.parse(assigned.lastTransitionTime) >= SETTLED_MS;
}

// Versions without the fact: what is announced since it was assigned was announced with all its addresses.
function wasAnnouncedByItsTime(service: KubeService): boolean {
  const announced = announcedConditionOf(service);
  if (announced?.status !== 'True') return false;
  return Date.parse(announced.lastTransitionTime) >= Date.parse(assignedConditionOf(service)?.lastTransitionTime ?? '');
}

function assignedConditionOf({ status }: KubeService): KubeCondition | undefined {
  return status?.conditions?.find(({ type }) => type === CONDITION_ADDRESS_ASSIGNED);
}
