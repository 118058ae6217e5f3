// SPDX-License-Identifier: Apache-2.0

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { DEFAULT_KUBERNETES, KUBERNETES_VERSIONS, minorOf, parseKubernetesVersion } from './kubernetes-versions.ts';

const BINARIES = join(import.meta.dirname, 'binaries');

describe('the versions of Kubernetes', () => {
  it('are named by minor version or in full', () => {
    expect(parseKubernetesVersion('1.34')).to.equal('1.34.4');
    expect(parseKubernetesVersion('1.34.4')).to.equal('1.34.4');
  });

  for (const text of ['1.33', '1.34.3', '1', '', 'v1.34'])
    it(`refuse '${text}'`, () =>
      expect(() => parseKubernetesVersion(text)).to.throw(`found '${text}', want one of 1.37, 1.36, 1.35, 1.34`));

  for (const version of KUBERNETES_VERSIONS)
    it(`${version}: is what its go.mod requires, with a go.sum beside it`, () => {
      const folder = join(BINARIES, version === DEFAULT_KUBERNETES ? 'kubernetes' : `kubernetes-${minorOf(version)}`);
      const text = readFileSync(join(folder, 'go.mod'), 'utf8');
      expect(text).to.match(new RegExp(`^\\s*k8s\\.io/kubernetes v${version.replaceAll('.', '\\.')}$`, 'm'));
      // Every staging module is of the same release.
      const replaced = [...text.matchAll(/=> k8s\.io\/\S+ v0\.(\S+)$/gm)].map(([, release]) => `1.${release}`);
      expect(replaced.length).to.be.greaterThan(20);
      expect(new Set(replaced)).to.deep.equal(new Set([version]));
      expect(existsSync(join(folder, 'go.sum'))).to.equal(true);
    });
});
