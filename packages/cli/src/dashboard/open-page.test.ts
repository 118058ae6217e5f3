// SPDX-License-Identifier: Apache-2.0
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { expect } from 'chai';
import { openerFor, openPage } from './open-page.ts';

describe('openerFor', () => {
  const cases = [
    { name: 'a Mac', platform: 'darwin', env: {}, program: 'open' },
    { name: 'Windows', platform: 'win32', env: {}, program: 'rundll32' },
    { name: 'Linux with X', platform: 'linux', env: { DISPLAY: ':0' }, program: 'xdg-open' },
    { name: 'Linux with Wayland', platform: 'linux', env: { WAYLAND_DISPLAY: 'wayland-0' }, program: 'xdg-open' },
    { name: 'Linux without a screen', platform: 'linux', env: { DISPLAY: '' }, program: undefined },
  ] as const;
  for (const { name, platform, env, program } of cases) {
    it(`${name}: ${program ?? 'nothing'}`, () => {
      expect(openerFor(platform, env)?.program).to.equal(program);
    });
  }
});

describe('openPage', () => {
  const TOKEN = 'a-token-that-works-once';
  const address = `http://127.0.0.1:1/#${TOKEN}`;
  const folder = mkdtempSync(join(tmpdir(), 'berth-opener-'));
  const seen = join(folder, 'seen');
  const env = { ...process.env, DISPLAY: ':0', PATH: `${folder}${delimiter}${process.env.PATH}` };

  before(() => {
    // What a browser can see, and what everybody sees in /proc.
    const lines = ['#!/bin/sh', '{ tr "\\0" " " </proc/$$/cmdline; echo; tr "\\0" " " </proc/$$/environ; echo'];
    lines.push('stat -c %a "$1" "$(dirname "$1")"; echo "$1"; cat "$1"; } >seen.part; mv seen.part seen');
    writeFileSync(join(folder, 'xdg-open'), lines.join('\n').replace('{', `cd "${folder}"; {`));
    chmodSync(join(folder, 'xdg-open'), 0o755);
  });

  afterEach(() => rmSync(seen, { force: true }));
  after(() => rmSync(folder, { recursive: true }));

  async function opened(): Promise<string[]> {
    for (let look = 0; look < 200 && !existsSync(seen); look += 1)
      await new Promise((resolve) => setTimeout(resolve, 20));
    return readFileSync(seen, 'utf8').split('\n');
  }

  it('DB-23: has the token in a file of its owner alone, and in no argument', async () => {
    expect(await openPage(address, { platform: 'linux', env, removedAfterMs: 60_000 })).to.equal(true);
    const [argv = '', environment = '', fileMode, folderMode, file = '', ...page] = await opened();
    expect([argv.includes(TOKEN), environment.includes(TOKEN)]).to.deep.equal([false, false]);
    expect([fileMode, folderMode]).to.deep.equal(['600', '700']);
    expect(page.join('\n')).to.include(`content="0;url=${address}"`);
    rmSync(dirname(file), { recursive: true });
  });

  it('DB-23: removes the file after a while', async () => {
    await openPage(address, { platform: 'linux', env, removedAfterMs: 300 });
    const [, , , , file = ''] = await opened();
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(existsSync(dirname(file))).to.equal(false);
  });

  it('leaves nothing behind where there is no program to open it with', async () => {
    const none = { ...env, PATH: '/nowhere' };
    expect(await openPage(address, { platform: 'linux', env: none })).to.equal(false);
    expect(await openPage(address, { platform: 'linux', env: {} })).to.equal(false);
  });
});
