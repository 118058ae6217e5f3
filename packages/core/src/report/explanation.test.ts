// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import type { NodeState } from '../node-state/node-state.ts';
import type { ServingState } from '../node-state/serving.ts';
import { readCluster } from './cluster-facts.ts';
import { explainService } from './explanation.ts';
import { sampleCluster, sampleVip } from './testing/sample-cluster.ts';

const SERVING: ServingState = {
  ...{ vip: sampleVip(0), interface: 'lan0', sinceSeconds: Date.UTC(2026, 10, 30, 9) / 1000 },
  servers: ['edge-1', 'edge-2'].map((node) => ({ node, state: 'serving', weight: 1 })),
};

/** What `explain` says of who serves the first Service. */
function said(serving: readonly ServingState[], serve?: string): string {
  const objects = sampleCluster({ nodes: 2, states: { 'edge-1': { serving } } });
  const [first, ...others] = objects.services;
  if (first === undefined) throw new Error('no Service');
  const annotations = serve === undefined ? {} : { 'berth.dev/serve': serve };
  const asking = { ...first, metadata: { ...first.metadata, annotations } };
  const facts = readCluster({ ...objects, services: [asking, ...others] });
  const lines = explainService(facts, 'ns-0/s-0')?.sections.flatMap((section) => section.lines) ?? [];
  return lines.find((line) => line.includes('is answered by')) ?? '';
}

describe('explainService', () => {
  it('EN-26: tells who serves, with shares, and since when', () => {
    expect(said([SERVING], 'every-node')).to.match(
      /198\.18\.0\.1 is answered by edge-1 .* 198\.18\.0\.1 is served by edge-1 \(50 %\) and edge-2 \(50 %\) since .*09:00/,
    );
  });

  it('EN-26: tells why the owner serves alone', () => {
    const alone = { why: 'nodes-without', nodes: ['edge-2'], code: '' } as const;
    expect(said([{ ...SERVING, alone }], 'every-node')).to.include('is served by edge-1 alone: edge-2 takes no part');
    expect(said([], 'every-node')).to.include('edge-1, which owns 198.18.0.1, does not say who serves it');
  });

  it('EN-26: tells nothing of a Service that does not ask for it', () => {
    expect(said([SERVING])).to.not.include('served by');
  });

  const rows: { name: string; states: Readonly<Record<string, Partial<NodeState>>>; text: string }[] = [
    {
      name: 'that it keeps them',
      states: { 'edge-1': { moves: 'kept' }, 'edge-2': { moves: 'kept' } },
      text: 'A planned move of 198.18.0.1 keeps its connections.',
    },
    {
      name: 'why it breaks them',
      states: { 'edge-1': { moves: { why: 'data-plane', code: 'Cilium' } }, 'edge-2': { moves: 'kept' } },
      text: 'A planned move of 198.18.0.1 breaks its connections: edge-1 has Cilium, whose connections the kernel does not show.',
    },
    {
      name: 'which node it may not go to',
      states: { 'edge-1': { moves: 'kept' }, 'edge-2': { moves: { why: 'program', code: 'EPERM' } } },
      text: 'A planned move of 198.18.0.1 keeps its connections, but not to every node: the kernel of edge-2 refuses the program that passes packets on (EPERM).',
    },
    {
      name: 'that an older speaker breaks them',
      states: { 'edge-2': { moves: 'kept' } },
      text: 'A planned move of 198.18.0.1 breaks its connections: edge-1 has an older speaker.',
    },
  ];
  for (const { name, states, text } of rows)
    it(`MV-30: tells of a planned move ${name}`, () => {
      const facts = readCluster(sampleCluster({ nodes: 2, states }));
      const lines = explainService(facts, 'ns-0/s-0')?.sections.flatMap((section) => section.lines) ?? [];
      expect(lines.filter((line) => line.startsWith('A planned move'))).to.deep.equal([text]);
    });

  it('MV-35: names nodes that are preferred to the owner, and no others', () => {
    const pools = { apiVersion: 'berth.dev/v1', kind: 'IPAddressPool', metadata: { name: 'lan' } };
    const preference = { matchLabels: { 'kubernetes.io/hostname': 'edge-2' } };
    const preferring = {
      ...{ apiVersion: 'berth.dev/v1', kind: 'L2Advertisement', metadata: { name: 'lan' } },
      spec: { preferredNodeSelectors: [{ weight: 50, preference }] },
    };
    const documents = [{ ...pools, spec: { addresses: ['198.18.0.0/24'] } }, preferring];
    const text = documents.map((one) => JSON.stringify(one)).join('\n---\n');
    const lines = (key: string, states?: Readonly<Record<string, Partial<NodeState>>>) => {
      const facts = readCluster(sampleCluster({ nodes: 3, pools: text, ...(states && { states }) }));
      const all = explainService(facts, key)?.sections.flatMap((section) => section.lines) ?? [];
      return all.filter((line) => line.includes('preferred'));
    };
    expect(lines('ns-0/s-0')).to.deep.equal([
      'edge-2 is preferred to edge-1, which owns 198.18.0.1: it moves by itself where that breaks no connection, unless the speakers have --rebalance=off.',
    ]);
    expect(lines('ns-0/s-1')).to.deep.equal([]);
    expect(lines('ns-0/s-0', { 'edge-2': { fitness: 'unfit' } })).to.deep.equal([]);
  });
});
