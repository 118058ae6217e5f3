// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import { type Lockfile, packagesLacking } from './version-before.ts';

describe('packagesLacking', () => {
  const lockfile = (packages: Lockfile['packages']): Lockfile => ({ packages });

  it('returns packages of which Node would find another version from the same place', () => {
    const wanted = {
      'node_modules/a/node_modules/b': { version: '1.0.0' },
      'node_modules/zod': { version: '4.6.7' },
      'packages/core/node_modules/yaml': { version: '2.9.1' },
    };
    const present = { 'node_modules/b': { version: '1.0.0' }, 'node_modules/yaml': { version: '2.9.0' } };
    expect(packagesLacking(lockfile(wanted), lockfile(present))).to.deep.equal(['zod@4.6.7', 'yaml@2.9.1']);
  });

  it('finds a package where the other tree has it in the same place', () => {
    const packages = { 'packages/core/node_modules/yaml': { version: '2.9.1' } };
    expect(packagesLacking(lockfile(packages), lockfile(packages))).to.deep.equal([]);
  });

  it('passes over what goes into no image, but not over the bundler', () => {
    const wanted = {
      '': {},
      'packages/core': { version: '0.1.0' },
      'node_modules/@berth/core': { link: true },
      'node_modules/mocha': { version: '12.0.3', dev: true },
      'node_modules/esbuild': { version: '0.28.2', dev: true },
    };
    expect(packagesLacking(lockfile(wanted), lockfile({}))).to.deep.equal(['esbuild@0.28.2']);
  });
});
