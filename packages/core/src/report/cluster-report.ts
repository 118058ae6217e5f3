// SPDX-License-Identifier: Apache-2.0
/** All that people are shown of this moment. */
import { readHistory } from '../history/entry.ts';
import { timingOf } from '../membership/timing.ts';
import { allocatorOf, type ClusterFacts } from './cluster-facts.ts';
import { clusterProblems } from './cluster-problems.ts';
import { hearingMatrices } from './hearing-matrix.ts';
import type { ClusterReport, LeaderRow } from './model.ts';
import { nodeProblems } from './node-problems.ts';
import { nodeRows } from './node-rows.ts';
import type { ClusterObjects } from './objects.ts';
import { poolRows } from './pool-rows.ts';
import { byUrgency } from './problem.ts';
import { vipList } from './vip-list.ts';

/** Name of the Lease that the leading controller holds. */
export const LEADER_LEASE = 'controller';
/** A leader is believed for so many of its Lease's durations: clocks differ. */
const LEADER_PATIENCE = 3;

export function clusterReport(facts: ClusterFacts): ClusterReport {
  const { objects, byKey, reports } = facts;
  const allocator = allocatorOf(facts);
  const { entries: history } = readHistory(objects.configMaps);
  const vips = vipList(facts, allocator.table.catalog);
  const pools = poolRows(allocator, byKey, objects.nowMs);
  const leader = leaderOf(objects);
  const problems = [
    ...nodeProblems(reports, objects),
    ...clusterProblems(facts, { vips, pools, leader, history, allocator }),
  ];
  return {
    atMs: objects.nowMs,
    problems: problems.sort(byUrgency),
    nodes: nodeRows(facts),
    hearing: hearingMatrices(reports, facts.nodes.keys()),
    ...{ pools, vips, leader },
    configuration: { from: facts.configFrom ?? 'none', problems: facts.configProblems },
    fenceMs: defaultFenceMs(),
  };
}

function defaultFenceMs(): number {
  const timing = timingOf();
  return timing.ok ? timing.timing.answerFenceMs : 0;
}

function leaderOf({ leases, nowMs }: ClusterObjects): LeaderRow | undefined {
  const spec = leases.find(({ metadata }) => metadata.name === LEADER_LEASE)?.spec;
  if (!spec?.holderIdentity) return undefined;
  const renewedMs = Date.parse(spec.renewTime ?? '') || 0;
  const patienceMs = (spec.leaseDurationSeconds ?? 15) * 1000 * LEADER_PATIENCE;
  return { identity: spec.holderIdentity, renewedMs, freshness: nowMs - renewedMs < patienceMs ? 'fresh' : 'stale' };
}
