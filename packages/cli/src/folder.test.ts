// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { expect } from 'chai';
import { listFolder } from './folder.ts';

describe('listFolder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-folder-'));

  before(() => {
    for (const name of ['pools', '.git']) mkdirSync(join(folder, name));
    for (const name of ['b.yaml', 'a.txt', 'pools/lan.yaml', '.git/config.yaml', '.hidden.yaml'])
      writeFileSync(join(folder, name), '');
    symlinkSync('pools/lan.yaml', join(folder, 'link.yaml'));
    symlinkSync('..', join(folder, 'pools/back'));
  });

  after(() => rmSync(folder, { recursive: true }));

  it('CL-06: has the files of it and below, links to files too, and nothing that is hidden', async () => {
    const files = (await listFolder(folder)) ?? [];
    expect(files.map((file) => relative(folder, file))).to.deep.equal([
      'a.txt',
      'b.yaml',
      'link.yaml',
      'pools/lan.yaml',
    ]);
  });

  it('says that a file and the standard input are no folders', async () => {
    expect([await listFolder(join(folder, 'b.yaml')), await listFolder('-')]).to.deep.equal([undefined, undefined]);
  });

  it('fails where nothing is', async () => {
    expect(await listFolder(join(folder, 'nothing')).catch(String)).to.include('ENOENT');
  });
});
