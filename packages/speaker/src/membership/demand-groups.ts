// SPDX-License-Identifier: Apache-2.0
/**
 * Multicast groups of the IPv6 VIPs that this node would serve if a host asked for them: while it is cut off without a
 * witness it is a member of them, or a switch that snoops on MLD, and the network card, would keep the questions from
 * it.
 */
import { cutOffSinceMs, type MembershipState } from '@berth/core';
import type { AnsweredRow, SolicitedGroups } from '@berth/link';
import type { Segment } from '../layer2/segments.ts';

/** VIPs of one segment. Each group costs a report on the segment, and a place in the kernel's list. */
export const MOST_VIPS = 256;

/** The part of the multicast groups that is used. */
export type Groups = Pick<SolicitedGroups, 'attach' | 'detach' | 'replace'>;

/** One segment and what is known of it. */
export interface Listening {
  readonly segment: Pick<Segment, 'ifindex'>;
  readonly loop: { readonly state: MembershipState };
}

export class DemandGroups {
  readonly #groups: Groups;
  readonly #attached = new Set<number>();

  constructor(groups: Groups) {
    this.#groups = groups;
  }

  /**
   * Is a member on those segments from now on on which this node is cut off, and on no other. To be called when it is
   * cut off or no longer so, and when VIPs come or go. Costs next to nothing while it is cut off nowhere.
   */
  follow(loops: readonly Listening[]): void {
    const cut = loops.filter(({ loop }) => cutOffSinceMs(loop.state) !== undefined);
    if (cut.length === 0 && this.#attached.size === 0) return;
    for (const ifindex of [...this.#attached])
      if (!cut.some(({ segment }) => segment.ifindex === ifindex)) {
        this.#attached.delete(ifindex);
        this.#groups.detach(ifindex);
      }
    for (const { segment } of cut) {
      this.#attached.add(segment.ifindex);
      this.#groups.attach(segment.ifindex);
    }
    this.#groups.replace(cut.flatMap(rowsOf));
  }
}

function rowsOf({ segment, loop }: Listening): AnsweredRow[] {
  const vips = [...loop.state.desired.values()].map(({ vip }) => vip);
  const ofFamily = vips.filter(({ family }) => family === 'IPv6').slice(0, MOST_VIPS);
  return ofFamily.map((vip) => ({ vip, ifindexes: [segment.ifindex] }));
}
