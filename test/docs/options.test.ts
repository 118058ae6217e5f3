// SPDX-License-Identifier: Apache-2.0

// docs/reference/options.md lists the options that the daemons really have, with their variables and defaults, and no
// other.

import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import * as controller from '../../packages/controller/src/config.ts';
import * as speaker from '../../packages/speaker/src/config.ts';
import { section } from './markdown.ts';

const PAGE = 'docs/reference/options.md';
const markdown = readFileSync(PAGE, 'utf8');

interface Row {
  readonly option: string;
  readonly variable: string;
  /** Empty: told in words. */
  readonly initial: string;
}

function rowsOf(heading: string): Row[] {
  const rows = section(markdown, heading).matchAll(/^\| `--([\w-]+)` \| `(\w+)` \| (?:`([^`]+)` )?\|/gm);
  return [...rows].map(([, option = '', variable = '', initial = '']) => ({ option, variable, initial }));
}

describe(PAGE, () => {
  for (const { name, heading, daemon, given } of [
    { name: 'controller', heading: 'Of the controller', daemon: controller, given: { POD_NAME: 'controller-0' } },
    { name: 'speaker', heading: 'Of the speaker', daemon: speaker, given: { NODE_NAME: 'edge-1' } },
  ]) {
    const rows = [...rowsOf('Of both'), ...rowsOf(heading)];

    it(`lists every option of the ${name} with its variable`, () => {
      const listed = Object.fromEntries(rows.map(({ option, variable }) => [option, variable]));
      expect(listed).to.deep.equal(daemon.ENVIRONMENT);
    });

    it(`tells the defaults of the ${name}`, () => {
      const argv = rows.filter(({ initial }) => initial !== '').map(({ option, initial }) => `--${option}=${initial}`);
      expect(daemon.readConfig(argv, given)).to.deep.equal(daemon.readConfig([], given));
    });
  }
});
