// SPDX-License-Identifier: Apache-2.0

import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { sharedLibraries } from './image.ts';
import { debianPackagesOf, licenceFilesOf } from './library-licences.ts';

describe('the licences of the libraries in the image', () => {
  const libraries = sharedLibraries(process.execPath);

  before(function () {
    if (!existsSync('/var/lib/dpkg/status')) this.skip();
  });

  it('CL-12: are those of the packages that the libraries come from', () => {
    expect(libraries.join(' ')).to.include('libc.so.6').and.include('libstdc++.so.6');
    expect(debianPackagesOf(libraries)).to.include.members(['libc6', 'libgcc-s1', 'libstdc++6']);
  });

  it('CL-12: have the texts that the copyright files name', () => {
    const files = licenceFilesOf(debianPackagesOf(libraries));
    expect(files).to.include.members(['/usr/share/doc/libc6/copyright', '/usr/share/common-licenses/LGPL-2.1']);
    expect(files.filter((file) => !existsSync(file))).to.deep.equal([]);
    expect(readFileSync('/usr/share/doc/libc6/copyright', 'utf8')).to.include('GNU Lesser General Public');
    expect(new Set(files)).to.have.length(files.length);
  });

  it('CL-12: are asked for where no package has a file', () => {
    expect(() => debianPackagesOf([import.meta.filename])).to.throw('belongs to no Debian package');
  });
});
