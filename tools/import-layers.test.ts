// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import { findCircles, findHeaderProblems, findLayerProblems } from './import-layers.ts';

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
    {
      name: 'the page that imports the server of it',
      path: 'packages/dashboard/src/page/views/a.tsx',
      text: "import { x } from '@berth/cli';",
      ok: false,
    },
    {
      name: 'the page that imports core',
      path: 'packages/dashboard/src/page/views/a.tsx',
      text: "import { x } from '@berth/core';",
      ok: true,
    },
    {
      name: 'a room that imports one below it',
      path: 'packages/speaker/src/conflict/a.ts',
      text: "import { x } from '../layer2/b.ts';",
      ok: true,
    },
    {
      name: 'a room that imports one above it',
      path: 'packages/speaker/src/layer2/a.ts',
      text: "import { x } from '../conflict/b.ts';",
      ok: false,
    },
    {
      name: 'a room that imports the root',
      path: 'packages/speaker/src/layer2/a.ts',
      text: "import { x } from '../speaker.ts';",
      ok: false,
    },
    {
      name: 'a room that imports the options',
      path: 'packages/speaker/src/layer2/a.ts',
      text: "import type { x } from '../config.ts';",
      ok: true,
    },
    {
      name: 'a room that nobody planned',
      path: 'packages/controller/src/utils/a.ts',
      text: "import { x } from './b.ts';",
      ok: false,
    },
    {
      name: 'a room of core that imports one above it',
      path: 'packages/core/src/ipam/a.ts',
      text: "import { x } from '../status/b.ts';",
      ok: false,
    },
    {
      name: 'a room of core that imports one below it',
      path: 'packages/core/src/status/a.ts',
      text: "import { x } from '../ipam/b.ts';",
      ok: true,
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

describe('findCircles', () => {
  const file = (name: string, ...imports: string[]) => ({
    path: `packages/core/src/ipam/${name}`,
    text: imports.map((one) => `import type { X } from './${one}';`).join('\n'),
  });

  it('finds files that import each other, by however many steps', () => {
    expect(
      findCircles([file('a.ts', 'b.ts'), file('b.ts', 'c.ts'), file('c.ts', 'a.ts', 'd.ts'), file('d.ts')]),
    ).to.deep.equal(['packages/core/src/ipam/a.ts: circle of imports: a.ts -> b.ts -> c.ts -> a.ts']);
  });

  it('accepts two ways to one file, and a test that imports what it tests', () => {
    expect(
      findCircles([
        file('a.ts', 'b.ts', 'c.ts'),
        file('b.ts', 'd.ts'),
        file('c.ts', 'd.ts'),
        file('d.ts'),
        file('a.test.ts', 'a.ts'),
      ]),
    ).to.deep.equal([]);
  });
});

describe('findHeaderProblems', () => {
  it('finds a source file without SPDX line', () => {
    expect(findHeaderProblems([{ path: 'a.ts', text: 'x' }])).to.deep.equal(['a.ts:1: no SPDX line']);
  });
});
