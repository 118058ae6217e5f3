// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { node, service } from '../testing.ts';
import { decodeState, encodeState, type SavedState } from './saved-state.ts';

const OWNER = { node: 'edge-1', namespace: 'berth-system', server: 'ab'.repeat(32) };
const STATE: SavedState = {
  clusterId: '0123456789abcdef',
  services: [service('web', '192.0.2.7')],
  nodes: [node('edge-1')],
  accepted: [{ metadata: { namespace: 'berth-system', name: 'last-good-pools' }, data: { 'pools.yaml': 'ä\n' } }],
  slices: undefined,
};
const TEXT = encodeState(STATE, OWNER);

function problemOf(text: string, owner = OWNER): string {
  const decoded = decodeState(text, owner);
  return decoded.ok ? 'none' : decoded.problem;
}

describe('decodeState', () => {
  it('NN-02: reads back what was written', () => {
    const decoded = decodeState(TEXT, OWNER);
    expect(decoded).to.deep.equal({ ok: true, state: JSON.parse(JSON.stringify(STATE)) });
  });

  it('NN-02: refuses a file that was cut off, at every length', () => {
    for (let length = 0; length < TEXT.length; length += 1)
      expect(problemOf(TEXT.slice(0, length)), String(length)).to.equal('damaged');
  });

  it('NN-02: refuses a body with any character changed', () => {
    const begin = TEXT.indexOf('\n') + 1;
    for (let index = begin; index < TEXT.length - 1; index += 1)
      expect(problemOf(`${TEXT.slice(0, index)}~${TEXT.slice(index + 1)}`), String(index)).to.equal('damaged');
  });

  it('NN-02: refuses what another node, another cluster or another installation wrote', () => {
    for (const other of [{ node: 'edge-2' }, { server: 'cd'.repeat(32) }, { namespace: 'other' }])
      expect(problemOf(TEXT, { ...OWNER, ...other })).to.equal('other-owner');
  });

  it('NN-02: refuses another version', () =>
    expect(problemOf(TEXT.replace('"version":1', '"version":2'))).to.equal('other-version'));

  it('refuses what is no file of ours, and says what it wanted', () => {
    for (const text of ['', '\n', 'null\n{}\n', '[]\n[]\n', '{"kind":"other","version":1}\n{}\n'])
      expect(problemOf(text)).to.equal('damaged');
    const decoded = decodeState(TEXT.replace('"version":1', '"version":7'), OWNER);
    expect(decoded).to.deep.include({ detail: 'version: found 7, want 1' });
  });

  it('refuses a body of another shape, though its checksum fits', () =>
    expect(problemOf(encodeState({ ...STATE, services: [{} as never] }, OWNER))).to.equal('damaged'));
});
