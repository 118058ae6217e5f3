// SPDX-License-Identifier: Apache-2.0
import { type ClusterReport, clusterReport, type HistoryEntry, readCluster } from '@berth/core';
import { type SampleOptions, sampleCluster } from '@berth/core/testing';
import { expect } from 'chai';
import { PageModel } from './page-model.ts';

const API = { state: 'reached', sinceMs: 1, asOfMs: 1, text: '' } as const;
const ORIGIN = { cluster: 'https://192.0.2.1:6443', namespace: 'berth-system' };

function reportOf(options: SampleOptions = {}): ClusterReport {
  return clusterReport(readCluster(sampleCluster(options)));
}

function entry(id: string): HistoryEntry {
  return {
    id,
    atMs: 5,
    kind: 'leader',
    state: 'happened',
    subject: 'leader',
    services: [],
    text: 'controller-0 leads',
  };
}

describe('PageModel', () => {
  const open = () => new PageModel(ORIGIN, API);

  it('knows nothing before the first state, and everything after it', () => {
    const model = open();
    expect(model.everything()).to.equal(undefined);
    const report = reportOf();
    model.update({ report, history: [entry('a')] });
    const { vips, parts, history, kind } = model.everything() ?? {};
    expect({ kind, history }).to.deep.equal({ kind: 'everything', history: [entry('a')] });
    expect(vips).to.deep.equal(report.vips);
    expect({ ...parts, vips, atMs: report.atMs }).to.deep.equal(report);
  });

  it('tells nothing where nothing is different', () => {
    const model = open();
    model.update({ report: reportOf(), history: [] });
    expect(model.update({ report: reportOf(), history: [] })).to.equal(undefined);
  });

  it('tells the VIPs that are different and those that are gone, and no other part', () => {
    const model = open();
    model.update({ report: reportOf(), history: [] });
    const report = reportOf();
    const [first, , ...rest] = report.vips;
    const changed = { ...report, vips: [{ ...first, reachable: 'no' }, ...rest] } as ClusterReport;
    const difference = model.update({ report: changed, history: [] });
    expect(difference?.vips?.set.map(({ vip }) => vip)).to.deep.equal([first?.vip]);
    expect(difference?.vips?.gone).to.deep.equal([report.vips[1]?.vip]);
    expect(difference?.parts).to.equal(undefined);
  });

  it('tells a leader that is gone as none', () => {
    const model = open();
    model.update({ report: reportOf(), history: [] });
    const difference = model.update({ report: reportOf({ leader: 'gone' }), history: [] });
    expect(JSON.parse(JSON.stringify(difference)).parts).to.have.property('leader', null);
  });

  it('tells new entries of the history once', () => {
    const model = open();
    model.update({ report: reportOf(), history: [entry('a')] });
    expect(model.update({ report: reportOf(), history: [entry('a'), entry('b')] })?.history).to.deep.equal([
      entry('b'),
    ]);
    expect(model.update({ report: reportOf(), history: [entry('b')] })).to.equal(undefined);
  });

  it('notes the lateness of a node once for each renewal', () => {
    const model = open();
    const first = reportOf({ nodes: 1, healths: { 'edge-1': { latestMs: 7, lapses: 0 } } });
    const seenMs = first.nodes[0]?.seenMs ?? 0;
    model.update({ report: first, history: [] });
    model.update({ report: first, history: [] });
    const later = { ...first, nodes: first.nodes.map((row) => ({ ...row, seenMs: seenMs + 10_000, latestMs: 9 })) };
    const difference = model.update({ report: later, history: [] });
    expect(difference?.lateness).to.deep.equal([{ node: 'edge-1', points: [[seenMs + 10_000, 9]] }]);
    expect(model.everything()?.lateness).to.deep.equal([
      { node: 'edge-1', points: [...[[seenMs, 7] as const, [seenMs + 10_000, 9] as const]] },
    ]);
  });
});
