// SPDX-License-Identifier: Apache-2.0

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { allowedPrograms, basePackages } from './program-folder.ts';

const STATUS = [
  'Package: bash\nEssential: yes\nStatus: install ok installed\nPriority: required\n',
  'Package: mount\nStatus: install ok installed\nPriority: required\n',
  'Package: dash\nEssential: yes\nStatus: deinstall ok config-files\nPriority: required\n',
  'Package: vim\nStatus: install ok installed\nPriority: optional\n',
  'Package: nftables\nStatus: install ok installed\nPriority: important\n',
].join('\n');

const FILES: Record<string, string[]> = {
  bash: ['/.', '/bin/bash', '/usr/share/doc/bash/README'],
  mount: ['/bin/no-such-mount'],
  vim: ['/usr/bin/no-such-vim'],
  nftables: ['/usr/sbin/no-such-nft', '/usr/lib/no-such-part'],
};

describe('basePackages', () => {
  it('takes what is essential or required, if it is installed', () =>
    expect(basePackages(STATUS)).to.deep.equal(['bash', 'mount']));
});

describe('allowedPrograms', () => {
  const database = { status: STATUS, filesOf: (name: string) => FILES[name] ?? [] };

  it('has the programs of the base and of declared packages, and no others', () => {
    const programs = allowedPrograms([{ name: 'nftables', anyOf: ['nft'] }], database);
    expect(programs.get('bash')).to.equal('/bin/bash');
    expect(programs.get('no-such-mount')).to.equal('/bin/no-such-mount');
    expect(programs.get('no-such-nft')).to.equal('/usr/sbin/no-such-nft');
    expect(programs.has('no-such-vim')).to.equal(false);
    expect(programs.has('no-such-part')).to.equal(false);
  });

  it('finds a declared program that dpkg did not install', () => {
    const programs = allowedPrograms([{ name: 'own-build', anyOf: ['true', '/usr/lib/other'] }], database);
    expect(programs.get('true')).to.match(/\/bin\/true$/);
  });
});

describe('the PATH of tools/setup.sh', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'berth-programs-'));
    writeFileSync(join(folder, 'undeclared-program'), '#!/bin/sh\necho called\n', { mode: 0o755 });
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it('NN-01: lacks a program that no declared package has, though the machine has it', () => {
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
    expect(execFileSync('sh', ['-c', 'undeclared-program'], { encoding: 'utf8', env })).to.equal('called\n');
    const { status, stderr } = throughSetup(['sh', '-c', 'undeclared-program'], env);
    expect(status).to.equal(127);
    expect(stderr).to.contain('not found');
  });

  for (const program of ['sh', 'tar', 'awk', 'cc', 'node', 'npm', 'biome']) {
    it(`NN-01: has ${program}`, () => {
      const { status } = throughSetup(['sh', '-c', `command -v ${program}`]);
      expect(status).to.equal(0);
    });
  }
});

function throughSetup(argv: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  return spawnSync('sh', ['tools/setup.sh', '--quiet', '--', ...argv], { encoding: 'utf8', env });
}
