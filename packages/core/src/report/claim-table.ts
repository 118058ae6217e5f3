// SPDX-License-Identifier: Apache-2.0
/** Who answers for each VIP, by what all nodes say: for those who look at all VIPs of a cluster. */
import { type ContactLoss, contactLosses } from '../node-state/contact-loss.ts';
import { countingClaims, type NodeClaim, type NodeHearing } from '../node-state/counting-claims.ts';
import type { OwnedState } from '../node-state/node-state.ts';
import { type DatedReport, hearingsOf } from './node-report.ts';

/** What a node says of a VIP that it answers for. */
export interface OwnedBy extends OwnedState {
  readonly node: string;
}

export class ClaimTable {
  readonly #hearings: ReadonlyMap<string, NodeHearing>;
  readonly #owned = new Map<string, OwnedBy[]>();

  constructor(reports: readonly DatedReport[]) {
    this.#hearings = hearingsOf(reports);
    for (const { node, state } of reports)
      for (const one of state?.owned ?? []) {
        const key = String(one.vip);
        const list = this.#owned.get(key);
        if (list) list.push({ ...one, node });
        else this.#owned.set(key, [{ ...one, node }]);
      }
  }

  /** Texts of all VIPs that some node says to answer for. */
  vips(): Iterable<string> {
    return this.#owned.keys();
  }

  /** What the owners that count say of it, in the order of nodes and interfaces. */
  ownersOf(vip: string): readonly OwnedBy[] {
    const all = this.#owned.get(vip);
    if (all === undefined) return [];
    const counting = countingClaims(vip, all, this.#hearings);
    return counting.flatMap(
      ({ node, interface: ifname }) => all.find((one) => one.node === node && one.interface === ifname) ?? [],
    );
  }

  /** What is wrong with the contact between the nodes of these claims and the others. */
  contactsOf(claims: readonly NodeClaim[]): readonly ContactLoss[] {
    return contactLosses(claims, this.#hearings);
  }
}
