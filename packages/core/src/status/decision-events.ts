// SPDX-License-Identifier: Apache-2.0
/** The Events that tell users what was decided about a Service. */
import type { Decision, RemarkReason } from '../ipam/decision.ts';
import { sameAddresses } from '../service/annotations.ts';
import type { KubeService } from '../service/kube-service.ts';
import { unreadAnnotations } from '../service/unread-annotations.ts';
import { shownAddressesOf } from '../service/usage.ts';
import { EVENT_REASONS, METALLB_REASONS } from './event-reason.ts';
import { assignedConditionOf } from './service-patch.ts';

/** A Kubernetes Event to record on the Service. */
export interface ServiceEvent {
  readonly type: 'Normal' | 'Warning';
  /** Those of MetalLB; the others tell why an address is kept that would not be given anew. */
  readonly reason:
    | (typeof METALLB_REASONS)['allocated' | 'refused' | 'cleared']
    | 'ForeignAddress'
    | 'UnreadAnnotation'
    | RemarkReason;
  readonly message: string;
}

/**
 * The Events that tell what changed between the Service as it is and the decision: one when an address is given, one
 * when one is taken away, one when a refusal is new (not one per retry: an equal condition says that it was reported
 * before).
 */
export function decisionEvents(service: KubeService, decision: Decision): readonly ServiceEvent[] {
  if (decision.isForeign) return isNews(service, decision) ? [foreignEvent(decision)] : [];
  const shown = shownAddressesOf(service);
  const next = decision.addresses.map(({ address }) => address);
  const gone = shown.filter((address) => !next.some((other) => other.equals(address)));
  const events: ServiceEvent[] = [];
  if (gone.length > 0) {
    events.push({
      type: 'Warning',
      reason: METALLB_REASONS.cleared,
      message: `${gone.join(', ')} taken away: ${decision.condition.message}`,
    });
  }
  if (next.length > 0 && !sameAddresses(shown, next)) {
    events.push({ type: 'Normal', reason: METALLB_REASONS.allocated, message: decision.condition.message });
  }
  const unread = unreadAnnotations(service.metadata?.annotations ?? {});
  if (unread.length > 0 && isNews(service, decision)) events.push(unreadEvent(unread));
  const [remark] = decision.remarks;
  const reason = decision.refusal === undefined ? remark : METALLB_REASONS.refused;
  if (reason !== undefined && isNews(service, decision)) {
    events.push({ type: 'Warning', reason, message: decision.condition.message });
  }
  return events;
}

function foreignEvent({ condition: { message } }: Decision): ServiceEvent {
  return { type: 'Warning', reason: EVENT_REASONS.foreignAddress, message };
}

function unreadEvent(unread: readonly string[]): ServiceEvent {
  return { type: 'Warning', reason: EVENT_REASONS.unreadAnnotation, message: unread.join('; ') };
}

function isNews(service: KubeService, { condition }: Decision): boolean {
  const present = assignedConditionOf(service);
  return present?.reason !== condition.reason || present.message !== condition.message;
}
