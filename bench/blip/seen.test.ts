// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import type { Question } from '../../test/support/wire-record.ts';
import { brokenIn, movesIn, type Played, seenIn } from './seen.ts';

const [STAYS, CUT] = ['198.51.100.1', '198.51.100.2'];

/** One letter a question, every 10 ms: who answered; `.`: no one; `+`: both. */
function questions(vip: string, answers: string): Question[] {
  return [...answers].map((letter, index) => {
    const askedMs = index * 10;
    const macs = letter === '.' ? [] : letter === '+' ? ['a', 'c'] : [letter];
    return { vip, askedMs, answers: macs.map((mac) => ({ mac, atMs: askedMs + 1 })) };
  });
}

const PLACES = { cutNode: 'node-3', macOf: (node: string) => (node === 'node-1' ? 'a' : 'c') };

function seen(ofStays: string, ofCut: string, broken: readonly string[] = []) {
  return seenIn(played(ofStays, ofCut, broken), PLACES);
}

function played(ofStays: string, ofCut: string, broken: readonly string[]): Played {
  return {
    record: { questions: [...questions(STAYS, ofStays), ...questions(CUT, ofCut)], announcements: [] },
    kept: [STAYS, CUT].map((address) => ({
      ...{ address, longestStallMs: 0, server: 'web' },
      broken: broken.includes(address) ? ('reset' as const) : undefined,
    })),
    owners: new Map([
      [STAYS, 'node-1'],
      [CUT, 'node-3'],
    ]),
    healedMs: [60],
  };
}

describe('what a blip did', () => {
  it('counts nothing where nothing moved', () => {
    expect(seen('aaaaaaaaaa', 'cc....cccc')).to.deep.include({
      ...{ movedUncut: 0, movesOfCut: 0, brokenUncut: 0, brokenCut: 0, twiceElse: 0, twiceAtHealing: 0, oneOwnerMs: 0 },
    });
  });

  it('counts a VIP of another node that moved, and a connection through it that broke', () => {
    expect(seen('aaaaccaaaa', 'cccccccccc', [STAYS])).to.include({ movedUncut: 1, brokenUncut: 1, brokenCut: 0 });
    expect(seen('aaaaaaaaaa', 'cccccccccc', [CUT])).to.include({ movedUncut: 0, brokenUncut: 0, brokenCut: 1 });
  });

  it('tells how a connection through another node broke, and who answered besides its owner', () => {
    const both = brokenIn(played('aaaaaaa+aa', 'cccccccccc', [STAYS, CUT]), PLACES);
    expect(both).to.deep.equal([
      '198.51.100.1 of node-1: reset, 0 ms without an answer at most; answered besides by c, 11 to 11 ms after healing',
    ]);
    const [alone] = brokenIn(played('aaaaaaaaaa', 'cccccccccc', [STAYS]), PLACES);
    expect(alone).to.match(/answered besides by no one$/);
  });

  it('tells two answers at healing from all others, and when there was one owner again', () => {
    const { twiceElse, twiceAtHealing, oneOwnerMs, movesOfCut } = seen('aaaaaaaaaa', 'cc.aa+a+cc');
    expect({ twiceElse, twiceAtHealing, movesOfCut }).to.deep.equal({ twiceElse: 1, twiceAtHealing: 1, movesOfCut: 2 });
    expect(oneOwnerMs).to.equal(11);
  });

  it('measures the longest silence on either side', () => {
    const { silentCutMs, silentUncutMs } = seen('aaaaa.aaaa', 'cc....cccc');
    expect([silentUncutMs, silentCutMs]).to.deep.equal([20, 50]);
  });

  it('counts moves there and back', () => {
    expect(movesIn(questions(CUT, 'ccc..aaa+ccc'))).to.equal(2);
  });
});
