// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { referencePage } from './reference.ts';

const page = readFileSync(new URL('../../../docs/reference/cli.md', import.meta.url), 'utf8');

describe('docs/reference/cli.md', () => {
  it('CL-08: says what --help says; npm run reference writes it anew', () => {
    expect(page).to.equal(referencePage(page));
  });

  it('CL-08: has each command with its options, and no hidden one', () => {
    expect(page).to.include('### move VIP NODE\n').and.include('### pool release ADDRESS\n');
    expect(page).to.match(/`-o, --output text\\\|wide\\\|json\\\|yaml`/);
    expect(page).to.not.include('### __');
  });
});
