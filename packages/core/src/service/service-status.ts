// SPDX-License-Identifier: Apache-2.0
/** The patch that brings a Service's status, finalizer and marks in line with a decision, and the one that takes them away. */
import type { Decision, RemarkReason } from '../ipam/decision.ts';
import { ANNOTATION_RENUMBER, sameAddresses } from './annotations.ts';
import { type AnnouncedVerdict, CONDITION_ANNOUNCED } from './announced.ts';
import type { KubeCondition, KubeIngress, KubeService } from './kube-service.ts';
import { CONDITION_REACHABLE, type ReachableVerdict } from './reachable.ts';
import { CONDITION_ADDRESS_ASSIGNED, shownAddressesOf } from './service-request.ts';

/** Added before an address is shown, so that a deleted Service is seen before it is gone. */
export const FINALIZER = 'service.kubernetes.io/load-balancer-cleanup';

/** The mark that names the pool of the address; written for people and tools, never read back. */
export const ANNOTATION_POOL = 'berth.dev/ip-allocated-from-pool';

const OUR_CONDITIONS: readonly string[] = [CONDITION_ADDRESS_ASSIGNED, CONDITION_ANNOUNCED, CONDITION_REACHABLE];

/** A JSON merge patch for the sub-resource `status` of a Service; carries metadata.resourceVersion, so a stale one gets 409. */
export interface ServicePatch {
  readonly metadata: {
    readonly resourceVersion?: string;
    readonly finalizers?: readonly string[];
    /** null takes the annotation away. */
    readonly annotations?: Readonly<Record<string, string | null>>;
  };
  readonly status?: {
    /** null takes away all that the status says about the load balancer. */
    readonly loadBalancer?: { readonly ingress: readonly KubeIngress[] | null };
    readonly conditions?: readonly KubeCondition[];
  };
}

export interface StatusPatchOptions {
  /** For lastTransitionTime, in milliseconds since the epoch. */
  readonly nowMs: number;
  /** Whether our finalizer is wanted. */
  readonly finalizer: boolean;
  /** What to say about who announces the Service, if the patch is made anyway; it is never the reason for one. */
  readonly announced?: AnnouncedVerdict | undefined;
}

/**
 * The one patch that gives the Service its addresses, finalizer, condition and pool mark, or undefined when all of them are
 * there already. Other finalizers and conditions are kept. The ledger must hold the addresses before this is sent, and the
 * Service must be the very object that was decided about: only then its resourceVersion refuses what is out of date.
 */
export function statusPatch(
  service: KubeService,
  decision: Decision,
  { nowMs, finalizer, announced }: StatusPatchOptions,
): ServicePatch | undefined {
  const ingress = decision.addresses.map(({ address }) => ({ ip: address.toString(), ipMode: 'VIP' }));
  const assigned = { type: CONDITION_ADDRESS_ASSIGNED, ...decision.condition, ...dating(service, decision, nowMs) };
  const changes = {
    finalizers: finalizer && ingress.length > 0 ? withFinalizer(service) : undefined,
    annotations: markChanges(service, marksOf(service, decision)),
    ingress: sameIngress(service, ingress) ? undefined : ingress,
    conditions: withConditions(service, [assigned]),
  };
  const patch = patchOf(service, changes);
  if (patch === undefined || announced === undefined) return patch;
  const both = [assigned, { type: CONDITION_ANNOUNCED, ...announced, atMs: nowMs }];
  return patchOf(service, { ...changes, conditions: withConditions(service, both) });
}

/**
 * By the time of the condition an address is known to be in use ({@link wasAnnounced}), so one that joins those that are shown dates it anew.
 * Addresses that were there before the first look were given by somebody else, and have clients: since when, only the Service's age
 * tells. It then goes for a second one beside them as well: better that is not probed than that the first is taken away.
 */
function dating(service: KubeService, { addresses }: Decision, nowMs: number): Dating {
  const shown = shownAddressesOf(service);
  const isShown = addresses.map(({ address }) => shown.some((one) => one.equals(address)));
  const createdMs = Date.parse(service.metadata?.creationTimestamp ?? '');
  const isAdopted = conditionOf(service) === undefined && isShown.includes(true) && !Number.isNaN(createdMs);
  return { atMs: isAdopted ? createdMs : nowMs, isAnew: isShown.includes(false) };
}

/** What the nodes' words make of a Service; undefined: what is said is to stay. */
export interface NodeVerdicts {
  readonly announced: AnnouncedVerdict | undefined;
  readonly reachable?: ReachableVerdict | undefined;
}

/** The patch of a Service for which only what the nodes say changed, or undefined when its conditions say so already. */
export function announcedPatch(
  service: KubeService,
  { announced, reachable }: NodeVerdicts,
  nowMs: number,
): ServicePatch | undefined {
  const conditions = withConditions(service, [
    ...(announced ? [{ type: CONDITION_ANNOUNCED, ...announced, atMs: nowMs }] : []),
    ...(reachable ? [{ type: CONDITION_REACHABLE, ...reachable, atMs: nowMs }] : []),
  ]);
  return patchOf(service, { finalizers: undefined, annotations: undefined, ingress: undefined, conditions });
}

export interface RemovalOptions {
  /** Whether the ledger still has an address of the Service. */
  readonly isHeld: boolean;
  /** Whether type and class still say that it is ours (it is being deleted); default: only its conditions tell. */
  readonly isOurs?: boolean;
}

/**
 * The patch for a Service that is being deleted or is no longer ours, or undefined when nothing is left to do. While
 * `isHeld`, only what the status shows goes; the finalizer and our marks go with the second patch, once the ledger has
 * released the addresses. A Service without a condition of ours is left alone, whatever its status shows.
 */
export function removalPatch(
  service: KubeService,
  { isHeld, isOurs = false }: RemovalOptions,
): ServicePatch | undefined {
  if (!isHeld && !isOurs && !bearsMarks(service)) return undefined;
  const ingress = (service.status?.loadBalancer?.ingress ?? []).length > 0 ? [] : undefined;
  if (isHeld)
    return patchOf(service, { finalizers: undefined, annotations: undefined, ingress, conditions: undefined });
  const conditions = service.status?.conditions ?? [];
  const others = conditions.filter(({ type }) => !OUR_CONDITIONS.includes(type));
  return patchOf(service, {
    finalizers: withoutFinalizer(service),
    annotations: markChanges(service, { [ANNOTATION_POOL]: undefined, [ANNOTATION_RENUMBER]: undefined }),
    ingress,
    conditions: others.length === conditions.length ? undefined : others,
  });
}

/**
 * Whether the Service carries a condition of ours. The pool mark proves nothing: users write annotations, and copy them with
 * a manifest to Services of another class. Nor does the finalizer, which all cloud controllers share.
 */
export function bearsMarks(service: KubeService): boolean {
  return (service.status?.conditions ?? []).some(({ type }) => OUR_CONDITIONS.includes(type));
}

interface Changes {
  readonly finalizers: readonly string[] | undefined;
  readonly annotations: Readonly<Record<string, string | null>> | undefined;
  readonly ingress: readonly KubeIngress[] | undefined;
  readonly conditions: readonly KubeCondition[] | undefined;
}

function patchOf(
  service: KubeService,
  { finalizers, annotations, ingress, conditions }: Changes,
): ServicePatch | undefined {
  if ([finalizers, annotations, ingress, conditions].every((change) => change === undefined)) return undefined;
  const { resourceVersion } = service.metadata ?? {};
  const loadBalancer =
    ingress === undefined ? {} : { loadBalancer: { ingress: ingress.length === 0 ? null : ingress } };
  const status = { ...loadBalancer, ...(conditions === undefined ? {} : { conditions }) };
  return {
    metadata: {
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ...(annotations === undefined ? {} : { annotations }),
    },
    ...(Object.keys(status).length === 0 ? {} : { status }),
  };
}

function withFinalizer(service: KubeService): readonly string[] | undefined {
  const finalizers = service.metadata?.finalizers ?? [];
  return finalizers.includes(FINALIZER) ? undefined : [...finalizers, FINALIZER];
}

function withoutFinalizer(service: KubeService): readonly string[] | undefined {
  const finalizers = service.metadata?.finalizers ?? [];
  return finalizers.includes(FINALIZER) ? finalizers.filter((finalizer) => finalizer !== FINALIZER) : undefined;
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
  const pools = [...new Set(decision.addresses.flatMap(({ pool }) => (pool === undefined ? [] : [pool])))];
  const renumber = service.metadata?.annotations?.[ANNOTATION_RENUMBER];
  return {
    [ANNOTATION_POOL]: pools.length === 0 ? undefined : pools.join(','),
    [ANNOTATION_RENUMBER]: decision.isRenumberDone ? undefined : renumber,
  };
}

function markChanges(
  service: KubeService,
  marks: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | null>> | undefined {
  const present = service.metadata?.annotations ?? {};
  const changes = Object.entries(marks).filter(([name, value]) => present[name] !== value);
  if (changes.length === 0) return undefined;
  return Object.fromEntries(changes.map(([name, value]) => [name, value ?? null]));
}

interface Dating {
  /** Since when the condition holds if it did not before; in milliseconds since the epoch. */
  readonly atMs: number;
  /** Whether it begins anew although its status is as before. Default: no. */
  readonly isAnew?: boolean;
}

type Wanted = Omit<KubeCondition, 'lastTransitionTime'> & Dating;

/** All conditions of the Service with these among them; undefined when they are already. */
function withConditions(service: KubeService, wanted: readonly Wanted[]): readonly KubeCondition[] | undefined {
  const present = service.status?.conditions ?? [];
  return wanted.reduce<readonly KubeCondition[] | undefined>(
    (changed, next) => withCondition(changed ?? present, next) ?? changed,
    undefined,
  );
}

function withCondition(
  conditions: readonly KubeCondition[],
  { atMs, isAnew = false, ...wanted }: Wanted,
): readonly KubeCondition[] | undefined {
  const present = conditions.find(({ type }) => type === wanted.type);
  const isSame = present?.reason === wanted.reason && present.message === wanted.message;
  if (isSame && present.status === wanted.status) return undefined;
  const isTransition = present?.status !== wanted.status || isAnew;
  const lastTransitionTime = isTransition ? new Date(atMs).toISOString() : present.lastTransitionTime;
  const next = { ...wanted, lastTransitionTime };
  if (present === undefined) return [...conditions, next];
  return conditions.map((other) => (other.type === wanted.type ? next : other));
}

function conditionOf(service: KubeService): KubeCondition | undefined {
  return service.status?.conditions?.find(({ type }) => type === CONDITION_ADDRESS_ASSIGNED);
}

/** A Kubernetes Event to record on the Service. */
export interface ServiceEvent {
  readonly type: 'Normal' | 'Warning';
  /** The first three as MetalLB's users know them; the others tell why an address is kept that would not be given anew. */
  readonly reason: 'IPAllocated' | 'AllocationFailed' | 'ClearAssignment' | RemarkReason;
  readonly message: string;
}

/**
 * The Events that tell what changed between the Service as it is and the decision: one when an address is given, one when
 * one is taken away, one when a refusal is new (not one per retry: an equal condition says that it was told before).
 */
export function decisionEvents(service: KubeService, decision: Decision): readonly ServiceEvent[] {
  const shown = shownAddressesOf(service);
  const next = decision.addresses.map(({ address }) => address);
  const gone = shown.filter((address) => !next.some((other) => other.equals(address)));
  const events: ServiceEvent[] = [];
  if (gone.length > 0) {
    events.push({
      type: 'Warning',
      reason: 'ClearAssignment',
      message: `${gone.join(', ')} taken away: ${decision.condition.message}`,
    });
  }
  if (next.length > 0 && !sameAddresses(shown, next)) {
    events.push({ type: 'Normal', reason: 'IPAllocated', message: decision.condition.message });
  }
  const [remark] = decision.remarks;
  const reason = decision.refusal === undefined ? remark : 'AllocationFailed';
  if (reason !== undefined && isNews(service, decision)) {
    events.push({ type: 'Warning', reason, message: decision.condition.message });
  }
  return events;
}

function isNews(service: KubeService, { condition }: Decision): boolean {
  const present = conditionOf(service);
  return present?.reason !== condition.reason || present.message !== condition.message;
}
