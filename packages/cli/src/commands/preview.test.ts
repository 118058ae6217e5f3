// SPDX-License-Identifier: Apache-2.0
import { SAMPLE_MS, sampleCluster } from '@berth/core/testing';
import { fakeApiOf } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { parse } from 'yaml';
import { parseCommandLine } from '../command-line.ts';
import { run } from '../run.ts';

function poolFile(addresses: string, name = 'lan'): string {
  return `apiVersion: berth.dev/v1\nkind: IPAddressPool\nmetadata: { name: ${name} }\nspec: { addresses: [${addresses}] }\n`;
}

async function preview(file: string, ...options: string[]) {
  const api = await fakeApiOf(sampleCluster());
  const said: string[] = [];
  const told: string[] = [];
  const code = await run(parseCommandLine(['preview', 'next.yaml', ...options]), {
    out: (text) => said.push(text),
    err: (text) => told.push(text),
    readFile: async () => file,
    connect: async () => ({ api, namespace: 'shop' }),
    clock: new FakeClock(new Date(SAMPLE_MS)),
  });
  return { code, out: said.join(''), err: told.join('') };
}

describe('kubectl berth preview', () => {
  it('CL-07: ends with 0 where every Service keeps its address', async () => {
    const { code, out } = await preview(poolFile('198.18.0.0/16'));
    expect([code, out]).to.deep.equal([0, 'Nothing changes for 6 of 6 Services.\n']);
  });

  it('CL-07: ends with 4 where Services would be stranded, and names them', async () => {
    const { code, out } = await preview(poolFile('198.18.0.1-198.18.0.5'));
    expect(code).to.equal(4);
    expect(out).to.match(/^Stranded: .* \(1\):\n {2}ns-0\/s-5 +198\.18\.0\.6 +OutsidePools/);
  });

  it('CL-07: ends with 1 where the file is refused, and finds an empty one', async () => {
    expect((await preview(poolFile('198.18.0.1'))).code).to.equal(1);
    const empty = await preview('# nothing was rendered\n');
    expect([empty.code, empty.out.includes('found an empty file')]).to.deep.equal([1, true]);
  });

  it('PR-02: a file with one document of several leaves the others, and names them', async () => {
    const { code, out, err } = await preview(poolFile('203.0.113.0/28', 'edge'));
    expect([code, out, err]).to.deep.equal([
      0,
      'Nothing changes for 6 of 6 Services.\n',
      'What ConfigMap ip-address-pools has beside next.yaml stays: IPAddressPool lan\n',
    ]);
  });

  it('PR-02: ends with 1 where it does not go with the others', async () => {
    const { code, err } = await preview(poolFile('198.18.0.0/16', 'edge'));
    expect([code, err.split('\n')[1]]).to.satisfy(
      ([one, line]: [number, string]) => one === 1 && line.includes('which overlaps'),
    );
  });

  it('CL-01: gives the same as JSON and as YAML', async () => {
    const json = JSON.parse((await preview(poolFile('198.18.0.1-198.18.0.5'), '-o', 'json')).out);
    expect(json.stranded).to.have.length(1);
    expect(parse((await preview(poolFile('198.18.0.1-198.18.0.5'), '-o', 'yaml')).out)).to.deep.equal(json);
  });
});
