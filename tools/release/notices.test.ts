// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { pageSources } from '@berth/dashboard/build';
import { expect } from 'chai';
import { extract } from 'tar-stream';
import { bundleCommand, bundleDaemons } from '../bundle.ts';
import { krewManifest } from './krew.ts';
import { NOTICES, noticesOf } from './notices.ts';
import { writePluginArchive } from './plugin-archive.ts';

describe('the notices of the plug-in', () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-notices-'));
  let sources: readonly string[];
  let text: string;

  before(async () => {
    sources = await bundleCommand(join(folder, 'kubectl-berth'));
    text = await noticesOf([...sources, ...(await pageSources())]);
  });

  after(() => rmSync(folder, { recursive: true }));

  it('CL-12: name every library that the bundle and the page have a line of, and Node', async () => {
    const paths = [...sources, ...(await pageSources())];
    const names = paths.flatMap((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
    expect(names).to.include.members(['commander', 'yaml', 'zod', 'tar-stream', 'cli-table3', 'preact', 'uplot']);
    const listed = [...text.matchAll(/^- (\S+) \S+: \S/gm)].map(([, name]) => name);
    expect(listed).to.have.members([...new Set(names), 'Node.js']);
    expect(names.filter((name) => name.startsWith('@berth/'))).to.deep.equal([]);
  });

  it('CL-12: have the text of each licence', () => {
    const [, ...sections] = text.split(`${'='.repeat(80)}\n`);
    const empty = sections.filter(
      (one) => !/copyright|permission|licen[cs]e/i.test(one.split('\n').slice(1).join('\n')),
    );
    expect(empty).to.deep.equal([]);
    expect(sections.length).to.equal([...text.matchAll(/^- \S+ \S+: /gm)].length);
  });

  it('CL-12: are in the archive that krew unpacks, and taken out of it', async () => {
    const notices = join(folder, NOTICES);
    writeFileSync(notices, text);
    const archive = join(folder, 'kubectl-berth.tar.gz');
    await writePluginArchive(archive, { executable: join(folder, 'kubectl-berth'), notices });
    const files = new Map<string, number>();
    const tar = extract();
    tar.end(gunzipSync(readFileSync(archive)));
    for await (const entry of tar) {
      files.set(entry.header.name, entry.header.mode ?? 0);
      entry.resume();
    }
    expect([...files]).to.deep.equal([
      ...[['LICENSE', 0o644] as const, [NOTICES, 0o644] as const, ['kubectl-berth', 0o755] as const],
    ]);
    const manifest = krewManifest([{ architecture: 'amd64', name: 'a.tar.gz', sha256: '0' }], {
      ...{ version: '0.1.0', baseUrl: 'https://releases.example' },
    });
    expect(manifest).to.include(`from: ${NOTICES}`);
  });

  it('CL-12: are beside the daemons in the image too', async () => {
    // Not where other tests take the programs from.
    await bundleDaemons(join(folder, 'daemons'));
    const image = readFileSync(join(folder, 'daemons', NOTICES), 'utf8');
    expect(image)
      .to.match(/^- winston \S+: MIT$/m)
      .and.match(/^- Node\.js /m);
    expect(image).to.not.match(/^- preact /m);
  });

  it('CL-12: stand in the list of what a release has', () => {
    expect(readFileSync('RELEASING.md', 'utf8')).to.include(`\`${NOTICES}\``);
  });
});
