// SPDX-License-Identifier: Apache-2.0

// README.zh-CN.md says what README.md says: the same commands, the same headings in number and level, the same links.

import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { codeBlocks, localLinks } from './markdown.ts';

const ORIGINAL = 'README.md';
const TRANSLATION = 'README.zh-CN.md';

const levelsOf = (markdown: string) =>
  [...markdown.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '').matchAll(/^(#+) /gm)].map(([, signs]) => signs);
/** In single words, so that a line may break where it likes. */
const inlineCodeOf = (markdown: string) =>
  [...markdown.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '').matchAll(/`([^`]+)`/g)].map(([, code = '']) =>
    code.replaceAll(/\s+/g, ' '),
  );
const fencedOf = (markdown: string) => codeBlocks(markdown.replaceAll(/^ {3}/gm, '')).map(({ text }) => text);

describe(TRANSLATION, () => {
  const original = readFileSync(ORIGINAL, 'utf8');
  const translation = readFileSync(TRANSLATION, 'utf8');

  it('has the headings of README.md', () => {
    expect(levelsOf(translation)).to.deep.equal(levelsOf(original));
  });

  it('has its commands', () => {
    expect(fencedOf(translation)).to.deep.equal(fencedOf(original));
    expect(inlineCodeOf(translation)).to.have.members(inlineCodeOf(original));
  });

  it('has its links', () => {
    const links = localLinks(translation).filter((target) => target !== ORIGINAL);
    expect(links).to.have.members(localLinks(original).filter((target) => target !== TRANSLATION));
    expect(links.filter((target) => !existsSync(target))).to.deep.equal([]);
  });
});
