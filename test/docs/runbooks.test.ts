// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';
import { runbookPaths } from '@berth/core';
import { expect } from 'chai';

describe('the runbooks that problems name', () => {
  for (const path of runbookPaths())
    it(`RM-05: ${path} is there, and says what it means, what to look at and what to do`, () => {
      expect(existsSync(path)).to.equal(true);
      const headings = readFileSync(path, 'utf8').match(/^## .+$/gm) ?? [];
      expect(headings.slice(0, 3)).to.deep.equal(['## What it means', '## What to look at', '## What to do']);
    });
});
