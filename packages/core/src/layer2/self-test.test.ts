// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { MacAddress } from '../net/mac-address.ts';
import { beginRound, hearingOf, isOver, takeDue, testerOf, testFailure } from './self-test.ts';

const [OWNER, OTHER] = [1, 2].map(
  (last) => MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, last)) ?? MacAddress.ZERO,
);
const all = () => true;
const VIPS = Array.from({ length: 1000 }, (_, index) => `192.0.2.${index}`);

describe('takeDue', () => {
  it('takes each VIP once in a round, 1,000 of them within 5 minutes, no more than 4 a second', () => {
    let round = beginRound(VIPS, 0);
    const taken: string[] = [];
    let nowMs = 0;
    while (!isOver(round, nowMs)) {
      nowMs += 1000;
      const [next, due] = takeDue(round, nowMs, all);
      expect(due.length).to.be.at.most(4);
      taken.push(...due);
      round = next;
    }
    expect(taken).to.deep.equal(VIPS);
    expect(nowMs).to.be.at.most(300_000);
  });

  it('spreads a few VIPs over half a minute', () => {
    const round = beginRound(['a', 'b', 'c'], 0);
    expect([9999, 10_000, 20_000, 30_000].map((nowMs) => takeDue(round, nowMs, all)[1].length)).to.deep.equal([
      0, 1, 2, 3,
    ]);
  });

  it('is over in time when there is nothing to test', () => {
    const round = beginRound([], 0);
    expect([isOver(round, 29_999), isOver(round, 30_000)]).to.deep.equal([false, true]);
  });

  it('loses no time with VIPs that are gone', () => {
    const kept = VIPS.slice(-2);
    const [round, due] = takeDue(beginRound(VIPS, 0), 500, (vip) => kept.includes(vip));
    expect(due).to.deep.equal(kept);
    expect([isOver(round, 29_999), isOver(round, 30_000)]).to.deep.equal([false, true]);
  });

  it('takes all that was missed after a pause', () => {
    const [round, due] = takeDue(beginRound(['a', 'b'], 0), 90_000, all);
    expect(due).to.deep.equal(['a', 'b']);
    expect(isOver(round, 90_000)).to.equal(true);
  });
});

describe('testerOf', () => {
  const members = Array.from({ length: 10 }, (_, index) => `node-${index}`);

  it('is one member for all, never the owner', () => {
    for (const vip of VIPS) {
      const tester = testerOf(vip, 'node-3', members);
      expect(tester).to.not.equal('node-3');
      expect(testerOf(vip, 'node-3', members.toReversed())).to.equal(tester);
    }
  });

  it('spreads the work', () => {
    const counts = new Map<string | undefined, number>();
    for (const vip of VIPS) {
      const tester = testerOf(vip, '', members);
      counts.set(tester, (counts.get(tester) ?? 0) + 1);
    }
    expect(counts.size).to.equal(10);
    for (const count of counts.values()) expect(count).to.be.within(60, 150);
  });

  it('leaves the tests of others where they are when a member leaves', () => {
    for (const vip of VIPS) {
      const before = testerOf(vip, '', members);
      const after = testerOf(vip, '', members.slice(1));
      if (before !== 'node-0') expect(after).to.equal(before);
    }
  });

  it('is nobody when the owner is alone', () => {
    expect(testerOf('192.0.2.1', 'node-1', ['node-1'])).to.equal(undefined);
  });
});

describe('testFailure', () => {
  for (const { name, answers, failure } of [
    { name: 'the owner', answers: [OWNER], failure: undefined },
    { name: 'nobody', answers: [], failure: 'no-answer' },
    { name: 'another', answers: [OTHER], failure: 'wrong-answer' },
    { name: 'the owner and another', answers: [OWNER, OTHER], failure: 'several-answers' },
  ] as const)
    it(`is ${failure ?? 'nothing'} when ${name} answers`, () => {
      const macs = answers.map((one) => one ?? MacAddress.ZERO);
      expect(testFailure(macs, OWNER ?? MacAddress.ZERO)).to.equal(failure);
    });
});

describe('hearingOf', () => {
  const mac = OWNER ?? MacAddress.ZERO;
  const owner = { node: 'node-1', mac };
  for (const { heard, listener, hearing } of [
    { heard: { owner, macs: [mac] }, listener: 'node-2', hearing: 'right' },
    { heard: { owner, macs: [] }, listener: 'node-2', hearing: 'no-answer' },
    { heard: { owner, macs: [] }, listener: 'node-1', hearing: 'own' },
    { heard: { owner, macs: [mac] }, listener: 'node-1', hearing: 'several-answers' },
    { heard: { owner: undefined, macs: [] }, listener: 'node-1', hearing: 'nobody' },
    { heard: { owner: undefined, macs: [mac] }, listener: 'node-1', hearing: 'wrong-answer' },
  ])
    it(`is ${hearing} for ${listener} with ${heard.macs.length} answers, owner ${heard.owner?.node}`, () => {
      expect(hearingOf(heard, listener)).to.equal(hearing);
    });
});
