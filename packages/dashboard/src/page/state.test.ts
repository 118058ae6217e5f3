// SPDX-License-Identifier: Apache-2.0
import { clusterReport, readCluster } from '@berth/core';
import { sampleCluster } from '@berth/core/testing';
import { expect } from 'chai';
import type { Everything } from '../wire.ts';
import { history, lateness, parts, receive, vipRow, vips } from './state.ts';

const { atMs, vips: rows, ...reportParts } = clusterReport(readCluster(sampleCluster()));
const everything: Everything = {
  ...{ kind: 'everything', atMs, vips: rows, history: [], parts: reportParts },
  origin: { cluster: 'https://192.0.2.1:6443', namespace: 'berth-system' },
  api: { state: 'reached', sinceMs: atMs, asOfMs: atMs, text: '' },
  lateness: [{ node: 'edge-1', points: [[atMs, 2]] }],
};

describe('receive', () => {
  beforeEach(() => receive(everything));

  it('takes over everything', () => {
    expect(vips.value).to.deep.equal(rows);
    expect(parts.value).to.deep.equal(reportParts);
  });

  it('changes what is different, and nothing else', () => {
    const [first, second] = rows;
    if (first === undefined || second === undefined) throw new Error('want two VIPs');
    const untouched = vipRow(rows[2]?.vip ?? '');
    receive({ kind: 'difference', atMs, vips: { set: [{ ...first, reachable: 'no' }], gone: [second.vip] } });
    expect(vipRow(first.vip)?.reachable).to.equal('no');
    expect(vipRow(second.vip)).to.equal(undefined);
    expect(vipRow(rows[2]?.vip ?? '')).to.equal(untouched);
    expect(vips.value).to.have.length(rows.length - 1);
    expect(parts.value).to.deep.equal(reportParts);
  });

  it('adds points of lateness', () => {
    receive({ kind: 'difference', atMs, lateness: [{ node: 'edge-1', points: [[atMs + 10, 3]] }] });
    expect(lateness.value.get('edge-1')).to.deep.equal([
      [atMs, 2],
      [atMs + 10, 3],
    ]);
  });

  it('keeps the history in the order of time, also when something older is told later', () => {
    const entry = (id: string, ms: number) => ({
      ...({
        id,
        atMs: atMs + ms,
        kind: 'leader',
        state: 'happened',
        subject: 'leader',
        services: [],
        text: id,
      } as const),
    });
    receive({ kind: 'difference', atMs, history: [entry('first', 10), entry('third', 30)] });
    receive({ kind: 'difference', atMs, history: [entry('second', 20)] });
    receive({ kind: 'difference', atMs, history: [entry('first', 10)] });
    expect(history.value.map(({ id }) => id)).to.deep.equal(['first', 'second', 'third']);
  });

  it('begins anew with everything that comes again', () => {
    receive({ ...everything, vips: rows.slice(0, 1) });
    expect(vips.value).to.have.length(1);
  });
});
