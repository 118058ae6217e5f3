// SPDX-License-Identifier: Apache-2.0
/**
 * What a patch of a Service's status is made of: finalizer, annotations, addresses and conditions, each only where it
 * changes.
 */
import type { KubeCondition, KubeIngress, KubeService } from '../service/kube-service.ts';
import { CONDITION_ADDRESS_ASSIGNED, CONDITION_GIVEN } from '../service/usage.ts';
import { CONDITION_ANNOUNCED } from './announced.ts';
import { CONDITION_REACHABLE } from './reachable.ts';
import { CONDITION_SERVED_BY } from './served-by.ts';

/** Added before an address is shown, so that a deleted Service is seen before it is gone. */
export const FINALIZER = 'service.kubernetes.io/load-balancer-cleanup';

/** The conditions that Berth writes on a Service. */
export const OUR_CONDITIONS: readonly string[] = [
  CONDITION_ADDRESS_ASSIGNED,
  CONDITION_GIVEN,
  CONDITION_ANNOUNCED,
  CONDITION_REACHABLE,
  CONDITION_SERVED_BY,
];

/**
 * A JSON merge patch for the sub-resource `status` of a Service; carries metadata.resourceVersion, so a stale one gets
 * 409.
 */
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

interface Changes {
  readonly finalizers: readonly string[] | undefined;
  readonly annotations: Readonly<Record<string, string | null>> | undefined;
  readonly ingress: readonly KubeIngress[] | undefined;
  readonly conditions: readonly KubeCondition[] | undefined;
}

export function patchOf(
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

export function withFinalizer(service: KubeService): readonly string[] | undefined {
  const finalizers = service.metadata?.finalizers ?? [];
  return finalizers.includes(FINALIZER) ? undefined : [...finalizers, FINALIZER];
}

export function withoutFinalizer(service: KubeService): readonly string[] | undefined {
  const finalizers = service.metadata?.finalizers ?? [];
  return finalizers.includes(FINALIZER) ? finalizers.filter((finalizer) => finalizer !== FINALIZER) : undefined;
}

export function markChanges(
  service: KubeService,
  marks: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | null>> | undefined {
  const present = service.metadata?.annotations ?? {};
  const changes = Object.entries(marks).filter(([name, value]) => present[name] !== value);
  if (changes.length === 0) return undefined;
  return Object.fromEntries(changes.map(([name, value]) => [name, value ?? null]));
}

export interface Dating {
  /** Since when the condition holds if it did not before; in milliseconds since the epoch. */
  readonly atMs: number;
  /** Whether it begins anew although its status is as before. Default: no. */
  readonly isAnew?: boolean;
}

export type WantedCondition = Pick<KubeCondition, 'type' | 'status' | 'reason' | 'message'> & Dating;

/** All conditions of the Service with these among them; undefined when they are already. */
export function withConditions(
  service: KubeService,
  wanted: readonly WantedCondition[],
): readonly KubeCondition[] | undefined {
  const present = service.status?.conditions ?? [];
  return wanted.reduce<readonly KubeCondition[] | undefined>(
    (changed, next) => withCondition(changed ?? present, next) ?? changed,
    undefined,
  );
}

function withCondition(
  conditions: readonly KubeCondition[],
  { atMs, isAnew = false, type, status, reason, message }: WantedCondition,
): readonly KubeCondition[] | undefined {
  const wanted = { type, status, reason, message };
  const present = conditions.find(({ type }) => type === wanted.type);
  const isSame = present?.reason === wanted.reason && present.message === wanted.message;
  if (isSame && present.status === wanted.status) return undefined;
  const isTransition = present?.status !== wanted.status || isAnew;
  const lastTransitionTime = isTransition ? new Date(atMs).toISOString() : present.lastTransitionTime;
  const next = { ...wanted, lastTransitionTime };
  if (present === undefined) return [...conditions, next];
  return conditions.map((other) => (other.type === wanted.type ? next : other));
}

export function assignedConditionOf(service: KubeService): KubeCondition | undefined {
  return service.status?.conditions?.find(({ type }) => type === CONDITION_ADDRESS_ASSIGNED);
}
