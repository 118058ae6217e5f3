// SPDX-License-Identifier: Apache-2.0
/** What membership says to the rest of the node. */
import type { IpAddress, MembershipReport, SpreadSections } from '@berth/core';
import { Signal } from '@berth/runtime';
import type { Segment } from '../layer2/segments.ts';

export class MembershipNews {
  /**
   * What this node owns has changed, by news of one or several frames; {@link Memberships.owned} knows. To be followed
   * at once.
   */
  readonly ownership = new Signal();
  /** This node owns VIPs that no one had before; they can wait a moment. */
  readonly additions = new Signal();
  /** What is wanted on the segments may have changed, or which segments there are. */
  readonly wishes = new Signal();
  /** A VIP is to be announced once more on a segment. */
  readonly announcements = new Signal<[vip: IpAddress, segment: Segment]>();
  readonly reports = new Signal<[report: MembershipReport, segment: Segment]>();
  /** A member said who serves what. */
  readonly spread = new Signal<[bootId: string, sections: SpreadSections, segment: Segment]>();
  /** Heartbeats fail on a segment. */
  readonly failures = new Signal<[segment: Segment, error: unknown]>();
}
