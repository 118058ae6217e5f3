// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { isColoured, paint } from './tone.ts';

describe('isColoured', () => {
  const cases: { name: string; isTTY?: boolean; env: NodeJS.ProcessEnv; wanted: boolean }[] = [
    { name: 'a terminal', isTTY: true, env: { TERM: 'xterm' }, wanted: true },
    { name: 'a pipe', isTTY: false, env: { TERM: 'xterm' }, wanted: false },
    { name: 'a file', env: {}, wanted: false },
    { name: 'NO_COLOR', isTTY: true, env: { NO_COLOR: '1' }, wanted: false },
    { name: 'an empty NO_COLOR', isTTY: true, env: { NO_COLOR: '' }, wanted: true },
    { name: 'a terminal that can do nothing', isTTY: true, env: { TERM: 'dumb' }, wanted: false },
  ];
  for (const { name, isTTY, env, wanted } of cases)
    it(`CL-04: ${name}: ${wanted}`, () => {
      expect(isColoured(isTTY === undefined ? {} : { isTTY }, env)).to.equal(wanted);
    });
});

describe('paint', () => {
  it('CL-04: ends the colour before the line does', () => {
    expect(paint('edge-1: cut off\n', 'bad')).to.equal('\u001b[31medge-1: cut off\u001b[0m\n');
  });

  it('leaves text without a tone, and line breaks alone, as they are', () => {
    expect([paint('a\n', undefined), paint('\n', 'bad'), paint('', 'bad')]).to.deep.equal(['a\n', '\n', '']);
  });
});
