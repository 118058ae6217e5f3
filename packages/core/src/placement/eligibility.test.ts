// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { type Candidate, EXCLUDE_LABEL, eligibilityOf, eligibleNodes, type NodeFacts } from './eligibility.ts';

const READY = { type: 'Ready', status: 'True' };

function node(facts: NodeFacts): NodeFacts {
  return { status: { conditions: [READY] }, ...facts };
}

function labelled(value: string): NodeFacts {
  return node({ metadata: { labels: { [EXCLUDE_LABEL]: value } } });
}

function candidate(name: string, kind: 'eligible' | 'last-resort' | 'ineligible'): Candidate {
  if (kind === 'ineligible') return { name, eligibility: { kind, reason: 'network-unavailable' } };
  return { name, eligibility: kind === 'eligible' ? { kind } : { kind, reason: 'not-ready' } };
}

describe('eligibilityOf', () => {
  const table: { name: string; facts: NodeFacts; kind: string }[] = [
    { name: 'a Ready node is eligible', facts: node({}), kind: 'eligible' },
    { name: 'EL-09: the exclude label with value false does not exclude', facts: labelled('false'), kind: 'eligible' },
    { name: 'the exclude label without a value excludes', facts: labelled(''), kind: 'ineligible' },
    { name: 'the exclude label with value true excludes', facts: labelled('true'), kind: 'ineligible' },
    { name: 'the exclude label with any other value excludes', facts: labelled('False'), kind: 'ineligible' },
    {
      name: 'NetworkUnavailable excludes',
      facts: { status: { conditions: [READY, { type: 'NetworkUnavailable', status: 'True' }] } },
      kind: 'ineligible',
    },
    {
      name: 'EL-11: Ready False is a last resort',
      facts: { status: { conditions: [{ type: 'Ready', status: 'False' }] } },
      kind: 'last-resort',
    },
    {
      name: 'EL-11: Ready Unknown is a last resort',
      facts: { status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } },
      kind: 'last-resort',
    },
    { name: 'a node without conditions is a last resort', facts: {}, kind: 'last-resort' },
    {
      name: 'EL-12: a taint of the cluster autoscaler excludes',
      facts: node({ spec: { taints: [{ key: 'ToBeDeletedByClusterAutoscaler' }] } }),
      kind: 'ineligible',
    },
    {
      name: 'EL-12: a deletionTimestamp excludes',
      facts: node({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }),
      kind: 'ineligible',
    },
    {
      name: 'EL-12: a cordoned node is still eligible',
      facts: node({ spec: { taints: [{ key: 'node.kubernetes.io/unschedulable' }] } }),
      kind: 'eligible',
    },
  ];
  for (const { name, facts, kind } of table) {
    it(name, () => {
      expect(eligibilityOf(facts).kind).to.equal(kind);
    });
  }

  it('ignores the exclude label when told to', () => {
    expect(eligibilityOf(labelled('true'), { excludeLabel: 'ignore' }).kind).to.equal('eligible');
  });
});

describe('eligibleNodes', () => {
  it('EL-11: leaves a node that is not ready out while a Ready one is eligible', () => {
    expect(eligibleNodes([candidate('edge-1', 'eligible'), candidate('edge-2', 'last-resort')])).to.deep.equal([
      'edge-1',
    ]);
  });

  it('EL-11: falls back to nodes that are not ready', () => {
    expect(eligibleNodes([candidate('edge-1', 'ineligible'), candidate('edge-2', 'last-resort')])).to.deep.equal([
      'edge-2',
    ]);
  });

  it('EL-11: leaves an owner that turned not ready its VIPs', () => {
    const nodes = [candidate('edge-1', 'eligible'), candidate('edge-2', 'last-resort')];
    expect(eligibleNodes(nodes, 'edge-2')).to.deep.equal(['edge-1', 'edge-2']);
  });
});
