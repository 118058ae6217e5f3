// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import type { LabelSelector } from '../config/label-selector.ts';
import { EXCLUDE_LABEL, type NodeFacts } from './eligibility.ts';
import { type NodePolicy, vipCandidates } from './vip-candidates.ts';

function node(name: string, labels: Record<string, string> = {}, ready = 'True'): NodeFacts {
  return { metadata: { name, labels }, status: { conditions: [{ type: 'Ready', status: ready }] } };
}

function selector(matchLabels: Record<string, string>): LabelSelector {
  return { matchLabels, matchExpressions: [] };
}

function policy(rest: Partial<NodePolicy> = {}): NodePolicy {
  return { nodeSelectors: [], preferredNodeSelectors: [], ...rest };
}

const RACKS = [
  node('edge-1', { rack: 'a' }),
  node('edge-2', { rack: 'b', fast: 'yes' }),
  node('edge-3', { rack: 'c' }),
];

function names(policies: readonly NodePolicy[], local?: ReadonlySet<string>): string[] {
  return vipCandidates({ policies, nodes: RACKS, local }).map((one) => one.node);
}

describe('vipCandidates', () => {
  it('takes every node without selectors, in the order of names', () => {
    expect(vipCandidates({ policies: [policy()], nodes: [...RACKS].reverse() }).map((one) => one.node)).to.deep.equal([
      'edge-1',
      'edge-2',
      'edge-3',
    ]);
  });

  it('EL-14: filters hard by node selectors', () => {
    expect(names([policy({ nodeSelectors: [selector({ rack: 'a' })] })])).to.deep.equal(['edge-1']);
  });

  it('EL-14: unites several policies', () => {
    const policies = ['a', 'c'].map((rack) => policy({ nodeSelectors: [selector({ rack })] }));
    expect(names(policies)).to.deep.equal(['edge-1', 'edge-3']);
  });

  it('EL-14: adds up weights over selectors and policies', () => {
    const rackB = { weight: 10, preference: selector({ rack: 'b' }) };
    const fast = { weight: 5, preference: selector({ fast: 'yes' }) };
    const policies = [policy({ preferredNodeSelectors: [rackB, fast] }), policy({ preferredNodeSelectors: [rackB] })];
    const scores = vipCandidates({ policies, nodes: RACKS }).map((one) => one.score);
    expect(scores).to.deep.equal([0, 25, 0]);
  });

  it('EL-14: gives an ineligible node no score', () => {
    const nodes = [node('edge-1', { [EXCLUDE_LABEL]: 'true', rack: 'a' }), node('edge-2')];
    const preferred = { weight: 9, preference: selector({ rack: 'a' }) };
    expect(vipCandidates({ policies: [policy({ preferredNodeSelectors: [preferred] })], nodes })).to.deep.equal([
      { node: 'edge-2', standing: 'eligible', score: 0 },
    ]);
  });

  it('no policy, nobody', () => {
    expect(names([])).to.deep.equal([]);
  });

  it('takes only nodes with a usable endpoint when the policy is Local', () => {
    expect(names([policy()], new Set(['edge-2', 'edge-9']))).to.deep.equal(['edge-2']);
  });

  it('EL-11: keeps a node that is not ready as a last resort', () => {
    const nodes = [node('edge-1', {}, 'Unknown'), node('edge-2')];
    expect(vipCandidates({ policies: [policy()], nodes }).map((one) => one.standing)).to.deep.equal([
      'last-resort',
      'eligible',
    ]);
  });

  it('leaves out what has no name', () => {
    expect(vipCandidates({ policies: [policy()], nodes: [{}] })).to.deep.equal([]);
  });
});
