// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import type { MacAddress } from '../net/mac-address.ts';
import { mac } from '../net/testing.ts';
import { DEFENCE_TIMING, type DefenceEvent, stepDefence, UNDISTURBED } from './address-defence.ts';

const OWN = mac('00:00:5e:00:53:01');
const MEMBER = mac('00:00:5e:00:53:02');
const STRANGER = mac('00:00:5e:00:53:99');
const OTHER = mac('00:00:5e:00:53:98');

interface Happening {
  readonly atMs: number;
  readonly event: DefenceEvent;
}

/** What is done at what time, in words. */
function run(happenings: readonly Happening[]): string[] {
  const done: string[] = [];
  let state = UNDISTURBED;
  for (const { atMs, event } of happenings) {
    const isOurs = (one: MacAddress) => one.equals(OWN) || one.equals(MEMBER);
    const [next, actions] = stepDefence(state, event, { nowMs: atMs, timing: DEFENCE_TIMING, isOurs });
    for (const action of actions) done.push(`${atMs} ${action.type}${'mac' in action ? ` ${action.mac}` : ''}`);
    state = next;
  }
  return done;
}

function claims(from: MacAddress, timesMs: readonly number[]): Happening[] {
  return timesMs.map((atMs) => ({ atMs, event: { type: 'claim', mac: from } }));
}

describe('stepDefence', () => {
  it('defends once in 10 s and raises one alarm against a stranger that claims each second', () => {
    const everySecond = Array.from({ length: 30 }, (_, index) => index * 1000);
    expect(run(claims(STRANGER, everySecond))).to.deep.equal([
      '0 announce',
      `0 raise-alarm ${STRANGER}`,
      '10000 announce',
      '20000 announce',
    ]);
  });

  it('takes no claim of another member for a conflict', () => {
    expect(run([...claims(MEMBER, [0, 1000]), ...claims(OWN, [2000])])).to.deep.equal([]);
  });

  it('ends the alarm after a minute of silence, and raises it again for the next claim', () => {
    const quiet = (atMs: number): Happening => ({ atMs, event: { type: 'time' } });
    expect(
      run([...claims(STRANGER, [0]), quiet(59_999), quiet(60_000), quiet(70_000), ...claims(STRANGER, [80_000])]),
    ).to.deep.equal([
      '0 announce',
      `0 raise-alarm ${STRANGER}`,
      '60000 end-alarm',
      '80000 announce',
      `80000 raise-alarm ${STRANGER}`,
    ]);
  });

  it('tells of a second stranger, but of many no more than one in 10 s', () => {
    const alternating = Array.from({ length: 20 }, (_, index) =>
      claims(index % 2 === 0 ? STRANGER : OTHER, [index * 500]),
    ).flat();
    expect(run(alternating).filter((line) => line.includes('alarm'))).to.deep.equal([`0 raise-alarm ${STRANGER}`]);
    expect(run([...alternating, ...claims(OTHER, [10_500])]).at(-1)).to.equal(`10500 raise-alarm ${OTHER}`);
  });

  it('has no alarm to end when nobody disturbs', () => {
    expect(run([{ atMs: 1_000_000, event: { type: 'time' } }])).to.deep.equal([]);
  });
});
