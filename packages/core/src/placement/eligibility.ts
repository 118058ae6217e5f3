// SPDX-License-Identifier: Apache-2.0
/** Which nodes may own a VIP at all, by what the cluster says about them. */

/** The parts of a Kubernetes Node that are looked at. */
export interface NodeFacts {
  readonly metadata?:
    | {
        readonly name?: string | undefined;
        readonly labels?: Readonly<Record<string, string>> | undefined;
        readonly deletionTimestamp?: string | Date | undefined;
      }
    | undefined;
  readonly spec?: { readonly taints?: readonly { readonly key?: string | undefined }[] | undefined } | undefined;
  readonly status?:
    | { readonly conditions?: readonly { readonly type?: string; readonly status?: string }[] | undefined }
    | undefined;
}

/** Nodes with this label serve no load balancer, unless its value is `false`. */
export const EXCLUDE_LABEL = 'node.kubernetes.io/exclude-from-external-load-balancers';

/** Set by the cluster autoscaler on a node that it is about to delete. */
const TO_BE_DELETED_TAINT = 'ToBeDeletedByClusterAutoscaler';

export interface EligibilityOptions {
  /** Whether {@link EXCLUDE_LABEL} is obeyed or ignored. Default: 'obey'. */
  readonly excludeLabel?: 'obey' | 'ignore';
}

/** Why a node may not own VIPs. */
export type IneligibleReason = 'excluded-by-label' | 'network-unavailable' | 'being-deleted';

/** `last-resort`: only while no eligible node is left. A cordoned node is eligible: it still serves. */
export type Eligibility =
  | { readonly kind: 'eligible' }
  | { readonly kind: 'last-resort'; readonly reason: 'not-ready' }
  | { readonly kind: 'ineligible'; readonly reason: IneligibleReason };

/** Judges one node. */
export function eligibilityOf(node: NodeFacts, options: EligibilityOptions = {}): Eligibility {
  const label = node.metadata?.labels?.[EXCLUDE_LABEL];
  if (options.excludeLabel !== 'ignore' && label !== undefined && label !== 'false')
    return ineligible('excluded-by-label');
  if (node.metadata?.deletionTimestamp !== undefined) return ineligible('being-deleted');
  if (node.spec?.taints?.some((taint) => taint.key === TO_BE_DELETED_TAINT)) return ineligible('being-deleted');
  if (conditionOf(node, 'NetworkUnavailable') === 'True') return ineligible('network-unavailable');
  return conditionOf(node, 'Ready') === 'True' ? { kind: 'eligible' } : { kind: 'last-resort', reason: 'not-ready' };
}

/** A node as a candidate for one VIP. */
export interface Candidate {
  readonly name: string;
  readonly eligibility: Eligibility;
}

/**
 * Names of the nodes that may own a VIP: the eligible ones, or the last resorts when there are none. The present owner is among
 * them also when its node turned not ready: its speaker is heard, so its VIPs stay.
 */
export function eligibleNodes(candidates: readonly Candidate[], owner?: string): string[] {
  const named = (kind: Eligibility['kind']) =>
    candidates.filter((one) => one.eligibility.kind === kind).map((one) => one.name);
  const eligible = named('eligible');
  const lastResort = named('last-resort');
  if (eligible.length === 0) return lastResort;
  return owner !== undefined && lastResort.includes(owner) ? [...eligible, owner] : eligible;
}

function conditionOf(node: NodeFacts, type: string): string | undefined {
  return node.status?.conditions?.find((condition) => condition.type === type)?.status;
}

function ineligible(reason: IneligibleReason): Eligibility {
  return { kind: 'ineligible', reason };
}
