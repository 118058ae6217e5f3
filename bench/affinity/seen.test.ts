// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import type { Kept } from '../../test/support/keep-alive.ts';
import { changeFigures, faultFigures } from './figures.ts';
import { seenIn, struckIn } from './seen.ts';

const OUTAGE = { longestGapMs: 0, succeeded: 9, failed: 2, failingMs: 40 };

function kept(server: string, longestStallMs: number, broken?: Kept['broken'], brokenAfterMs?: number): Kept {
  const after = brokenAfterMs === undefined ? {} : { brokenAfterMs };
  return { address: '198.51.100.1', broken, longestStallMs, server, ...after };
}

describe('what a change did to connections', () => {
  const seen = seenIn({
    kept: [kept('stays', 5), kept('stays', 900, 'reset'), kept('ended', 800, 'closed'), kept('ended', 7)],
    outage: OUTAGE,
    pods: new Set(['stays']),
  });

  it('counts those that broke apart from those whose pod ended', () => {
    expect(seen).to.include({ connections: 4, broken: 1, backendEnded: 1, failedConnects: 2 });
  });

  it('takes the longest stall from those that live', () => {
    expect(seen.stallMs).to.equal(7);
  });

  it('is a line each beside plain layer 2, missed by one broken connection', () => {
    const about = { about: 'move', group: 'owner', endsBackends: true } as const;
    const figures = changeFigures({ ...about, kept: [seen, { ...seen, broken: 0 }], plain: [{ ...seen, broken: 4 }] });
    expect(figures.map(({ name }) => name)).to.deep.equal([
      ...['move, owner serves: broken of 4', '  broken as their pod ended', '  failed connects', '  longest stall'],
    ]);
    expect(figures[0]).to.deep.include({ worst: 1, met: false, yardstick: { name: 'plain', median: 4 } });
  });

  it('tells of pods that ended only where pods end', () => {
    const about = { about: 'move', group: 'owner', endsBackends: false } as const;
    expect(changeFigures({ ...about, kept: [seen], plain: [seen] })).to.have.length(3);
  });
});

describe('what a fault did to connections', () => {
  const rows = [kept('pod-1', 30), kept('pod-1', 99, 'reset', 90), kept('pod-2', 210), kept('pod-2', 5, 'reset', 3)];
  const strike = {
    plain: [kept('pod-1', 5, 'reset'), kept('pod-1', 5, 'reset')],
    every: rows,
    outage: OUTAGE,
    nodeOfPod: new Map([
      ['pod-1', 'node-1'],
      ['pod-2', 'node-2'],
    ]),
  };

  it('tells connections of the dead node from those of others', () => {
    expect(struckIn({ ...strike, victim: 'node-1' })).to.deep.equal({
      ...{ plain: 2, brokenPlain: 2, others: 2, brokenOfOthers: 1, own: 2, brokenOfVictim: 1 },
      ...{ stallMs: 210, brokenAfterMs: [90], failingMs: 40 },
    });
  });

  it('counts all where no node died', () => {
    expect(struckIn({ ...strike, victim: undefined })).to.include({ others: 4, brokenOfOthers: 2, own: 0 });
  });

  it('has a line on resets only where there was one', () => {
    const struck = struckIn({ ...strike, victim: 'node-1' });
    expect(faultFigures('cable', true, [struck])).to.have.length(5);
    expect(faultFigures('cable', true, [{ ...struck, brokenAfterMs: [] }])).to.have.length(4);
    expect(faultFigures('kill', false, [struck]).map(({ met }) => met)).to.deep.equal([false, true]);
  });
});
