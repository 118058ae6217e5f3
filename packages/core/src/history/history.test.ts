// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import * as fc from 'fast-check';
import { unparsed } from '../net/parsed.ts';
import { historyEntries, readHistory } from './entry.ts';
import {
  decodeHistory,
  encodeHistory,
  HISTORY_KEY,
  HISTORY_LABEL,
  HISTORY_MAP,
  historyIn,
  MAX_HISTORY_CHARACTERS,
} from './history-map.ts';
import { lanesOf } from './lanes.ts';
import { markOf } from './node-changes.ts';
import {
  boundedMarks,
  EMPTY_HISTORY,
  type HistoryRecords,
  MAX_MARKS,
  MAX_MOVES,
  type MarkRecord,
  type MoveRecord,
  openMarks,
  withRecords,
} from './record.ts';
import { LAST_MS } from './time-text.ts';

const START_MS = Date.UTC(2026, 10, 30, 10);

describe('the history as text', () => {
  it('HI-02: comes back as it was', () => {
    const records: HistoryRecords = {
      moves: [
        moveOf(0, { from: undefined, why: 'new', unansweredMs: undefined }),
        moveOf(1, { why: 'silent', unansweredMs: 131, services: ['shop/web', 'shop/api'] }),
        moveOf(2, { to: undefined, why: 'NoEndpoints', unansweredMs: undefined }),
      ],
      marks: [
        markOf({ kind: 'conflict', atMs: START_MS, node: 'edge-1', vip: '192.0.2.7', interface: 'lan0', what: 'mac' }),
        markOf({
          kind: 'hearing',
          atMs: START_MS + 1,
          state: 'ended',
          node: 'edge-1',
          other: 'edge-2',
          what: 'one-way',
        }),
        markOf({ kind: 'leader', atMs: START_MS + 2, state: 'happened', node: 'controller-0' }),
      ],
      horizons: [{ node: 'edge-1', bootId: '0123456789abcdef', sinceSeconds: START_MS / 1000, count: 2 }],
    };
    expect(decodeHistory(encodeHistory(records))).to.deep.equal({ ok: true, value: records });
    expect(decodeHistory(encodeHistory(EMPTY_HISTORY))).to.deep.equal({ ok: true, value: EMPTY_HISTORY });
  });

  it('HI-02: is refused, and never throws, where a number is none or a time is after the last one', () => {
    const written = (rows: object) =>
      decodeHistory(JSON.stringify({ v: 1, startMs: 0, names: ['edge-1', 'silent'], moves: [], marks: [], ...rows }));
    const mark = (at: number, state: unknown) => written({ marks: [[at, 'leader', state, 0, -1, '', -1, '']] });
    const move = (at: number, startMs: number) => written({ startMs, moves: [[at, '192.0.2.1', [], 0, -1, 0, 1, -1]] });
    expect(mark(0, { toString: 1, valueOf: 1 })).to.deep.equal(unparsed('history: marks has another shape'));
    expect(mark(0, [0])).to.deep.equal(unparsed('history: marks has another shape'));
    expect(mark(LAST_MS + 1, 0)).to.deep.equal(unparsed('history: marks has another shape'));
    expect(move(1, LAST_MS)).to.deep.equal(unparsed('history: moves has another shape'));
    expect(move(0, LAST_MS).ok).to.equal(true);
  });

  it('HI-02: a name that is too long is cut, so that the rest can be read again', () => {
    const text = encodeHistory({
      ...EMPTY_HISTORY,
      marks: [markOf({ kind: 'drain', atMs: 0, node: 'x'.repeat(5000) })],
    });
    const read = decodeHistory(text);
    expect(read.ok && read.value.marks[0]?.node).to.equal('x'.repeat(400));
  });

  it('HI-03: is bounded after 100,000 changes, and holds the last 1,000', () => {
    let records = EMPTY_HISTORY;
    for (let batch = 0; batch < 1000; batch++) {
      const moves = Array.from({ length: 100 }, (_, index) => moveOf(batch * 100 + index));
      records = withRecords(records, { moves });
    }
    const text = encodeHistory(records);
    expect(records.moves.length).to.equal(MAX_MOVES);
    expect(records.moves.at(-1)).to.deep.equal(moveOf(99_999));
    expect(records.moves[0]).to.deep.equal(moveOf(99_000));
    expect(text.length).to.be.below(100_000);
    expect(decodeHistory(text)).to.deep.equal({ ok: true, value: records });
  });

  it('HI-03: stays far below 1 MiB with the longest names that there can be, and keeps the latest', () => {
    const long = (prefix: string, index: number, length: number) => `${prefix}${index}-`.padEnd(length, 'x');
    const moves = Array.from({ length: MAX_MOVES }, (_, index) =>
      moveOf(index, {
        ...{ from: long('node', index, 253), to: long('next', index, 253) },
        services: Array.from({ length: 9 }, (_, place) => `${long('ns', index, 63)}/${long(`s${place}`, index, 63)}`),
      }),
    );
    const marks = Array.from({ length: MAX_MARKS }, (_, index) =>
      markOf({ kind: 'configuration', atMs: START_MS + index, node: long('mark', index, 253), what: 'w'.repeat(500) }),
    );
    const text = encodeHistory({ moves, marks, horizons: [] });
    expect(text.length).to.be.at.most(MAX_HISTORY_CHARACTERS);
    const read = decodeHistory(text);
    expect(read.ok && read.value.moves.at(-1)?.to).to.equal(moves.at(-1)?.to);
    expect(read.ok && read.value.moves.length).to.be.above(100);
    expect(read.ok && read.value.marks.length).to.equal(MAX_MARKS);
  });

  it('HI-19: one node that says too much takes nothing away of what others say', () => {
    const others = Array.from({ length: 190 }, (_, index) =>
      markOf({
        kind: 'hearing',
        node: `edge-${index % 5}`,
        other: `far-${index}`,
        what: 'lost',
        atMs: START_MS + index,
      }),
    );
    let records = withRecords(EMPTY_HISTORY, { marks: others });
    for (let report = 0; report < 3; report++) {
      const marks = Array.from({ length: 5000 }, (_, index) =>
        markOf({ kind: 'hearing', node: 'rogue', other: `n-${report}-${index}`, what: 'lost', atMs: START_MS + 1000 }),
      );
      records = withRecords(records, { marks: boundedMarks(marks) });
    }
    expect(records.marks.length).to.be.at.most(MAX_MARKS);
    expect(records.marks.filter(({ node }) => node !== 'rogue')).to.deep.equal(others);
    expect(records.marks.at(-1)?.other).to.equal('n-2-4999');
  });

  it('HI-19: where one node alone says anything it has the whole ring, latest last', () => {
    const marks = Array.from({ length: 2 * MAX_MARKS }, (_, index) =>
      markOf({ kind: 'speaker', node: 'edge-1', atMs: START_MS + index, state: 'happened' }),
    );
    expect(withRecords(EMPTY_HISTORY, { marks }).marks).to.deep.equal(marks.slice(-MAX_MARKS));
  });

  it('keeps what explains a storm beside the storm', () => {
    const before = withRecords(EMPTY_HISTORY, { marks: [drain('began', 0)] });
    const storm = Array.from({ length: 2000 }, (_, index) => moveOf(index));
    const after = withRecords(before, { moves: storm });
    expect(after.moves.length).to.equal(MAX_MOVES);
    expect(after.marks).to.deep.equal(before.marks);
  });

  it('never throws, whatever stands in the ConfigMap', () => {
    void fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.jsonValue().map((value) => JSON.stringify(value)),
        ),
        (text) => {
          const found = historyIn(mapOf(text));
          expect(['damaged', 'newer', 'kept']).to.include(found.kind);
        },
      ),
    );
    const whole = encodeHistory({ ...EMPTY_HISTORY, moves: [moveOf(0)], marks: [drain('began', 0)] });
    void fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.string({ minLength: 1, maxLength: 3 }), (at, junk) => {
        const found = historyIn(mapOf(whole.slice(0, at) + junk + whole.slice(at + 1)));
        expect(['damaged', 'newer', 'kept']).to.include(found.kind);
      }),
    );
  });
});

describe('historyIn', () => {
  const whole = encodeHistory({ ...EMPTY_HISTORY, moves: [moveOf(0)] });
  const rows = [
    { name: 'no ConfigMap', map: undefined, kind: 'none', text: /^there is no history yet/ },
    {
      name: 'a ConfigMap of somebody else',
      map: { ...mapOf(whole), metadata: { name: HISTORY_MAP } },
      kind: 'foreign',
      text: /is not Berth's/,
    },
    {
      name: 'a ConfigMap without our key',
      map: { ...mapOf(''), data: {} },
      kind: 'damaged',
      text: /no key history\.json/,
    },
    { name: 'text that is cut', map: mapOf(whole.slice(0, -9)), kind: 'damaged', text: /cannot be read/ },
    {
      name: 'a number of no name',
      map: mapOf(whole.replace('[0]', '[77]')),
      kind: 'damaged',
      text: /moves has another shape/,
    },
    {
      name: 'a newer format',
      map: mapOf(whole.replace('"v":1', '"v":2')),
      kind: 'newer',
      text: /newer version of Berth \(format 2\)/,
    },
  ];
  for (const { name, map, kind, text } of rows)
    it(`HI-04: tells ${name} apart, and what to do`, () => {
      expect(historyIn(map).kind).to.equal(kind);
      const report = readHistory(map ? [map] : []);
      expect(report.state).to.equal(kind);
      expect(report.text).to.match(text);
      expect(report.entries).to.deep.equal([]);
    });

  it('leaves out a kind of mark that only newer versions know', () => {
    const text = encodeHistory({ ...EMPTY_HISTORY, marks: [drain('began', 0), drain('ended', 1)] });
    const found = historyIn(mapOf(text.replace('"drain"', '"comet"')));
    expect(found.kind === 'kept' && found.records.marks).to.deep.equal([drain('ended', 1)]);
  });
});

describe('withRecords', () => {
  it('tells nothing twice: what two leaders saw, what began already, what did not begin', () => {
    const known = withRecords(EMPTY_HISTORY, { moves: [moveOf(0)], marks: [drain('began', 0)] });
    const again = withRecords(known, {
      moves: [moveOf(0), moveOf(1)],
      marks: [drain('began', 1), drain('ended', 2), drain('ended', 3)],
    });
    expect(again.moves).to.deep.equal([moveOf(0), moveOf(1)]);
    expect(again.marks).to.deep.equal([drain('began', 0), drain('ended', 2)]);
    expect([...openMarks(again.marks).keys()]).to.deep.equal([]);
  });

  it('HI-17: lets what was written first go first: no clock that is ahead stays, and none that is behind is kept out', () => {
    const YEAR_MS = 365 * 86_400_000;
    const ahead = Array.from({ length: MAX_MOVES }, (_, index) => ({
      ...moveOf(index),
      atMs: START_MS + YEAR_MS + index,
    }));
    let records = withRecords(EMPTY_HISTORY, { moves: ahead });
    const late = { ...moveOf(0), atMs: START_MS - YEAR_MS };
    records = withRecords(records, { moves: [moveOf(2), late, moveOf(1)] });
    expect(records.moves).to.have.length(MAX_MOVES);
    expect(records.moves.slice(-3)).to.deep.equal([late, moveOf(1), moveOf(2)]);
    const more = Array.from({ length: MAX_MOVES - 3 }, (_, index) => moveOf(index + 3));
    records = withRecords(records, { moves: more });
    expect(records.moves.some(({ atMs }) => atMs >= START_MS + YEAR_MS)).to.equal(false);
    const read = decodeHistory(encodeHistory(records));
    expect(read).to.deep.equal({ ok: true, value: records });
    const times = historyEntries(records).map(({ atMs }) => atMs);
    expect(times).to.deep.equal(times.toSorted((a, b) => a - b));
  });
});

describe('historyEntries', () => {
  it('tells a reason that it does not know as it is, whatever objects have by themselves', () => {
    const why = 'constructor' as MoveRecord['why'];
    const records = { ...EMPTY_HISTORY, moves: [{ ...moveOf(0), why, to: undefined, from: undefined }] };
    expect(historyEntries(records)[0]?.text).to.match(/ is answered by no one: constructor$/);
  });

  const texts: { record: Partial<MoveRecord>; text: string }[] = [
    {
      record: { from: undefined, why: 'new', unansweredMs: undefined },
      text: 'edge-2 answers for 192.0.2.7: no one had it before',
    },
    {
      record: { why: 'silent', unansweredMs: 131 },
      text: 'edge-2 answers for 192.0.2.7: edge-1 fell silent; no one answered for 131 ms',
    },
    {
      record: { why: 'order', unansweredMs: 0 },
      text: 'edge-2 answers for 192.0.2.7: edge-1 handed it over, as a person wanted',
    },
    {
      record: { why: 'left-over', unansweredMs: 900 },
      text: 'edge-2 answers for 192.0.2.7: the node whose turn it was did not take it; no one answered for 900 ms',
    },
    {
      record: { to: undefined, why: 'NoEndpoints' },
      text: '192.0.2.7 is answered by no one after edge-1: no node has a usable endpoint',
    },
    {
      record: { to: undefined, why: 'released' },
      text: '192.0.2.7 is answered by no one after edge-1: no Service has it any more',
    },
  ];
  for (const { record, text } of texts)
    it(`HI-05: says: ${text}`, () => {
      expect(entriesOf({ moves: [moveOf(0, { vip: '192.0.2.7', ...record })] })[0]?.text).to.equal(text);
    });

  it('gives each entry an id of its own, and one order of time to moves and marks', () => {
    const entries = entriesOf({ moves: [moveOf(0), moveOf(0), moveOf(2)], marks: [drain('began', 1)] });
    expect(entries.map(({ kind }) => kind)).to.deep.equal(['moved', 'moved', 'drain', 'moved']);
    expect(new Set(entries.map(({ id }) => id)).size).to.equal(4);
  });
});

describe('lanesOf', () => {
  const range = { fromMs: START_MS - 1000, toMs: START_MS + 10_000 };

  it('HI-06: shows who answered when, with the time in which nobody did', () => {
    const vip = '192.0.2.7';
    const moves = [
      moveOf(0, { vip, from: 'edge-1', to: 'edge-2' }),
      moveOf(3, { vip, from: 'edge-2', to: undefined, why: 'NoEndpoints' }),
      moveOf(5, { vip, from: undefined, to: 'edge-3' }),
    ];
    const now = { vips: [{ vip, claims: [{ node: 'edge-3', interface: 'lan0', sinceMs: START_MS + 5000 }] }] };
    expect(lanesOf(entriesOf({ moves }), now, range)).to.deep.equal([
      {
        ...{ vip, interface: 'lan0' },
        spans: [
          { node: 'edge-1', fromMs: START_MS - 1000, toMs: START_MS },
          { node: 'edge-2', fromMs: START_MS, toMs: START_MS + 3000 },
          { node: undefined, fromMs: START_MS + 3000, toMs: START_MS + 5000 },
          { node: 'edge-3', fromMs: START_MS + 5000, toMs: START_MS + 10_000 },
        ],
      },
    ]);
  });

  it('shows an owner whose taking is not written down, since when it owns, and cuts what is older than wanted', () => {
    const claims = [{ node: 'edge-1', interface: 'lan0', sinceMs: START_MS + 4000 }];
    const old = [{ node: 'edge-2', interface: 'lan0', sinceMs: START_MS - 90_000 }];
    const lanes = lanesOf(
      [],
      {
        vips: [
          { vip: '192.0.2.7', claims },
          { vip: '192.0.2.8', claims: old },
        ],
      },
      range,
    );
    expect(lanes.map(({ spans }) => spans)).to.deep.equal([
      [
        { node: undefined, fromMs: START_MS - 1000, toMs: START_MS + 4000 },
        { node: 'edge-1', fromMs: START_MS + 4000, toMs: START_MS + 10_000 },
      ],
      [{ node: 'edge-2', fromMs: START_MS - 1000, toMs: START_MS + 10_000 }],
    ]);
  });
});

function moveOf(index: number, rest: Partial<MoveRecord> = {}): MoveRecord {
  return {
    ...{ atMs: START_MS + index * 1000, vip: `192.0.2.${index % 250}`, services: ['shop/web'], interface: 'lan0' },
    ...{ from: 'edge-1', to: 'edge-2', why: 'silent', unansweredMs: 100 + (index % 60) },
    ...rest,
  };
}

function drain(state: MarkRecord['state'], second: number): MarkRecord {
  return markOf({ kind: 'drain', node: 'edge-1', atMs: START_MS + second * 1000, state });
}

function mapOf(text: string) {
  return { metadata: { name: HISTORY_MAP, labels: HISTORY_LABEL }, data: { [HISTORY_KEY]: text } };
}

function entriesOf(records: Partial<HistoryRecords>) {
  return historyEntries({ ...EMPTY_HISTORY, ...records });
}
