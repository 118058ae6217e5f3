// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import { findHeaderProblems, findLayerProblems } from './import-layers.ts';

const problemsOf = (path: string, text: string) => findLayerProblems([{ path, text }]);

describe('findLayerProblems', () => {
  const cases = [
    {
      name: 'a kube that imports link',
      path: 'packages/kube/src/a.ts',
      text: "import { x } from '@berth/link';",
      ok: false,
    },
    {
      name: 'a speaker that imports link',
      path: 'packages/speaker/src/a.ts',
      text: "import { x } from '@berth/link';",
      ok: true,
    },
    {
      name: 'a file inside another package',
      path: 'packages/cli/src/a.ts',
      text: "import { x } from '@berth/core/src/b.ts';",
      ok: false,
    },
    {
      name: 'the fakes of kube in a test',
      path: 'packages/controller/src/a.test.ts',
      text: "import { x } from '@berth/kube/testing';",
      ok: true,
    },
    {
      name: 'the fakes of kube in the product',
      path: 'packages/controller/src/a.ts',
      text: "import { x } from '@berth/kube/testing';",
      ok: false,
    },
    { name: 'node: in core', path: 'packages/core/src/a.ts', text: "import { x } from 'node:fs';", ok: false },
    {
      name: 'chai in a test of core',
      path: 'packages/core/src/a.test.ts',
      text: "import { expect } from 'chai';",
      ok: true,
    },
    { name: 'chai in core', path: 'packages/core/src/a.ts', text: "import { expect } from 'chai';", ok: false },
    { name: 'a clock in core', path: 'packages/core/src/a.ts', text: 'const now = Date.now();', ok: false },
    { name: 'a comment about a clock in core', path: 'packages/core/src/a.ts', text: '// not Date.now()', ok: true },
    {
      name: 'a doc comment about a process.',
      path: 'packages/core/src/a.ts',
      text: '  /** Of this process. */',
      ok: true,
    },
    { name: 'a dynamic import', path: 'packages/kube/src/a.ts', text: "await import('@berth/cli');", ok: false },
  ];
  for (const { name, path, text, ok } of cases) {
    it(`${ok ? 'accepts' : 'finds'} ${name}`, () => {
      expect(problemsOf(path, text)).to.have.length(ok ? 0 : 1);
    });
  }

  it('names file, line and reason', () => {
    expect(problemsOf('packages/core/src/a.ts', "\nimport 'winston';")).to.deep.equal([
      "packages/core/src/a.ts:2: core is pure: found import of 'winston'",
    ]);
  });
});

describe('findHeaderProblems', () => {
  it('finds a source file without SPDX line', () => {
    expect(findHeaderProblems([{ path: 'a.ts', text: 'x' }])).to.deep.equal(['a.ts:1: no SPDX line']);
  });
});
