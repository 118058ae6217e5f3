// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { formatJson } from './output.ts';
import { printable } from './printable.ts';
import { run } from './run.ts';
import { formatTable } from './table.ts';

const CLEAR_SCREEN = '\u001b[2J';

describe('text that others wrote', () => {
  it('HI-18: steers no terminal: neither ESC, nor CSI in one character, nor a carriage return, nor a turn of direction', () => {
    expect(printable(`a${CLEAR_SCREEN}\u009b2J\r\u007f\u202eb\n\tä 中`)).to.equal(
      'a\\u001b[2J\\u009b2J\\u000d\\u007f\\u202eb\n\tä 中',
    );
  });

  it('HI-18: makes no row of its own in a table', () => {
    expect(
      formatTable([
        ['NODE', 'WHAT'],
        ['edge-1', `x\nedge-2  fine${CLEAR_SCREEN}`],
      ]),
    ).to.equal('NODE    WHAT\nedge-1  x edge-2  fine\\u001b[2J\n');
  });

  it('is the same JSON afterwards', () => {
    const value = { text: `${CLEAR_SCREEN}\u009b\u007f\u202e"\\` };
    expect(JSON.parse(printable(formatJson(value)))).to.deep.equal(value);
  });

  it('is made so for whatever a command says', async () => {
    const said: string[] = [];
    const say = (text: string) => said.push(text);
    const environment = { out: say, err: say } as unknown as Parameters<typeof run>[1];
    await run({ kind: 'help', text: CLEAR_SCREEN }, environment);
    await run({ kind: 'usage error', text: CLEAR_SCREEN }, environment);
    expect(said).to.deep.equal(['\\u001b[2J', '\\u001b[2J']);
  });
});
