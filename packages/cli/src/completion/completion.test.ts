// SPDX-License-Identifier: Apache-2.0

import { sampleCluster } from '@berth/core/testing';
import { configMaps, nodes } from '@berth/kube';
import { fakeApiOf } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { parseCommandLine, programFor } from '../command-line.ts';
import { run } from '../run.ts';
import { completionOf } from './completion.ts';

function values(line: string): string[] {
  return completionOf(programFor(), line.split(' ')).candidates.map(({ value }) => value);
}

describe('completionOf', () => {
  const rows: { line: string; wanted: readonly string[] }[] = [
    { line: 'dr', wanted: ['drain'] },
    { line: 'un', wanted: ['uninstall', 'undrain'] },
    { line: 'pool ', wanted: ['release'] },
    { line: '--context prod mo', wanted: ['move'] },
    { line: 'pools -o ', wanted: ['text', 'wide', 'json', 'yaml'] },
    { line: 'pools --output y', wanted: ['yaml'] },
    { line: 'move --t', wanted: ['--timeout'] },
    { line: 'move --dry-run --d', wanted: [] },
    { line: 'drain --f', wanted: ['--force'] },
    { line: 'completion ', wanted: ['bash', 'zsh', 'fish', 'kubectl'] },
    { line: 'move -- --t', wanted: [] },
  ];
  for (const { line, wanted } of rows)
    it(`CL-10: "${line}" -> ${wanted.join(' ') || 'nothing'}`, () => {
      expect(values(line)).to.deep.equal(wanted);
    });

  it('CL-10: knows every command that --help lists, each with what it does', () => {
    const { candidates } = completionOf(programFor(), ['']);
    expect(candidates.map(({ value }) => value)).to.include.members(['status', 'vips', 'bundle', 'version']);
    expect(candidates.filter(({ description }) => description === '')).to.deep.equal([]);
    expect(candidates.map(({ value }) => value)).to.not.include('__complete');
  });

  it('CL-10: asks the cluster for the names that only it knows, by what stands there', () => {
    const live = (line: string) => completionOf(programFor(), line.split(' ')).live;
    expect(['move ', 'move 192.0.2.7 ', 'drain ', 'explain ', 'history ', 'pool release '].map(live)).to.deep.equal([
      ...['vip', 'node', 'node', 'service', 'about', 'address'],
    ]);
    expect(['move 192.0.2.7 edge-1 ', 'pools ', 'history --since '].map(live)).to.deep.equal([
      ...[undefined, undefined, undefined],
    ]);
  });

  it('takes files where files stand', () => {
    const isFile = (line: string) => completionOf(programFor(), line.split(' ')).isFile;
    const lines = [
      'lint ',
      'lint a.yaml ',
      'preview ',
      'pools --kubeconfig ',
      'bundle -f ',
      'pools ',
      'history --since ',
    ];
    expect(lines.map(isFile)).to.deep.equal([true, true, true, true, true, false, false]);
  });
});

describe('__complete', () => {
  async function complete(...words: string[]): Promise<string[]> {
    const api = await fakeApiOf(sampleCluster({ vips: 3 }));
    await api.patch(
      nodes,
      { name: 'edge-2' },
      { type: 'merge', body: { metadata: { annotations: { 'berth.dev/drain': 'true' } } } },
    );
    const quarantine = { mac: '00:00:5e:00:53:09', node: 'edge-1', interface: 'lan0', since: '2026-11-30T09:00:00Z' };
    const data = { '198.18.0.9': JSON.stringify({ pool: 'lan', quarantine }) };
    await api.patch(configMaps, { namespace: 'berth-system', name: 'ledger' }, { type: 'merge', body: { data } });
    return answers(words, async () => ({ api, namespace: 'ns-0' }));
  }

  async function answers(words: readonly string[], connect: Parameters<typeof run>[1]['connect']): Promise<string[]> {
    const said: string[] = [];
    const code = await run(parseCommandLine(['__complete', ...words]), {
      out: (text) => said.push(text),
      err: (text) => said.push(`err: ${text}`),
      readFile: async () => '',
      ...{ connect, clock: new FakeClock() },
    });
    expect(code).to.equal(0);
    return said.join('').trimEnd().split('\n');
  }

  it('CL-10: answers with VIPs, nodes and Services of the cluster', async () => {
    expect(await complete('move', '198.18.0.1')).to.deep.equal(['198.18.0.1\tns-0/s-0', ':4']);
    expect(await complete('drain', '')).to.deep.equal([
      ...['edge-1\tnode', 'edge-2\tdrained node', 'edge-3\tnode', ':4'],
    ]);
    expect(await complete('explain', 's-')).to.deep.equal([
      ...['s-0\t198.18.0.1', 's-1\t198.18.0.2', 's-2\t198.18.0.3', ':4'],
    ]);
    expect(await complete('pool', 'release', '')).to.deep.equal(['198.18.0.9\tused by 00:00:5e:00:53:09', ':4']);
    expect(await complete('history', 'e')).to.have.length(4);
  });

  it('CL-10: names Services of other namespaces with their namespace', async () => {
    expect(await complete('-n', 'shop', 'explain', 'ns')).to.deep.equal([
      ...['ns-0/s-0\t198.18.0.1', 'ns-0/s-1\t198.18.0.2', 'ns-0/s-2\t198.18.0.3', ':4'],
    ]);
  });

  it('CL-10: completes commands and options, and is silent where the cluster does not answer', async () => {
    const away = () => Promise.reject(new Error('no cluster'));
    expect(await answers(['move', ''], away)).to.deep.equal([':4']);
    expect(await answers(['rebal'], away)).to.deep.equal([
      'rebalance\tevens out once how many VIPs each node owns',
      ':4',
    ]);
    expect(await answers(['lint', ''], away)).to.deep.equal([':0']);
  });
});
