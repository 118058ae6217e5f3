// SPDX-License-Identifier: Apache-2.0
/**
 * The candidates of a VIP: what policies, nodes and endpoints say together. Every speaker computes the same list from
 * the same objects, for all nodes and not only for its own; whether a node's speaker is heard is not looked at here.
 */
import { type Labels, matchesAny, matchesSelector } from '../config/label-selector.ts';
import type { L2Advertisement } from '../config/pool-config.ts';
import type { VipCandidate } from './candidate.ts';
import { type EligibilityOptions, eligibilityOf, type NodeFacts } from './eligibility.ts';

/** The parts of a policy that speak of nodes. */
export type NodePolicy = Pick<L2Advertisement, 'nodeSelectors' | 'preferredNodeSelectors'>;

export interface CandidateOptions {
  /** The policies that apply to the Service. None: no one may announce. */
  readonly policies: readonly NodePolicy[];
  readonly nodes: readonly NodeFacts[];
  /** Nodes with a usable endpoint, for `externalTrafficPolicy: Local`; undefined when the endpoints do not matter. */
  readonly local?: ReadonlySet<string> | undefined;
  readonly eligibility?: EligibilityOptions;
}

/**
 * The candidates in the order of their names. A node is one when any policy selects it; the weights of all those
 * policies add up.
 */
export function vipCandidates(options: CandidateOptions): VipCandidate[] {
  const candidates = options.nodes.flatMap((node) => candidateOf(node, options) ?? []);
  return candidates.sort((a, b) => (a.node < b.node ? -1 : 1));
}

function candidateOf(node: NodeFacts, options: CandidateOptions): VipCandidate | undefined {
  const name = node.metadata?.name;
  if (name === undefined || (options.local && !options.local.has(name))) return undefined;
  const labels = node.metadata?.labels ?? {};
  const selecting = options.policies.filter((policy) => selects(policy, labels));
  if (selecting.length === 0) return undefined;
  const eligibility = eligibilityOf(node, options.eligibility);
  if (eligibility.kind === 'ineligible') return undefined;
  return { node: name, standing: eligibility.kind, score: scoreOf(selecting, labels) };
}

function selects(policy: NodePolicy, labels: Labels): boolean {
  return policy.nodeSelectors.length === 0 || matchesAny(policy.nodeSelectors, labels);
}

function scoreOf(policies: readonly NodePolicy[], labels: Labels): number {
  const preferences = policies.flatMap((policy) => policy.preferredNodeSelectors);
  return preferences
    .filter(({ preference }) => matchesSelector(preference, labels))
    .reduce((sum, { weight }) => sum + weight, 0);
}
