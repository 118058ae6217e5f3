// SPDX-License-Identifier: Apache-2.0
import type { HistoryEntry } from '@berth/core';
import { expect } from 'chai';
import { markLanes, ticks } from './timeline-marks.ts';

const RANGE = { fromMs: 100, toMs: 200 };

function entryOf(kind: HistoryEntry['kind'], state: HistoryEntry['state'], atMs: number, subject = 'x'): HistoryEntry {
  return { id: `${atMs} ${subject}`, atMs, kind, state, subject, services: [], text: `${kind} ${state}` };
}

function marksOf(...entries: HistoryEntry[]) {
  return markLanes(entries, RANGE).flatMap(({ title, marks }) =>
    marks.map(({ fromMs, toMs, isOpen }) => `${title} ${fromMs}-${toMs}${isOpen ? ' open' : ''}`),
  );
}

describe('markLanes', () => {
  const cases = [
    { name: 'a point', entries: [entryOf('leader', 'happened', 150)], marks: ['Leader 150-150'] },
    { name: 'a point before', entries: [entryOf('leader', 'happened', 99)], marks: [] },
    {
      name: 'a time between two',
      entries: [entryOf('outage', 'began', 120), entryOf('outage', 'ended', 140)],
      marks: ['API outages 120-140'],
    },
    {
      name: 'a time that is cut at both ends',
      entries: [entryOf('drain', 'began', 20), entryOf('drain', 'ended', 300)],
      marks: ['Drains 100-200'],
    },
    { name: 'what goes on', entries: [entryOf('conflict', 'began', 150)], marks: ['Conflicts 150-200 open'] },
    {
      name: 'an end whose beginning the ring has lost',
      entries: [entryOf('conflict', 'ended', 150)],
      marks: ['Conflicts 100-150'],
    },
    {
      name: 'what is told to begin twice',
      entries: [entryOf('outage', 'began', 110), entryOf('outage', 'began', 120), entryOf('outage', 'ended', 130)],
      marks: ['API outages 110-130'],
    },
    {
      name: 'two subjects of one kind',
      entries: [
        entryOf('drain', 'began', 110, 'a'),
        entryOf('drain', 'began', 120, 'b'),
        entryOf('drain', 'ended', 130, 'a'),
      ],
      marks: ['Drains 110-130', 'Drains 120-200 open'],
    },
    { name: 'moves, which have lanes of their own', entries: [entryOf('moved', 'happened', 150)], marks: [] },
  ];
  for (const { name, entries, marks } of cases)
    it(`DB-13: draws ${name}`, () => expect(marksOf(...entries)).to.deep.equal(marks));

  it('has a lane for each kind that happened, the worst first', () => {
    const lanes = markLanes([entryOf('leader', 'happened', 150), entryOf('outage', 'happened', 160)], RANGE);
    expect(lanes.map(({ title }) => title)).to.deep.equal(['API outages', 'Leader']);
  });
});

describe('ticks', () => {
  const HOUR_MS = 3_600_000;
  for (const hours of [0.25, 1, 6, 24]) {
    it(`${hours} h: at round times, no more than asked for`, () => {
      const fromMs = Date.UTC(2026, 10, 30, 8, 3, 7);
      const found = ticks({ fromMs, toMs: fromMs + hours * HOUR_MS }, 6);
      expect(found.length).to.be.within(2, 7);
      const steps = new Set(found.slice(1).map((atMs, index) => atMs - (found[index] ?? 0)));
      expect(steps.size).to.equal(1);
      for (const atMs of found) expect(new Date(atMs).getSeconds()).to.equal(0);
    });
  }
});
