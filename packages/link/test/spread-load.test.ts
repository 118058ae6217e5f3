// SPDX-License-Identifier: Apache-2.0
import { MacAddress } from '@berth/core';
import { SpreadTable } from '@berth/link';
import { expect } from 'chai';
import { spreadEngines } from './support/spread-engines.ts';
import { LOOPBACK } from './support/spread-frames.ts';

spreadEngines('loading the program that spreads', (engine) => {
  it('MV-17: goes on beside the event loop, and gives a table like any other', async () => {
    let turns = 0;
    const count = () => {
      turns++;
      next = setImmediate(count);
    };
    let next = setImmediate(count);
    const table = await SpreadTable.load({ engine });
    clearImmediate(next);
    try {
      // The verifier takes milliseconds, a turn of an idle loop microseconds.
      expect(turns).to.be.above(10);
      table.attach(LOOPBACK, MacAddress.ZERO);
      expect(table.attached).to.deep.equal([LOOPBACK]);
      expect(table.look(LOOPBACK)).to.equal('in-place');
    } finally {
      table.close();
    }
  });
});
