// SPDX-License-Identifier: Apache-2.0
import { EMPTY_HISTORY, historyEntries, type MarkRecord, withRecords } from '@berth/core';
import { expect } from 'chai';
import { NO_POOLS, nextPoolState, type PoolState, restoredPoolState } from '../pools/pool-source.ts';
import { configurationMarks } from './history-marks.ts';

const LAN = { 'pools.yaml': poolText('192.0.2.240-192.0.2.250') };
const WIDE = { 'pools.yaml': poolText('192.0.2.230-192.0.2.250') };
const BROKEN = { 'pools.yaml': poolText('192.0.2.250-192.0.2.240') };

describe('configurationMarks', () => {
  it('HI-11: marks a refusal with its first problem, and when it is accepted again', () => {
    expect(textsAfter(NO_POOLS, LAN, BROKEN, LAN)).to.deep.equal([
      'the configuration is refused: pools.yaml:1:100: spec.addresses[0]: IPAddressPool lan: found "192.0.2.250-192.0.2.240", wanted the lower address first: 192.0.2.250 is above 192.0.2.240',
      'the configuration is accepted again',
    ]);
  });

  it('marks another configuration that is loaded, and neither the first one nor the same again', () => {
    expect(textsAfter(NO_POOLS, LAN, LAN, WIDE)).to.deep.equal(['the configuration is loaded: 1 pool']);
    expect(textsAfter(restoredPoolState(LAN), LAN)).to.deep.equal([]);
  });

  it('marks a second refusal only where it is another one', () => {
    const other = { 'pools.yaml': poolText('nonsense') };
    expect(textsAfter(NO_POOLS, LAN, BROKEN, BROKEN, other).length).to.equal(2);
  });

  it('ends a refusal that the leader before left behind', () => {
    const left = marksAfter(NO_POOLS, BROKEN);
    const next = marksAfter(restoredPoolState(LAN), LAN);
    const { marks } = withRecords(withRecords(EMPTY_HISTORY, { marks: left }), { marks: next });
    expect(marks.map(({ state }) => state)).to.deep.equal(['began', 'ended']);
  });
});

function marksAfter(first: PoolState, ...configurations: readonly Readonly<Record<string, string>>[]): MarkRecord[] {
  let state = first;
  return configurations.flatMap((data, index) => {
    const next = nextPoolState(state, { data });
    const marks = next === state ? [] : configurationMarks(state, next, index);
    state = next;
    return marks;
  });
}

function textsAfter(...args: Parameters<typeof marksAfter>): string[] {
  const records = withRecords(EMPTY_HISTORY, { marks: marksAfter(...args) });
  return historyEntries(records).map(({ text }) => text);
}

function poolText(addresses: string): string {
  return JSON.stringify({
    ...{ apiVersion: 'berth.dev/v1', kind: 'IPAddressPool', metadata: { name: 'lan' } },
    spec: { addresses: [addresses] },
  });
}
