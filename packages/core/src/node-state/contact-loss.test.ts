// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { MacAddress } from '../net/mac-address.ts';
import { type ContactLoss, contactLosses } from './contact-loss.ts';
import type { NodeHearing } from './counting-claims.ts';
import type { MemberState, SegmentState } from './node-state.ts';

const CLAIMS = [{ node: 'a', interface: 'lan0', term: 1, sinceSeconds: 0 }];

describe('contactLosses', () => {
  const rows: { name: string; nodes: Record<string, NodeHearing>; found: string[] }[] = [
    {
      name: 'nothing while all hear each other',
      nodes: { a: hears({ b: 'both' }), b: hears({ a: 'both' }) },
      found: [],
    },
    {
      name: 'BL-05: the nodes that do not hear the announcer, which answers',
      nodes: { a: hears({ b: 'both' }), b: hears({ a: 'lost' }), c: hears({ a: 'lost' }) },
      found: ['HeartbeatsLost a lan0 b c'],
    },
    {
      name: 'BL-06: the announcer that is cut off by its own word',
      nodes: { a: hears({}, 'cut-off'), b: hears({}) },
      found: ['CutOff a lan0'],
    },
    {
      name: 'BL-05: the lost heartbeats of one that takes itself for cut off, and gives answers',
      nodes: { a: hears({}, 'cut-off'), b: hears({ a: 'lost' }) },
      found: ['HeartbeatsLost a lan0 b'],
    },
    {
      name: 'WT-09: the nodes that the announcer does not reach',
      nodes: { a: { ...hears({}), segments: hears({}).segments.map((one) => ({ ...one, notReached: ['b', 'c'] })) } },
      found: ['NodesNotReached a lan0 b c'],
    },
    {
      name: 'nothing that a node said which is not heard of any more',
      nodes: { a: hears({}), b: { ...hears({ a: 'lost' }), freshness: 'stale' } },
      found: [],
    },
    {
      name: 'nothing of nodes that announce nothing here',
      nodes: { a: hears({ b: 'lost' }), b: hears({}, 'cut-off') },
      found: [],
    },
  ];
  for (const { name, nodes, found } of rows)
    it(`tells ${name}`, () => {
      const losses = contactLosses(CLAIMS, new Map(Object.entries(nodes)));
      expect(losses.map((loss) => [loss.kind, loss.node, loss.interface, ...namesIn(loss)].join(' '))).to.deep.equal(
        found,
      );
    });
});

function namesIn(loss: ContactLoss): readonly string[] {
  if (loss.kind === 'HeartbeatsLost') return loss.unheardBy;
  return loss.kind === 'CutOff' ? [] : loss.notReached;
}

function hears(members: Record<string, MemberState['hearing']>, contact?: SegmentState['contact']): NodeHearing {
  const heard = Object.entries(members).map(([node, hearing]) => ({ node, hearing }));
  const segment = { interface: 'lan0', mac: MacAddress.ZERO, phase: 'active' as const, members: heard };
  return { bootId: '0000000000000001', freshness: 'fresh', segments: [{ ...segment, contact }] };
}
