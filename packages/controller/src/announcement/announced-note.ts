// SPDX-License-Identifier: Apache-2.0
/** The Event about a condition `berth.dev/Announced` that changed. */
import { type AnnouncedFinding, announcedConditionOf, EVENT_REASONS, METALLB_REASONS } from '@berth/core';
import type { EventNote, Service } from '@berth/kube';

/** `service`: as it was before the finding was written. Undefined where there is nothing to say. */
export function announcedNote(service: Service, finding: AnnouncedFinding): EventNote | undefined {
  const { status, reason, message } = finding;
  const before = announcedConditionOf(service);
  // Who begins to announce says so itself (nodeAssigned); that no node does, no node can say.
  if (status === 'True' || (before?.status === 'False' && before.reason === reason)) return undefined;
  const isLoss = before?.status === 'True';
  const isStanding = reason === 'NoInterface' || reason === 'NodeAddress';
  if (isStanding || (reason === 'NoEligibleNode' && !isLoss))
    return { type: 'Warning', reason: METALLB_REASONS.notAnnounceable, message };
  const isWorthSaying = isLoss && reason !== 'NoAddress';
  return isWorthSaying ? { type: 'Warning', reason: EVENT_REASONS.notAnnounced, message } : undefined;
}
