// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import { commitsIn, fullest, servedBy, strangersIn } from './counts.ts';

describe('shares of the nodes', () => {
  const nodes = ['node-1', 'node-2'];
  const nodeOfPod = new Map([
    ['a', 'node-1'],
    ['b', 'node-2'],
  ]);

  it('are counted by the pod that answers, also of a node that serves none', () => {
    expect(servedBy(['a', 'a', 'gone'], nodes, nodeOfPod)).to.deep.equal(
      new Map([
        ['node-1', 2],
        ['node-2', 0],
      ]),
    );
  });

  it('are held to the mean of all nodes', () => {
    expect(fullest(servedBy(['a', 'a', 'a', 'b'], nodes, nodeOfPod))).to.equal(1.5);
    expect(fullest(servedBy([], nodes, nodeOfPod))).to.equal(0);
  });
});

describe('clients that pods see', () => {
  it('are known by their address of either family, whatever the port', () => {
    const answers = ['203.0.113.9:4000', '[2001:db8::9]:4001', '203.0.113.8:4000', ''];
    expect(strangersIn(answers, ['203.0.113.9', '2001:db8::9'])).to.equal(2);
  });
});

describe('changes that speakers tell of', () => {
  const line = (vip: string, timestamp: string, tookMs: number, how: string) =>
    JSON.stringify({ timestamp, message: 'every node serves: a change is committed', vip, tookMs, how });

  it('are those of these VIPs from then on, among whatever else is said', () => {
    const log = [
      line('203.0.113.20', '2026-12-01T03:00:00.000Z', 9, 'all-told'),
      '{"message":"ready"}',
      line('203.0.113.20', '2026-12-01T03:00:02.000Z', 120, 'all-told'),
      line('203.0.113.21', '2026-12-01T03:00:02.000Z', 130, 'all-told'),
      line('2001:db8:5::20', '2026-12-01T03:00:03.000Z', 1000, 'time-out'),
      '',
    ].join('\n');
    const found = commitsIn(log, ['203.0.113.20', '2001:db8:5::20'], new Date('2026-12-01T03:00:01Z'));
    expect(found).to.deep.equal([
      { tookMs: 120, how: 'all-told' },
      { tookMs: 1000, how: 'time-out' },
    ]);
  });
});
