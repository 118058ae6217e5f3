// SPDX-License-Identifier: Apache-2.0
/**
 * What the nodes heard on the wire of VIPs, by VIP, kept current from report to report; and how far each got with
 * asking.
 */
import type { Complaint, IpAddress, NodeClaim, NodeReport, NodeState, ReachFacts, Stranger } from '@berth/core';
import type { NodeStateChange } from '../cluster/node-states.ts';

/** What one node says about one VIP. */
interface Remarks {
  readonly complaints: readonly Complaint[];
  readonly strangers: readonly Stranger[];
}

export class ReachIndex {
  readonly #reports: () => ReadonlyMap<string, NodeReport>;
  /** By VIP and node; never an empty map. */
  readonly #remarks = new Map<string, Map<string, Remarks>>();
  /** How far the nodes that hear an owner got, by owner; until the next change. */
  readonly #tested = new Map<string, readonly (number | undefined)[]>();

  constructor(reports: () => ReadonlyMap<string, NodeReport>) {
    this.#reports = reports;
  }

  /** Takes over a change; returns the VIPs about which something else is said. */
  take({ node, before, after }: NodeStateChange): ReadonlySet<string> {
    this.#tested.clear();
    const previous = remarksOf(node, before);
    const next = remarksOf(node, after);
    const touched = new Set<string>();
    for (const vip of new Set([...previous.keys(), ...next.keys()])) {
      const remarks = next.get(vip);
      if (JSON.stringify(previous.get(vip)) !== JSON.stringify(remarks)) touched.add(vip);
      this.#put(vip, node, remarks);
    }
    return touched;
  }

  /** All that is known about whether a VIP is reached, given who answers for it. */
  factsOf(vip: IpAddress, claims: readonly NodeClaim[]): ReachFacts {
    const remarks = [...(this.#remarks.get(String(vip))?.values() ?? [])];
    return {
      vip,
      claims,
      complaints: remarks.flatMap(({ complaints }) => complaints),
      strangers: remarks.flatMap(({ strangers }) => strangers),
      tested: [...new Set(claims.map(({ node }) => node))].flatMap((owner) => this.#testedBeside(owner)),
    };
  }

  #put(vip: string, node: string, remarks: Remarks | undefined): void {
    const ofVip = this.#remarks.get(vip) ?? new Map<string, Remarks>();
    if (remarks) ofVip.set(node, remarks);
    else ofVip.delete(node);
    if (ofVip.size > 0) this.#remarks.set(vip, ofVip);
    else this.#remarks.delete(vip);
  }

  #testedBeside(owner: string): readonly (number | undefined)[] {
    const known = this.#tested.get(owner);
    if (known) return known;
    const listeners = [...this.#reports().values()].filter(
      ({ node, state, freshness }) => node !== owner && freshness !== 'stale' && hears(state, owner),
    );
    // What an old Lease says of tests is no proof of today.
    const tested = listeners.map(({ state, freshness }) => (freshness === 'fresh' ? state?.testedSeconds : undefined));
    this.#tested.set(owner, tested);
    return tested;
  }
}

function hears(state: NodeState | undefined, owner: string): boolean {
  return state?.segments.some(({ members }) => members.some(({ node }) => node === owner)) ?? false;
}

// What a node that fell silent said last is not held against anybody.
function remarksOf(node: string, report: NodeReport | undefined): Map<string, Remarks> {
  const remarks = new Map<string, Remarks>();
  if (report?.state === undefined || report.freshness === 'stale') return remarks;
  const of = (vip: IpAddress) => remarks.get(String(vip)) ?? { complaints: [], strangers: [] };
  for (const one of report.state.unreachable) {
    const { complaints, strangers } = of(one.vip);
    remarks.set(String(one.vip), { complaints: [...complaints, { ...one, node }], strangers });
  }
  for (const one of report.state.conflicts) {
    if (one.kind !== 'in-use') continue;
    const { complaints, strangers } = of(one.vip);
    remarks.set(String(one.vip), { complaints, strangers: [...strangers, { ...one, node }] });
  }
  return remarks;
}
