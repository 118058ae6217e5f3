// SPDX-License-Identifier: Apache-2.0
import { existsSync, globSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { blocksOf } from './markdown.ts';

describe('blocksOf', () => {
  it('reads what runbooks are made of', () => {
    const text = [
      '# Title',
      '',
      'One line',
      'and its rest.',
      '',
      '- first',
      '- second',
      '  goes on',
      '',
      '1. one',
      '2. two',
      '',
      '```sh',
      'kubectl berth status',
      '```',
      '',
      '| a | b |',
      '|---|---|',
      '| x \\| y | z |',
    ].join('\n');
    expect(blocksOf(text)).to.deep.equal([
      { kind: 'heading', level: 1, text: 'Title' },
      { kind: 'paragraph', text: 'One line and its rest.' },
      { kind: 'list', items: ['first', 'second goes on'] },
      { kind: 'list', items: ['one', 'two'] },
      { kind: 'code', text: 'kubectl berth status' },
      {
        kind: 'table',
        rows: [
          ['a', 'b'],
          ['x | y', 'z'],
        ],
      },
    ]);
  });

  it('reads a paragraph that stands right below its heading', () => {
    expect(blocksOf('## What\nThis.')).to.deep.equal([
      { kind: 'heading', level: 2, text: 'What' },
      { kind: 'paragraph', text: 'This.' },
    ]);
  });

  it('shows a text that is none', () => {
    expect(blocksOf('')).to.deep.equal([]);
  });

  const runbooks = existsSync('docs/runbooks') ? globSync('docs/runbooks/*.md') : [];
  for (const path of runbooks) {
    it(`${path} loses no word`, () => {
      const text = readFileSync(path, 'utf8');
      const shown = JSON.stringify(blocksOf(text));
      for (const word of text.match(/[A-Za-z]{5,}/g) ?? []) expect(shown, word).to.include(word);
    });
  }
});
