// SPDX-License-Identifier: Apache-2.0
/** Which nodes may own a VIP at all, by what the cluster says about them. */

/** The parts of a Kubernetes Node that are looked at. */
export interface NodeFacts {
  readonly metadata?:
    | {
        readonly name?: string | undefined;
        readonly labels?: Readonly<Record<string, string>> | undefined;
        readonly annotations?: Readonly<Record<string, string>> | undefined;
        readonly deletionTimestamp?: string | Date | undefined;
      }
    | undefined;
  readonly spec?:
    | {
        readonly taints?: readonly { readonly key?: string | undefined }[] | undefined;
        readonly unschedulable?: boolean | undefined;
      }
    | undefined;
  readonly status?:
    | { readonly conditions?: readonly { readonly type?: string; readonly status?: string }[] | undefined }
    | undefined;
}

/** Nodes with this label serve no load balancer, unless its value is `false`. */
export const EXCLUDE_LABEL = 'node.kubernetes.io/exclude-from-external-load-balancers';

/** Nodes with this annotation and the value `true` hand over what they own; `kubectl berth drain` sets it. */
export const DRAIN_ANNOTATION = 'berth.dev/drain';

/** Set by the cluster autoscaler on a node that it is about to delete. */
const TO_BE_DELETED_TAINT = 'ToBeDeletedByClusterAutoscaler';

export interface EligibilityOptions {
  /** Whether {@link EXCLUDE_LABEL} is obeyed or ignored. Default: 'obey'. */
  readonly excludeLabel?: 'obey' | 'ignore';
  /** Whether nodes that are cordoned own VIPs; they still serve. Default: 'serve'. */
  readonly cordoned?: 'serve' | 'avoid';
}

/** Why a node may not own VIPs. */
export type IneligibleReason = 'excluded-by-label' | 'drained' | 'cordoned' | 'network-unavailable' | 'being-deleted';

/** `last-resort`: only while no eligible node is left. */
export type Eligibility =
  | { readonly kind: 'eligible' }
  | { readonly kind: 'last-resort'; readonly reason: 'not-ready' }
  | { readonly kind: 'ineligible'; readonly reason: IneligibleReason };

/** Judges one node. */
export function eligibilityOf(node: NodeFacts, options: EligibilityOptions = {}): Eligibility {
  const label = node.metadata?.labels?.[EXCLUDE_LABEL];
  if (options.excludeLabel !== 'ignore' && label !== undefined && label !== 'false')
    return ineligible('excluded-by-label');
  if (node.metadata?.annotations?.[DRAIN_ANNOTATION] === 'true') return ineligible('drained');
  if (options.cordoned === 'avoid' && node.spec?.unschedulable === true) return ineligible('cordoned');
  if (node.metadata?.deletionTimestamp !== undefined) return ineligible('being-deleted');
  if (node.spec?.taints?.some((taint) => taint.key === TO_BE_DELETED_TAINT)) return ineligible('being-deleted');
  if (conditionOf(node, 'NetworkUnavailable') === 'True') return ineligible('network-unavailable');
  return conditionOf(node, 'Ready') === 'True' ? { kind: 'eligible' } : { kind: 'last-resort', reason: 'not-ready' };
}

function conditionOf(node: NodeFacts, type: string): string | undefined {
  return node.status?.conditions?.find((condition) => condition.type === type)?.status;
}

function ineligible(reason: IneligibleReason): Eligibility {
  return { kind: 'ineligible', reason };
}
