// SPDX-License-Identifier: Apache-2.0
/** The patch that brings a Service's status, finalizer and marks in line with a decision, and the one that takes them away. */
import type { Decision } from '../ipam/decision.ts';
import type { KubeService } from './kube-service.ts';

/** Added before an address is shown, so that a deleted Service is seen before it is gone. */
export const FINALIZER = 'service.kubernetes.io/load-balancer-cleanup';

export const CONDITION_ADDRESS_ASSIGNED = 'berth.dev/AddressAssigned';
export const CONDITION_ANNOUNCED = 'berth.dev/Announced';

/** The mark that names the pool of the address; written for people and tools, never read back. */
export const ANNOTATION_POOL = 'berth.dev/ip-allocated-from-pool';

/** A JSON merge patch for the sub-resource `status` of a Service; carries metadata.resourceVersion, so a stale one gets 409. */
export type ServicePatch = Readonly<Record<string, unknown>>;

export interface StatusPatchOptions {
  /** For lastTransitionTime, in milliseconds since the epoch. */
  readonly nowMs: number;
  /** Whether our finalizer is wanted. */
  readonly finalizer: boolean;
}

/**
 * The one patch that gives the Service its addresses, finalizer, condition and pool mark, or undefined when all of them are
 * there already. Other finalizers and conditions are kept. The ledger must hold the addresses before this is sent.
 */
export function statusPatch(
  _service: KubeService,
  _decision: Decision,
  _options: StatusPatchOptions,
): ServicePatch | undefined {
  throw new Error('core: statusPatch: to follow');
}

/**
 * The patch for a Service that is being deleted or is no longer ours, or undefined when nothing of ours is left on it.
 * While `isHeld` (the ledger still has an address of it) addresses, conditions and marks go but the finalizer stays; send
 * it again once the ledger has released the addresses. Status entries of a Service that never had a mark of ours are left
 * alone.
 */
export function removalPatch(_service: KubeService, _options: { readonly isHeld: boolean }): ServicePatch | undefined {
  throw new Error('core: removalPatch: to follow');
}

/** A Kubernetes Event to record on the Service. */
export interface ServiceEvent {
  readonly type: 'Normal' | 'Warning';
  /** As MetalLB's users know them. */
  readonly reason: 'IPAllocated' | 'AllocationFailed' | 'ClearAssignment';
  readonly message: string;
}

/**
 * The Events that tell what changed between the Service as it is and the decision: one when an address is given, one when
 * one is taken away, one when a refusal is new (not one per retry: an equal condition says that it was told before).
 */
export function decisionEvents(_service: KubeService, _decision: Decision): readonly ServiceEvent[] {
  throw new Error('core: decisionEvents: to follow');
}
