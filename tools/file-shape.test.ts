// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { findShapeProblems } from './file-shape.ts';

const lines = (count: number) => 'x;\n'.repeat(count);

describe('findShapeProblems', () => {
  const rows = [
    { name: 'a file of 250 lines', path: 'packages/core/src/a.ts', text: lines(250), problem: undefined },
    { name: 'a longer file', path: 'packages/core/src/a.ts', text: lines(251), problem: /a\.ts: 251 lines/ },
    { name: 'a longer file in C', path: 'packages/link/native/a.c', text: lines(251), problem: /a\.c: 251 lines/ },
    { name: 'a longer test', path: 'packages/core/src/a.test.ts', text: lines(400), problem: undefined },
    { name: 'what only tests use', path: 'packages/core/src/testing/a.ts', text: lines(400), problem: undefined },
    { name: 'a wide comment', path: 'a.ts', text: `  // ${'x'.repeat(120)}\n`, problem: /a\.ts:1: a comment of 125/ },
    {
      name: 'a wide comment of a test',
      path: 'a.test.ts',
      text: `/** ${'x'.repeat(120)} */`,
      problem: /comment of 127/,
    },
    { name: 'a wide text in code', path: 'a.ts', text: `const a = '${'x'.repeat(120)}';\n`, problem: undefined },
    { name: 'a file of another kind', path: 'a.css', text: lines(400), problem: undefined },
  ];
  for (const { name, path, text, problem } of rows)
    it(`${problem ? 'finds' : 'lets pass'} ${name}`, () => {
      const found = findShapeProblems([{ path, text }]);
      if (problem === undefined) expect(found).to.deep.equal([]);
      else expect(found.join()).to.match(problem);
    });
});
