// SPDX-License-Identifier: Apache-2.0
/** All findings about a cluster, before Berth is installed and afterwards. */
import type { PoolConfig } from '../config/pool-config.ts';
import type { ClusterFacts } from '../report/cluster-facts.ts';
import { clusterReport } from '../report/cluster-report.ts';
import { dataPlane } from './data-plane.ts';
import { bySeverity, type Finding, findingOfProblem } from './finding.ts';
import { nodeFindings } from './node-findings.ts';
import type { DoctorObjects } from './objects.ts';
import { otherLoadBalancers } from './other-load-balancers.ts';
import { isInstalled, ownFindings } from './own-installation.ts';
import { poolFindings } from './pool-findings.ts';
import { statusWriters } from './status-writers.ts';

export interface Examination {
  readonly isInstalled: boolean;
  /** The most severe first. */
  readonly findings: readonly Finding[];
}

/**
 * `config`: the configuration to judge instead of the one in force. What is wrong with Berth itself counts once it is
 * installed.
 */
export function examine(facts: ClusterFacts, objects: DoctorObjects, config: PoolConfig = facts.config): Examination {
  const isThere = isInstalled(facts, objects);
  const problems = isThere ? clusterReport(facts).problems.map(findingOfProblem) : [];
  const findings = [
    ...problems,
    ...ownFindings(facts, objects),
    ...otherLoadBalancers(facts, objects),
    ...statusWriters(facts, objects),
    ...dataPlane(objects),
    ...nodeFindings(facts, objects),
    ...poolFindings(facts, config),
  ];
  return { isInstalled: isThere, findings: findings.sort(bySeverity) };
}
