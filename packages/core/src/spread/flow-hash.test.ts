// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import { ip } from '../net/testing.ts';
import { type Flow, fingerprintOf, rowOf } from './flow-hash.ts';
import { FLOW_HASH_VECTORS, type FlowHashVector } from './flow-hash.vectors.ts';

function flowOf({ source, destination, ...rest }: FlowHashVector): Flow {
  return { ...rest, source: ip(source), destination: ip(destination) };
}

describe('fingerprintOf and rowOf', () => {
  for (const vector of FLOW_HASH_VECTORS)
    it(`EN-01: agrees with the vector of ${vector.name}`, () => {
      const flow = flowOf(vector);
      expect(fingerprintOf(flow, vector.seed)).to.equal(vector.fingerprint);
      expect(rowOf(flow, vector.seed, 'flow', 4096)).to.equal(vector.row.flow);
      expect(rowOf(flow, vector.seed, 'client', 4096)).to.equal(vector.row.client);
    });

  it('EN-01: tells ports and protocols of one client apart, and keeps them in one row by client', () => {
    const [first, second, third] = FLOW_HASH_VECTORS;
    const same = [first, second, third].map((vector) => vector?.row.client);
    expect(new Set(same).size).to.equal(1);
    expect(new Set([first, second, third].map((vector) => vector?.fingerprint)).size).to.equal(3);
  });

  it('EN-01: spreads 40,960 neighbouring ports over 4,096 rows about evenly', () => {
    const [vector] = FLOW_HASH_VECTORS;
    if (!vector) throw new Error('no vector');
    const counts = new Uint16Array(4096);
    for (let port = 0; port < 40_960; port++) {
      const row = rowOf({ ...flowOf(vector), sourcePort: port }, vector.seed, 'flow', 4096);
      counts[row] = (counts[row] ?? 0) + 1;
    }
    // Chi-squared over the mean of 10: its mean is 4,095, its standard deviation 90.
    const chi = counts.reduce((sum, count) => sum + (count - 10) ** 2 / 10, 0);
    expect(chi).to.be.within(3_600, 4_600);
  });
});
