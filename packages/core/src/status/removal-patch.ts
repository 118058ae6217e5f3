// SPDX-License-Identifier: Apache-2.0
/** The patch that takes from a Service what Berth put there. */

import { IpAddress } from '../net/ip-address.ts';
import { ANNOTATION_ADOPT, ANNOTATION_RENUMBER } from '../service/annotations.ts';
import type { KubeCondition, KubeIngress, KubeService } from '../service/kube-service.ts';
import type { LoadBalancerClassRule } from '../service/load-balancer-class.ts';
import { CONDITION_GIVEN, givenTo, includesAddress, usageCondition, usageOf } from '../service/usage.ts';
import { endedPoolMarks } from './pool-marks.ts';
import {
  markChanges,
  OUR_CONDITIONS,
  patchOf,
  type ServicePatch,
  type WantedCondition,
  withConditions,
  withoutFinalizer,
} from './service-patch.ts';

export interface RemovalOptions {
  /** Of this installation. */
  readonly rule: LoadBalancerClassRule;
  /** What the ledger still has of the Service; default: nothing. */
  readonly held?: readonly IpAddress[];
  /**
   * Whether type and class still say that it is ours (it is being deleted); default: only the fact and the ledger tell.
   */
  readonly isOurs?: boolean;
  /** Whether no one of Berth will look at the Service again; default: the controller will. */
  readonly isLast?: boolean;
}

/**
 * The patch for a Service that is being deleted or is no longer ours, or undefined when nothing is left to do. Of its
 * addresses only those go that Berth gave. While the ledger has some, only these go; the finalizer and our marks go
 * with the second patch, once the ledger has released them. The finalizer, which others use too, stays where an address
 * of somebody else is left, and the fact stays with it, so that it goes once that address has gone; but not where a
 * Service that we served to its end would hang by it. A Service that neither fact nor ledger nor class makes ours is
 * left alone, whatever its status shows.
 */
export function removalPatch(
  service: KubeService,
  { rule, held = [], isOurs = false, isLast = false }: RemovalOptions,
): ServicePatch | undefined {
  if (held.length === 0 && !isOurs && !bearsMarks(service, rule)) return undefined;
  const given = [...removableOf(service, { rule, isOurs }), ...held];
  const present = service.status?.loadBalancer?.ingress ?? [];
  const kept = present.filter((entry) => !isOneOf(given, entry));
  const ingress = kept.length === present.length ? undefined : kept;
  if (held.length > 0) {
    const conditions = withConditions(service, rememberedFact(service, rule, held));
    // Where the fact is of another class nothing will show afterwards that the finalizer is ours, so it goes along.
    const isOfOther = usageOf(service) !== undefined && !bearsMarks(service, rule);
    const isLastChance = kept.length === 0 && !isOurs && isOfOther;
    const finalizers = isLastChance ? withoutFinalizer(service) : undefined;
    return patchOf(service, { finalizers, annotations: undefined, ingress, conditions });
  }
  const isFinalizerOurs = kept.length === 0 || (isOurs && given.length > 0);
  return patchOf(service, {
    finalizers: isFinalizerOurs ? withoutFinalizer(service) : undefined,
    annotations: markChanges(service, {
      ...endedPoolMarks(service),
      ...{ [ANNOTATION_RENUMBER]: undefined, [ANNOTATION_ADOPT]: undefined },
    }),
    ingress,
    conditions: withoutOurs(service, rule, !isFinalizerOurs && !isLast),
  });
}

/**
 * The conditions without ours, but for the fact where our finalizer has to stay; undefined when they are so already.
 */
function withoutOurs(
  service: KubeService,
  { loadBalancerClass }: LoadBalancerClassRule,
  isFactToStay: boolean,
): readonly KubeCondition[] | undefined {
  const present = service.status?.conditions ?? [];
  const isLeft = isFactToStay && withoutFinalizer(service) !== undefined;
  const fact = { ...usageCondition({ loadBalancerClass, given: [], used: [] }), atMs: 0 };
  const kept = present.filter(({ type }) => !OUR_CONDITIONS.includes(type) || (isLeft && type === CONDITION_GIVEN));
  const changed = isLeft
    ? withConditions({ ...service, status: { ...service.status, conditions: kept } }, [fact])
    : undefined;
  return changed ?? (kept.length === present.length ? undefined : kept);
}

/**
 * Whether the Service says that this installation was at work on it. The pool mark proves nothing: users write
 * annotations, and copy them with a manifest to Services of another class. Nor does the finalizer, which all cloud
 * controllers share, nor a condition without the fact, which may be another installation's.
 */
export function bearsMarks(service: KubeService, { loadBalancerClass }: LoadBalancerClassRule): boolean {
  return usageOf(service)?.loadBalancerClass === loadBalancerClass;
}

// What a version without the fact gave, only the class of the Service tells.
function removableOf(
  service: KubeService,
  { rule, isOurs }: Pick<RemovalOptions, 'rule' | 'isOurs'>,
): readonly IpAddress[] {
  return isOurs || bearsMarks(service, rule) ? (givenTo(service, rule) ?? []) : [];
}

/** Where only the ledger knows what was given, and is about to forget it, the status is to know it. */
function rememberedFact(
  service: KubeService,
  { loadBalancerClass }: LoadBalancerClassRule,
  held: readonly IpAddress[],
): WantedCondition[] {
  if (usageOf(service) !== undefined) return [];
  return [{ ...usageCondition({ loadBalancerClass, given: held, used: [] }), atMs: 0 }];
}

function isOneOf(given: readonly IpAddress[], { ip = '', hostname = '', ipMode = 'VIP' }: KubeIngress): boolean {
  const address = IpAddress.parse(ip);
  return address.ok && hostname === '' && ipMode === 'VIP' && includesAddress(given, address.value);
}
