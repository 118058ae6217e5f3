// SPDX-License-Identifier: Apache-2.0
/**
 * Who takes the VIPs that no one owns. On a crowded segment that costs a hash for each VIP and candidate, so a plan can
 * be made in pieces; it is made for one moment, so that all nodes that begin with the same come to the same.
 */
import { chooseNode, type Loads, loadOf, type Orphan } from './candidate.ts';

export interface OrphanPlan {
  /** In the order of addresses. */
  readonly orphans: readonly Orphan[];
  /** How many of them have been placed. */
  readonly placed: number;
  /** New owners by the text of the VIP. VIPs without candidates are absent. */
  readonly owners: ReadonlyMap<string, string>;
  /** VIPs of each node, those of the plan included. */
  readonly loads: Loads;
}

/** A plan in which nothing is placed yet. */
export function beginPlan(orphans: readonly Orphan[], loads: Loads): OrphanPlan {
  const ordered = [...orphans].sort((a, b) => a.vip.compare(b.vip));
  return { orphans: ordered, placed: 0, owners: new Map(), loads };
}

export function isComplete(plan: OrphanPlan): boolean {
  return plan.placed === plan.orphans.length;
}

/**
 * Places further VIPs, each where fewest are by then, until about so many pairs of VIP and candidate have been looked
 * at.
 */
export function continuePlan(plan: OrphanPlan, pairs: number): OrphanPlan {
  const owners = new Map(plan.owners);
  const loads = new Map(plan.loads);
  let { placed } = plan;
  for (let spent = 0; spent < pairs && placed < plan.orphans.length; placed++) {
    const orphan = plan.orphans[placed];
    if (orphan === undefined) break;
    spent += orphan.candidates.length;
    const owner = chooseNode(orphan.vip, orphan.candidates, loads);
    if (owner === undefined) continue;
    owners.set(String(orphan.vip), owner);
    loads.set(owner, loadOf(loads, owner) + 1);
  }
  return { ...plan, placed, owners, loads };
}

/** All new owners at once, by the text of the VIP; `loads` are those before. */
export function placeOrphans(orphans: readonly Orphan[], loads: Loads): ReadonlyMap<string, string> {
  return continuePlan(beginPlan(orphans, loads), Number.POSITIVE_INFINITY).owners;
}
