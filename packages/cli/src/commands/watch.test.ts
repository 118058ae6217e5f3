// SPDX-License-Identifier: Apache-2.0
import { encodeNodeState, NODE_STATE_ANNOTATION } from '@berth/core';
import { IDLE_NODE_STATE, SAMPLE_MS, type SampleOptions, sampleCluster } from '@berth/core/testing';
import { configMaps, leases } from '@berth/kube';
import { type FakeApi, fakeApiOf } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import { parseCommandLine } from '../command-line.ts';
import { run } from '../run.ts';
import type { Tone } from '../tone.ts';

const NAMESPACE = 'berth-system';

interface Watching {
  readonly api: FakeApi;
  readonly clock: FakeClock;
  /** Lines since it was asked for last. */
  news(): string[];
  readonly tones: (Tone | undefined)[];
  /** Interrupts it, and returns how it ended. */
  end(): Promise<number>;
}

/** Begins a command on a sample cluster and lets it list all. */
async function watching(sample: SampleOptions, ...argv: string[]): Promise<Watching> {
  const api = await fakeApiOf(sampleCluster(sample));
  const clock = new FakeClock(new Date(SAMPLE_MS));
  const stopper = new AbortController();
  const tones: (Tone | undefined)[] = [];
  let [said, told] = ['', 0];
  const ended = run(parseCommandLine(argv), {
    out: (text, tone) => {
      said += text;
      tones.push(tone);
    },
    err: () => {},
    ...{ readFile: async () => '', clock, connect: async () => ({ api, namespace: 'shop' }) },
    terminal: { interrupted: stopper.signal, open: async () => false },
  });
  await clock.advance(1000);
  const news = () => {
    const all = said.slice(told);
    told = said.length;
    return all.split('\n').slice(0, -1);
  };
  const end = () => {
    stopper.abort();
    return ended;
  };
  return { api, clock, news, tones, end };
}

async function say({ api, clock }: Watching, node: string, state: object): Promise<void> {
  const annotations = { [NODE_STATE_ANNOTATION]: encodeNodeState({ ...IDLE_NODE_STATE, ...state }) };
  const body = { metadata: { annotations }, spec: { renewTime: clock.date().toISOString() } };
  await api.patch(leases, { namespace: NAMESPACE, name: `node-${node}` }, { type: 'merge', body });
  await clock.advance(1000);
}

describe('kubectl berth status -w', () => {
  it('CL-13: shows all, then nodes that are another, problems that come, and those that are over', async () => {
    const watched = await watching({ nodes: 2, vips: 2 }, 'status', '-w');
    expect(watched.news().map((line) => line.split(' ')[0])).to.deep.equal(['NODE', 'edge-1', 'edge-2']);
    await say(watched, 'edge-1', { ineligible: 'drained' });
    const came = watched.news();
    expect(came[0]).to.match(/^edge-1 /);
    expect(came).to.include('INFO: edge-1: may own nothing: drained');
    await say(watched, 'edge-1', {});
    expect(watched.news()).to.include('over: edge-1: may own nothing: drained');
    expect(watched.tones.at(-1)).to.equal('good');
    expect(await watched.end()).to.equal(0);
  });

  it('CL-13: says nothing of a Lease that is only renewed', async () => {
    const watched = await watching({ nodes: 2, vips: 0 }, 'status', '-w');
    watched.news();
    const body = { spec: { renewTime: new Date(SAMPLE_MS + 1000).toISOString() } };
    await watched.api.patch(leases, { namespace: NAMESPACE, name: 'node-edge-1' }, { type: 'merge', body });
    await watched.clock.advance(2000);
    expect(watched.news()).to.deep.equal([]);
    await watched.end();
  });

  it('CL-13: tells of a node that falls silent, which writes nothing', async () => {
    const watched = await watching({ nodes: 2, vips: 0 }, 'status', '-w');
    watched.news();
    await watched.clock.advance(300_000);
    expect(watched.news().join('\n')).to.include('edge-1: not heard of since 2026-11-30T');
    await watched.end();
  });

  it('CL-13: is a document for each change with -o yaml, and a line with -o json', async () => {
    const yaml = await watching({ nodes: 2, vips: 0 }, 'status', '-w', '-o', 'yaml');
    yaml.news();
    await say(yaml, 'edge-1', { ineligible: 'drained' });
    const documents = parseAllDocuments(`${yaml.news().join('\n')}\n`).map(
      (one) => one.toJS() as { kind: string } | null,
    );
    expect(documents.map((one) => one?.kind)).to.include.members(['node', 'problem']);
    await yaml.end();
    const json = await watching({ nodes: 2, vips: 0 }, 'status', '-w', '-o', 'json');
    json.news();
    await say(json, 'edge-1', { ineligible: 'drained' });
    expect(json.news().map((line) => (JSON.parse(line) as { kind: string }).kind)).to.include.members([
      'node',
      'problem',
    ]);
    await json.end();
  });
});

describe('kubectl berth pools -w', () => {
  it('CL-13: shows all, then each pool that is another', async () => {
    const watched = await watching({ vips: 2 }, 'pools', '-w');
    expect(watched.news()).to.have.length(2);
    const data = { '198.18.0.9': JSON.stringify({ pool: 'lan', services: [{ name: 'shop/web' }] }) };
    await watched.api.patch(configMaps, { namespace: NAMESPACE, name: 'ledger' }, { type: 'merge', body: { data } });
    await watched.clock.advance(1000);
    const news = watched.news();
    expect(news).to.have.length(1);
    expect(news[0]).to.match(/^lan +IPv4 +14 +3 /);
    expect(await watched.end()).to.equal(0);
  });

  it('CL-13: gives whole rows as JSON, numbers as text', async () => {
    const watched = await watching({ vips: 2 }, 'pools', '-w', '-o', 'json');
    expect(JSON.parse(watched.news().join('\n'))).to.have.length(1);
    const data = { '198.18.0.9': JSON.stringify({ pool: 'lan', services: [{ name: 'shop/web' }] }) };
    await watched.api.patch(configMaps, { namespace: NAMESPACE, name: 'ledger' }, { type: 'merge', body: { data } });
    await watched.clock.advance(1000);
    expect(JSON.parse(watched.news()[0] ?? '')).to.include({ pool: 'lan', used: '3' });
    await watched.end();
  });
});
