// SPDX-License-Identifier: Apache-2.0
import type { NodeReport } from '@berth/core';
import type { Node } from '@berth/kube';
import { expect } from 'chai';
import { countSpeakers } from './speaker-counts.ts';

const STATE = {} as NonNullable<NodeReport['state']>;

function reported(report: Partial<NodeReport> & { node: string }): [string, NodeReport] {
  return [report.node, { state: STATE, problem: undefined, freshness: 'fresh', ...report }];
}

function node(name: string, nodeInfo = { architecture: 'amd64', operatingSystem: 'linux' }): Node {
  return { metadata: { name }, status: { nodeInfo } } as Node;
}

describe('countSpeakers', () => {
  it('MO-05: tells nodes that report from silent ones and from those that cannot be read', () => {
    const reports = new Map([
      reported({ node: 'a' }),
      reported({ node: 'b', freshness: 'unproven' }),
      reported({ node: 'c', freshness: 'stale' }),
      reported({ node: 'd', state: undefined, problem: 'format 9' }),
    ]);
    const counts = countSpeakers(
      [...reports.keys()].map((name) => node(name)),
      reports,
    );
    expect(counts).to.deep.equal({ reporting: 2, silent: 1, unreadable: 1, none: 0 });
  });

  it('MO-05: counts nodes that never had a speaker, where the image would run', () => {
    const nodes = [
      node('new'),
      node('arm', { architecture: 'arm64', operatingSystem: 'linux' }),
      node('big-iron', { architecture: 's390x', operatingSystem: 'linux' }),
      node('windows', { architecture: 'amd64', operatingSystem: 'windows' }),
    ];
    expect(countSpeakers(nodes, new Map()).none).to.equal(2);
  });

  it('does not count a Lease twice that outlives its Node', () => {
    expect(countSpeakers([], new Map([reported({ node: 'gone', freshness: 'stale' })]))).to.deep.equal({
      ...{ reporting: 0, silent: 1, unreadable: 0, none: 0 },
    });
  });
});
