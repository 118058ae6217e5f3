// SPDX-License-Identifier: Apache-2.0
/** All findings about a cluster, before Berth is installed and afterwards. */
import type { PoolConfig } from '../config/pool-config.ts';
import type { ClusterFacts } from '../report/cluster-facts.ts';
import { clusterReport } from '../report/cluster-report.ts';
import { dataPlane } from './data-plane.ts';
import { bySeverity, type Finding, findingOfProblem } from './finding.ts';
import { METALLB_MANAGER } from './metallb.ts';
import { nodeFindings } from './node-findings.ts';
import type { DoctorObjects } from './objects.ts';
import { otherLoadBalancers } from './other-load-balancers.ts';
import { isInstalled, ownFindings } from './own-installation.ts';
import { poolFindings } from './pool-findings.ts';
import { statusWriters } from './status-writers.ts';
import { hasEnded } from './workload.ts';

export interface Examination {
  readonly isInstalled: boolean;
  /** The most severe first. */
  readonly findings: readonly Finding[];
}

/**
 * `config`: the configuration to judge instead of the one in force. What is wrong with Berth itself counts once it is
 * installed.
 */
export function examine(facts: ClusterFacts, all: DoctorObjects, config: PoolConfig = facts.config): Examination {
  const objects = { ...all, pods: all.pods.filter((pod) => !hasEnded(pod)) };
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
  const others = findings.filter(isOtherServing);
  return { isInstalled: isThere, findings: findings.map((one) => whileOthersServe(one, others)).sort(bySeverity) };
}

const LOAD_BALANCERS: ReadonlySet<Finding['kind']> = new Set(['metallb', 'service-lb', 'kube-vip', 'cilium-lb']);

/** Whether it is another product that serves the Services that Berth would. */
function isOtherServing({ kind, severity }: Finding): boolean {
  return LOAD_BALANCERS.has(kind) && severity === 'warning';
}

/** What is so before every move from another product, and ends with it, is no alarm: no client goes without. */
function whileOthersServe(finding: Finding, others: readonly Finding[]): Finding {
  const metallb = others.find(({ kind }) => kind === 'metallb');
  const isOfMetallb = finding.kind === 'no-configuration' || finding.id === `other-writer ${METALLB_MANAGER}`;
  if (metallb !== undefined && isOfMetallb)
    return { ...finding, severity: 'info', command: metallb.command, page: metallb.page };
  const [other] = others;
  if (other === undefined || finding.kind !== 'no-configuration') return finding;
  return { ...finding, severity: 'info', page: other.page };
}
