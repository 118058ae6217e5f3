// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { DRAIN_ANNOTATION, EXCLUDE_LABEL, eligibilityOf, type NodeFacts } from './eligibility.ts';

const READY = { type: 'Ready', status: 'True' };

function node(facts: NodeFacts): NodeFacts {
  return { status: { conditions: [READY] }, ...facts };
}

function labelled(value: string): NodeFacts {
  return node({ metadata: { labels: { [EXCLUDE_LABEL]: value } } });
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
      facts: node({ spec: { unschedulable: true, taints: [{ key: 'node.kubernetes.io/unschedulable' }] } }),
      kind: 'eligible',
    },
    {
      name: 'the drain annotation excludes',
      facts: node({ metadata: { annotations: { [DRAIN_ANNOTATION]: 'true' } } }),
      kind: 'ineligible',
    },
    {
      name: 'the drain annotation with another value does not exclude',
      facts: node({ metadata: { annotations: { [DRAIN_ANNOTATION]: 'false' } } }),
      kind: 'eligible',
    },
  ];
  for (const { name, facts, kind } of table) {
    it(name, () => {
      expect(eligibilityOf(facts).kind).to.equal(kind);
    });
  }

  it('avoids cordoned nodes when told to', () => {
    const cordoned = node({ spec: { unschedulable: true } });
    expect(eligibilityOf(cordoned, { cordoned: 'avoid' })).to.deep.equal({ kind: 'ineligible', reason: 'cordoned' });
  });

  it('ignores the exclude label when told to', () => {
    expect(eligibilityOf(labelled('true'), { excludeLabel: 'ignore' }).kind).to.equal('eligible');
  });
});
