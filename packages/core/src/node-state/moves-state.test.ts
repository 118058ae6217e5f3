// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { BREAK_REASONS, breakText, decodeMovesState, encodeMovesState } from './moves-state.ts';

describe('moves state', () => {
  it('MV-30: comes back as it was, for each reason', () => {
    expect(decodeMovesState(JSON.parse(JSON.stringify(encodeMovesState('kept'))))).to.equal('kept');
    for (const why of BREAK_REASONS) {
      const moves = { why, code: 'EPERM' };
      expect(decodeMovesState(JSON.parse(JSON.stringify(encodeMovesState(moves))))).to.deep.equal(moves);
    }
  });

  it('MV-30: takes a reason that it does not know for unknown, and anything else for nothing said', () => {
    expect(decodeMovesState(['later', ''])).to.deep.equal({ why: 'unknown', code: '' });
    for (const value of [undefined, null, 'kept', 7, {}, [7], ['a', 'b', 'c', 'd', 'e'], ['x'.repeat(65)]])
      expect(decodeMovesState(value), JSON.stringify(value)).to.equal(undefined);
  });

  it('MV-30: says each reason with the name of the node', () => {
    const texts = [...BREAK_REASONS, 'unknown' as const].map((why) => breakText('edge-1', { why, code: '' }));
    for (const text of texts) expect(text).to.include('edge-1');
    expect(new Set(texts).size).to.equal(texts.length);
    expect(breakText('edge-1', { why: 'data-plane', code: 'Cilium' })).to.include('Cilium');
    expect(breakText('edge-1', { why: 'program', code: 'EPERM' })).to.match(/ \(EPERM\)$/);
  });
});
