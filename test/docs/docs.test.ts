// SPDX-License-Identifier: Apache-2.0

// What the documents show is tried: samples are read by the very parser, commands and links exist.

import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parsePoolConfig } from '@berth/core';
import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import { anchorOf } from '../../docs/.vitepress/anchor.ts';
import { codeBlocks, headings, localAnchors, localLinks, section } from './markdown.ts';

const documents = ['README.md', 'CONTRIBUTING.md', ...globSync('{docs,packages}/**/*.md')].filter(
  (path) => !path.includes('node_modules'),
);
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };

for (const path of documents) {
  const markdown = readFileSync(path, 'utf8');
  describe(path, () => {
    it('links to files that exist', () => {
      const missing = localLinks(markdown).filter((target) => !existsSync(join(dirname(path), target)));
      expect(missing).to.deep.equal([]);
    });

    it('links to headings that exist', () => {
      const missing = localAnchors(markdown).filter(({ file, anchor }) => {
        const target = file === '' ? markdown : readFileSync(join(dirname(path), file), 'utf8');
        return !headings(target).map(anchorOf).includes(anchor);
      });
      expect(missing).to.deep.equal([]);
    });

    it('names npm scripts that exist', () => {
      const named = [...markdown.matchAll(/npm run ([\w-]+)/g)].map(([, name = '']) => name);
      expect(named.filter((name) => !(name in scripts))).to.deep.equal([]);
    });

    for (const { language, text, line } of codeBlocks(markdown)) {
      if (language !== 'yaml' || !/kind: (IPAddressPool|L2Advertisement|ConfigMap)/.test(text)) continue;
      it(`has a sample in line ${line} that Berth accepts`, () => {
        for (const data of poolData(text)) {
          const parsed = parsePoolConfig(data, { extent: 'part' });
          expect(parsed.ok ? [] : parsed.problems).to.deep.equal([]);
        }
      });
    }
  });
}

describe('the concept pages', () => {
  for (const path of globSync('docs/*.md').filter((each) => !['docs/conformance.md', 'docs/index.md'].includes(each))) {
    it(`${path} ends with its limitations`, () => {
      const headings = readFileSync(path, 'utf8').match(/^## .+$/gm) ?? [];
      expect(headings.at(-1)).to.equal('## Limitations');
    });
  }
});

describe('manifests/ip-address-pools.yaml', () => {
  it('is a configuration that Berth accepts', () => {
    const [data] = poolData(readFileSync('manifests/ip-address-pools.yaml', 'utf8'));
    expect(parsePoolConfig(data ?? {}).ok).to.equal(true);
  });
});

describe('section', () => {
  it('ends at the next heading of its level', () => {
    expect(section('# A\n## B\nx\n### C\ny\n## D\nz', 'B')).to.equal('x\n### C\ny');
  });
});

/** A sample is either a ConfigMap, whose data count, or pool documents as they stand in one key. */
function poolData(text: string): Record<string, string>[] {
  const parsed = parseAllDocuments(text).map(
    (document) => document.toJS() as { kind?: string; data?: Record<string, string> },
  );
  const configMaps = parsed.flatMap(({ kind, data }) => (kind === 'ConfigMap' && data !== undefined ? [data] : []));
  return configMaps.length > 0 ? configMaps : [{ 'sample.yaml': text }];
}
