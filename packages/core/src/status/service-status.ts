// SPDX-License-Identifier: Apache-2.0
/**
 * The patches that bring a Service's status, finalizer and marks in line with a decision, and with what the nodes say.
 */

import type { Decision } from '../ipam/decision.ts';
import type { IpAddress } from '../net/ip-address.ts';
import { ANNOTATION_ADOPT, ANNOTATION_RENUMBER } from '../service/annotations.ts';
import type { KubeIngress, KubeService } from '../service/kube-service.ts';
import {
  CONDITION_ADDRESS_ASSIGNED,
  givenTo,
  includesAddress,
  shownAddressesOf,
  usageCondition,
  usageOf,
} from '../service/usage.ts';
import { type AnnouncedFinding, CONDITION_ANNOUNCED } from './announced.ts';
import { wasAnnounced } from './announced-before.ts';
import { poolMarksOf } from './pool-marks.ts';
import { CONDITION_REACHABLE, type ReachableFinding } from './reachable.ts';
import { CONDITION_SERVED_BY, type ServedByFinding } from './served-by.ts';
import {
  assignedConditionOf,
  type Dating,
  markChanges,
  patchOf,
  type ServicePatch,
  type WantedCondition,
  withConditions,
  withFinalizer,
  withoutFinalizer,
} from './service-patch.ts';

export interface StatusPatchOptions {
  /** For lastTransitionTime, in milliseconds since the epoch. */
  readonly nowMs: number;
  /** Whether our finalizer is wanted. */
  readonly finalizer: boolean;
  /** The class of this installation, which the fact about the addresses carries. */
  readonly loadBalancerClass: string;
  /** What to say about who announces the Service, if the patch is made anyway; it is never the reason for one. */
  readonly announced?: AnnouncedFinding | undefined;
}

/**
 * The one patch that gives the Service its addresses, finalizer, condition and pool mark, or undefined when all of them
 * are there already. Other finalizers and conditions are kept. The ledger must hold the addresses before this is sent,
 * and the Service must be the very object that was decided about: only then its resourceVersion refuses what is out of
 * date.
 */
export function statusPatch(
  service: KubeService,
  decision: Decision,
  options: StatusPatchOptions,
): ServicePatch | undefined {
  const { nowMs, announced } = options;
  const ingress = decision.addresses.map(({ address }) => ({ ip: address.toString(), ipMode: 'VIP' }));
  const isToStay = decision.isForeign === true || sameIngress(service, ingress);
  const assigned = { type: CONDITION_ADDRESS_ASSIGNED, ...decision.condition, ...dating(service, decision, nowMs) };
  const changes = {
    finalizers: finalizersFor(service, decision, options),
    annotations: markChanges(service, marksOf(service, decision)),
    ingress: isToStay ? undefined : ingress,
    conditions: withConditions(service, [assigned, factOf(service, decision, options)]),
  };
  const patch = patchOf(service, changes);
  if (patch === undefined || announced === undefined) return patch;
  const fact = factOf(service, decision, options, announced.announced);
  const all = [assigned, fact, { type: CONDITION_ANNOUNCED, ...announced, atMs: nowMs }];
  return patchOf(service, { ...changes, conditions: withConditions(service, all) });
}

/**
 * With an address it carries ours. Who loses all that Berth gave has nothing left to clean up: beside what another
 * product gives it later, our finalizer would hold it for ever once it is deleted.
 */
function finalizersFor(
  service: KubeService,
  { addresses }: Decision,
  { finalizer, loadBalancerClass }: StatusPatchOptions,
): readonly string[] | undefined {
  if (addresses.length > 0) return finalizer ? withFinalizer(service) : undefined;
  const given = givenTo(service, { loadBalancerClass }) ?? [];
  return given.length > 0 ? withoutFinalizer(service) : undefined;
}

/** What the Service is to say of what it was given: what was in use stays so, and what is announced is. */
function factOf(
  service: KubeService,
  decision: Decision,
  { loadBalancerClass, nowMs }: StatusPatchOptions,
  announced: readonly IpAddress[] = [],
): WantedCondition {
  const given = decision.addresses.map(({ address }) => address);
  const usage = usageOf(service);
  // Where Berth gave nothing so far, what it takes over was in use.
  const wasUsed = (address: IpAddress) =>
    usage === undefined || usage.given.length === 0
      ? wasAnnounced(service, address, nowMs)
      : includesAddress(usage.used, address);
  const used = given.filter((address) => wasUsed(address) || includesAddress(announced, address));
  const askedPools = new Map(
    decision.addresses.flatMap(({ address, askedPool = '' }) =>
      askedPool === '' ? [] : [[String(address), askedPool] as const],
    ),
  );
  return { ...usageCondition({ loadBalancerClass, given, used, askedPools }), atMs: nowMs };
}

/**
 * By the time of the condition an address is known to be in use ({@link wasAnnounced}), so one that joins those that
 * are shown dates it anew. Addresses that were there before the first look were given by somebody else, and have
 * clients: since when, only the Service's age tells. It then goes for a second one beside them as well: better that is
 * not probed than that the first is taken away.
 */
function dating(service: KubeService, { addresses }: Decision, nowMs: number): Dating {
  const shown = shownAddressesOf(service);
  const isShown = addresses.map(({ address }) => shown.some((one) => one.equals(address)));
  const createdMs = Date.parse(service.metadata?.creationTimestamp ?? '');
  const isAdopted = assignedConditionOf(service) === undefined && isShown.includes(true) && !Number.isNaN(createdMs);
  return { atMs: isAdopted ? createdMs : nowMs, isAnew: isShown.includes(false) };
}

/** What the nodes' words make of a Service; undefined: what is said is to stay. */
export interface NodeFindings {
  readonly announced: AnnouncedFinding | undefined;
  readonly reachable?: ReachableFinding | undefined;
  readonly servedBy?: ServedByFinding | undefined;
}

/**
 * The patch of a Service for which only what the nodes say changed, or undefined when its conditions say so already.
 */
export function announcedPatch(
  service: KubeService,
  { announced, reachable, servedBy }: NodeFindings,
  nowMs: number,
): ServicePatch | undefined {
  const conditions = withConditions(service, [
    ...(announced ? [{ type: CONDITION_ANNOUNCED, ...announced, atMs: nowMs }] : []),
    ...usedNow(service, announced, nowMs),
    ...(reachable ? [{ type: CONDITION_REACHABLE, ...reachable, atMs: nowMs }] : []),
    ...(servedBy ? [{ type: CONDITION_SERVED_BY, ...servedBy, atMs: nowMs }] : []),
  ]);
  return patchOf(service, { finalizers: undefined, annotations: undefined, ingress: undefined, conditions });
}

/** The fact with what is announced by now. Who gave no address is not the one to say so. */
function usedNow(service: KubeService, finding: AnnouncedFinding | undefined, nowMs: number): WantedCondition[] {
  const usage = usageOf(service);
  if (usage === undefined || finding === undefined) return [];
  const used = usage.given.filter((one) => includesAddress([...usage.used, ...finding.announced], one));
  return [{ ...usageCondition({ ...usage, used }), atMs: nowMs }];
}

// An API server without the field ipMode drops it, and one with the field fills in VIP: absent means VIP.
function sameIngress(service: KubeService, wanted: readonly KubeIngress[]): boolean {
  const present = service.status?.loadBalancer?.ingress ?? [];
  return (
    present.length === wanted.length &&
    present.every(
      ({ ip, hostname = '', ipMode = 'VIP' }, index) => ip === wanted[index]?.ip && hostname === '' && ipMode === 'VIP',
    )
  );
}

/** The annotations that the Service is to have; undefined: none. */
function marksOf(service: KubeService, decision: Decision): Record<string, string | undefined> {
  const renumber = service.metadata?.annotations?.[ANNOTATION_RENUMBER];
  return {
    ...poolMarksOf(service, decision),
    [ANNOTATION_RENUMBER]: decision.isRenumberDone ? undefined : renumber,
    // Who is no stranger any more needs no word for it.
    [ANNOTATION_ADOPT]: decision.isForeign ? service.metadata?.annotations?.[ANNOTATION_ADOPT] : undefined,
  };
}
