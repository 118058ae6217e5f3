// SPDX-License-Identifier: Apache-2.0

// `npm run reference`: writes the parts of docs/reference/cli.md that are made from the definitions of the commands.

import { readFile, writeFile } from 'node:fs/promises';
import { referencePage } from '@berth/cli';

const PAGE = 'docs/reference/cli.md';

await writeFile(PAGE, referencePage(await readFile(PAGE, 'utf8')));
