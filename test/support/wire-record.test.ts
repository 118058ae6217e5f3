// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import {
  answeredTwice,
  answerers,
  longestSilence,
  newestAnswerers,
  type Question,
  questionsIn,
  takenOverMs,
  type WireRecord,
} from './wire-record.ts';

const [A, B] = ['00:00:5e:00:53:01', '00:00:5e:00:53:02'];
const VIP = '192.0.2.20';

const question = (askedMs: number, ...macs: string[]): Question => ({
  vip: VIP,
  askedMs,
  answers: macs.map((mac) => ({ mac, atMs: askedMs + 1 })),
});
const record = (...questions: Question[]): WireRecord => ({ questions, announcements: [] });

describe('wire record', () => {
  it('measures silence between answered questions', () => {
    expect(longestSilence([question(0, A), question(5), question(10), question(15, B), question(20, B)])).to.equal(15);
  });

  it('counts a silence that lasts to the end, and one from the beginning', () => {
    expect(longestSilence([question(0, A), question(5, A), question(90)])).to.equal(85);
    expect(longestSilence([question(0), question(50)])).to.equal(50);
    expect(longestSilence([])).to.equal(0);
  });

  it('finds questions with two answers, not two copies of one', () => {
    const twice = question(5, A, B);
    expect(answeredTwice([question(0, A, A), twice, question(9)])).to.deep.equal([twice]);
  });

  it('tells who answered in a span', () => {
    const seen = record(question(0, A), question(5, B), question(10, A));
    expect(answerers(questionsIn(seen, { fromMs: 1 }))).to.deep.equal([B, A]);
    expect(answerers(questionsIn(seen, { fromMs: 1, untilMs: 5 }, VIP))).to.deep.equal([B]);
    expect(questionsIn(seen, {}, '192.0.2.21')).to.deep.equal([]);
  });

  it('tells when another than the old owner first answered', () => {
    const seen = record(question(0, A), question(5), question(10, A, B), question(15, B));
    expect([...takenOverMs(seen, {}, A)]).to.deep.equal([[VIP, 11]]);
  });

  it('tells who answered last', () => {
    expect([...newestAnswerers(record(question(0, A), question(5, B), question(9)))]).to.deep.equal([[VIP, [B]]]);
  });
});
