// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { findBinaries, PROGRAMS } from './binaries.ts';

describe('findBinaries', () => {
  const { BERTH_LAB_BIN, BERTH_LAB_KUBERNETES, XDG_CACHE_HOME } = process.env;
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'berth-bin-'));
    delete process.env.BERTH_LAB_BIN;
    delete process.env.BERTH_LAB_KUBERNETES;
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
    restore('BERTH_LAB_BIN', BERTH_LAB_BIN);
    restore('BERTH_LAB_KUBERNETES', BERTH_LAB_KUBERNETES);
    restore('XDG_CACHE_HOME', XDG_CACHE_HOME);
  });

  it('finds nothing in an empty cache', () => {
    process.env.XDG_CACHE_HOME = folder;
    expect(findBinaries()).to.equal(undefined);
  });

  it('takes a folder with all programs', () => {
    for (const program of PROGRAMS) writeFileSync(join(folder, program), '');
    process.env.BERTH_LAB_BIN = folder;
    expect(findBinaries()).to.equal(folder);
  });

  it('names what a given folder lacks', () => {
    for (const program of PROGRAMS.slice(2)) writeFileSync(join(folder, program), '');
    process.env.BERTH_LAB_BIN = folder;
    expect(() => findBinaries()).to.throw('not there: kube-apiserver, kube-controller-manager');
  });

  it('takes no folder for another version of Kubernetes, whoever asks for it', () => {
    for (const program of PROGRAMS) writeFileSync(join(folder, program), '');
    process.env.BERTH_LAB_BIN = folder;
    expect(findBinaries('1.37.2')).to.equal(folder);
    expect(() => findBinaries('1.34.4')).to.throw('unset it to build Kubernetes 1.34.4');
    process.env.BERTH_LAB_KUBERNETES = '1.34';
    expect(() => findBinaries()).to.throw('unset it to build Kubernetes 1.34.4');
  });
});

function restore(variable: string, value: string | undefined): void {
  if (value === undefined) delete process.env[variable];
  else process.env[variable] = value;
}
