// SPDX-License-Identifier: Apache-2.0
import {
  EMPTY_HISTORY,
  encodeHistory,
  encodeNodeState,
  HISTORY_KEY,
  HISTORY_LABEL,
  HISTORY_MAP,
  type HistoryRecords,
  type MoveRecord,
  markOf,
  NODE_STATE_ANNOTATION,
} from '@berth/core';
import { IDLE_NODE_STATE, SAMPLE_MS, type SampleOptions, sampleCluster, sampleVip } from '@berth/core/testing';
import { leases, services } from '@berth/kube';
import { fakeApiOf } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { parse } from 'yaml';
import { parseCommandLine } from '../command-line.ts';
import { run } from '../run.ts';

const NAMESPACE = 'berth-system';
const MOVED = { from: 'edge-2', cause: 'silent', unansweredMs: 131 } as const;
const TAKEN = {
  vip: sampleVip(1),
  interface: 'lan0',
  term: 2,
  sinceSeconds: SAMPLE_MS / 1000 - 60,
  why: 'orphaned',
} as const;

describe('kubectl berth vips', () => {
  const sample: SampleOptions = {
    ...{ nodes: 2, vips: 2 },
    states: { 'edge-1': { owned: [{ ...TAKEN, moved: MOVED }] }, 'edge-2': { owned: [] } },
  };

  it('RM-06: shows who answers for each address since when and why, and whether it is reached', async () => {
    expect((await berth(sample, 'vips')).lines).to.deep.equal([
      'VIP         SERVICE   NODE    INTERFACE  SINCE                 WHY     REACHABLE',
      '198.18.0.1  ns-0/s-0  no one  -          -                     -       yes',
      '198.18.0.2  ns-0/s-1  edge-1  lan0       2026-11-30T09:59:00Z  silent  yes',
    ]);
  });

  it('RM-06: tells more with -o wide, and all with json and yaml, which say the same', async () => {
    const wide = (await berth(sample, 'vips', '-o', 'wide')).lines;
    expect(wide[1]).to.match(
      /lan\s+any node\s+edge-1 could answer and does not yet, edge-2 could answer and does not yet$/,
    );
    expect(wide[2]).to.match(/its owner was gone: edge-2 fell silent; no one answered for 131 ms$/);
    const json = JSON.parse((await berth(sample, 'vips', '-o', 'json')).out);
    expect(json[1].claims[0]).to.deep.include({ node: 'edge-1', since: '2026-11-30T09:59:00Z', moved: MOVED });
    expect(parse((await berth(sample, 'vips', '-o', 'yaml')).out)).to.deep.equal(json);
  });

  it('shows an address on two segments with both owners', async () => {
    const owned = (ifname: string) => [{ ...TAKEN, vip: sampleVip(0), interface: ifname }];
    const states = {
      'edge-1': { owned: owned('lan0'), segments: [] },
      'edge-2': { owned: owned('lan1'), segments: [] },
    };
    const { lines } = await berth({ nodes: 2, vips: 1, states }, 'vips');
    expect(lines.slice(1).map((line) => line.trim().split(/\s+/).slice(0, 4))).to.deep.equal([
      ['198.18.0.1', 'ns-0/s-0', 'edge-1', 'lan0'],
      ['edge-2', 'lan1', '2026-11-30T09:59:00Z', 'orphaned'],
    ]);
  });

  it('RM-06: goes on with what changes, until it is interrupted', async () => {
    const { api, clock, said, interrupt, ended } = await watching({ nodes: 2, vips: 2 }, 'vips', '-w');
    expect(said.out.split('\n').length).to.equal(4);
    const state = { ...IDLE_NODE_STATE, owned: [{ ...TAKEN, vip: sampleVip(0), moved: MOVED }] };
    const metadata = { annotations: { [NODE_STATE_ANNOTATION]: encodeNodeState(state) } };
    await api.patch(leases, { namespace: NAMESPACE, name: 'node-edge-1' }, { type: 'merge', body: { metadata } });
    await clock.advance(1000);
    await api.delete(services, { namespace: 'ns-0', name: 's-1' });
    await clock.advance(1000);
    await clock.advance(60_000);
    interrupt();
    expect(await ended).to.equal(0);
    expect(said.out.split('\n').slice(3, -1)).to.deep.equal([
      '198.18.0.1  ns-0/s-0  edge-1  lan0       2026-11-30T09:59:00Z  silent  yes',
      '198.18.0.2  -         edge-2  lan0       2026-11-30T09:00:00Z  new  unknown',
    ]);
  });

  it('says so when there is none', async () => {
    const { out, err } = await berth({ vips: 0 }, 'vips');
    expect([out, err]).to.deep.equal(['', 'no Service has an address\n']);
  });
});

describe('kubectl berth history', () => {
  const records: HistoryRecords = {
    moves: [
      moveOf({ atMs: SAMPLE_MS - 4 * 3_600_000, from: undefined, to: 'edge-1', why: 'new', unansweredMs: undefined }),
      moveOf({}),
      moveOf({ vip: '192.0.2.8', services: ['ops/dns'], from: 'edge-3', why: 'order', unansweredMs: 0 }),
    ],
    marks: [
      markOf({ kind: 'speaker', atMs: SAMPLE_MS - 30_000, node: 'edge-1' }),
      markOf({
        kind: 'hearing',
        atMs: SAMPLE_MS - 20_000,
        node: 'edge-2',
        other: 'edge-4',
        interface: 'lan0',
        what: 'one-way',
      }),
    ],
    horizons: [],
  };
  const map = {
    metadata: { namespace: NAMESPACE, name: HISTORY_MAP, labels: HISTORY_LABEL },
    data: { [HISTORY_KEY]: encodeHistory(records) },
  };

  it('HI-14: shows what happened, oldest first, one line each', async () => {
    const { lines } = await berth({ configMaps: [map] }, 'history', '--since', '2h');
    expect(lines).to.deep.equal([
      'TIME                  ABOUT      SERVICE   WHAT HAPPENED',
      '2026-11-30T09:59:00Z  192.0.2.7  shop/web  edge-2 answers for 192.0.2.7: edge-1 fell silent; no one answered for 131 ms',
      '2026-11-30T09:59:00Z  192.0.2.8  ops/dns   edge-2 answers for 192.0.2.8: edge-3 handed it over, as a person wanted',
      '2026-11-30T09:59:30Z  edge-1     -         nothing is heard of the speaker of edge-1',
      '2026-11-30T09:59:40Z  edge-2     -         edge-2 hears edge-4 on lan0, but edge-4 does not hear edge-2',
    ]);
  });

  const asked: { about: string; entries: number }[] = [
    { about: '192.0.2.7', entries: 2 },
    { about: 'web', entries: 2 },
    { about: 'ops/dns', entries: 1 },
    { about: 'edge-1', entries: 3 },
    { about: 'edge-4', entries: 1 },
    { about: 'svc/web', entries: 2 },
    { about: 'node/edge-1', entries: 3 },
  ];
  for (const { about, entries } of asked)
    it(`HI-14: tells of ${about} alone: ${entries} entries`, async () => {
      const { out } = await berth({ configMaps: [map] }, 'history', about, '-o', 'json');
      expect(JSON.parse(out).length).to.equal(entries);
    });

  const unknown: { about: string; says: string }[] = [
    { about: 'dns', says: 'there is no Service shop/dns and no node dns, and the history does not tell of either' },
    { about: 'edge-9', says: 'there is no Service shop/edge-9 and no node edge-9' },
    { about: 'ops/web', says: 'there is no Service ops/web, and the history does not tell of one' },
    { about: '203.0.113.9', says: 'no pool has 203.0.113.9, no Service has it, and the history does not tell of it' },
  ];
  for (const { about, says } of unknown)
    it(`CL-15: refuses ${about}, of which there is nothing`, async () => {
      const ended = await berth({ configMaps: [map] }, 'history', about).catch(String);
      expect(ended).to.include(says);
      expect(await berth({}, 'history', about).catch(String), 'without a history').to.include(says);
    });

  for (const about of ['ns-0/s-0', 'edge-5', '198.18.0.9', '198.18.0.2'])
    it(`CL-15: ends with 0 for ${about}, which is there and to which nothing has happened`, async () => {
      const { code, err } = await berth({ nodes: 5, configMaps: [map] }, 'history', about);
      expect([code, err]).to.deep.equal([0, 'nothing of that kind happened\n']);
    });

  it('CL-15: looks for a Service in the namespace of -n', async () => {
    expect((await berth({ configMaps: [map] }, '-n', 'ops', 'history', 'dns', '-o', 'json')).code).to.equal(0);
  });

  it('HI-14: takes an address as people write it', async () => {
    const text = encodeHistory({ ...EMPTY_HISTORY, moves: [moveOf({ vip: '2001:db8::7' })] });
    const { out } = await berth(
      { configMaps: [{ ...map, data: { [HISTORY_KEY]: text } }] },
      'history',
      '2001:DB8:0::7',
      '-o',
      'json',
    );
    expect(JSON.parse(out).map(({ vip }: { vip: string }) => vip)).to.deep.equal(['2001:db8::7']);
  });

  it('HI-14: gives typed facts as JSON', async () => {
    const { out } = await berth({ configMaps: [map] }, 'history', '192.0.2.7', '-o', 'json');
    expect(JSON.parse(out)[1]).to.deep.include({
      ...{ time: '2026-11-30T09:59:00.000Z', kind: 'moved', vip: '192.0.2.7', services: ['shop/web'], from: 'edge-1' },
      ...{ to: 'edge-2', why: 'silent', unansweredMs: 131, interface: 'lan0' },
    });
  });

  const states: { name: string; configMap?: object; code: number; err: RegExp }[] = [
    { name: 'there is none yet', code: 0, err: /^there is no history yet/ },
    {
      name: 'the name is taken',
      configMap: { ...map, metadata: { namespace: NAMESPACE, name: HISTORY_MAP } },
      code: 1,
      err: /is not Berth's/,
    },
    { name: 'it is damaged', configMap: { ...map, data: { [HISTORY_KEY]: '{' } }, code: 1, err: /cannot be read/ },
  ];
  for (const { name, configMap, code, err } of states)
    it(`HI-04: says when ${name}`, async () => {
      const ended = await berth({ configMaps: configMap ? [configMap as typeof map] : [] }, 'history');
      expect(ended.code).to.equal(code);
      expect(ended.err).to.match(err);
      expect(ended.out).to.equal('');
    });

  it('says when nothing of that kind happened', async () => {
    const { err, code } = await berth({ configMaps: [map] }, 'history', '--since', '1s');
    expect([err, code]).to.deep.equal(['nothing of that kind happened\n', 0]);
  });
});

function moveOf(rest: Partial<MoveRecord>): MoveRecord {
  return {
    ...{ atMs: SAMPLE_MS - 60_000, vip: '192.0.2.7', services: ['shop/web'], interface: 'lan0' },
    ...{ from: 'edge-1', to: 'edge-2', why: 'silent', unansweredMs: 131 },
    ...rest,
  };
}

/** Begins a command on a sample cluster and lets it list all. */
async function watching(sample: SampleOptions, ...argv: string[]) {
  const api = await fakeApiOf(sampleCluster(sample));
  const clock = new FakeClock(new Date(SAMPLE_MS));
  const said = { out: '' };
  const stopper = new AbortController();
  const ended = run(parseCommandLine(argv), {
    out: (text) => {
      said.out += text;
    },
    err: () => {},
    ...{ readFile: async () => '', clock, connect: async () => ({ api, namespace: 'shop' }) },
    terminal: { interrupted: stopper.signal, open: async () => false },
  });
  await clock.advance(1000);
  return { api, clock, said, ended, interrupt: () => stopper.abort() };
}

/** Carries a command out on a sample cluster. */
async function berth(sample: SampleOptions, ...argv: string[]) {
  const api = await fakeApiOf(sampleCluster(sample));
  const said = { out: '', err: '' };
  const code = await run(parseCommandLine(argv), {
    out: (text) => {
      said.out += text;
    },
    err: (text) => {
      said.err += text;
    },
    readFile: async () => '',
    clock: new FakeClock(new Date(SAMPLE_MS)),
    connect: async () => ({ api, namespace: 'shop' }),
  });
  return { ...said, code, lines: said.out.split('\n').slice(0, -1) };
}
