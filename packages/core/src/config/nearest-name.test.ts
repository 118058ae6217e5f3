// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { nearestName } from './nearest-name.ts';

describe('nearestName', () => {
  const known = ['addresses', 'autoAssign', 'avoidBuggyIPs', 'quota', 'edge'];
  const rows = [
    { name: 'adresses', nearest: 'addresses' },
    { name: 'autoassign', nearest: 'autoAssign' },
    { name: 'egde', nearest: 'edge' },
    { name: 'avoidBuggyIP', nearest: 'avoidBuggyIPs' },
    { name: 'foo', nearest: undefined },
    { name: 'a'.repeat(100_000), nearest: undefined },
  ];
  for (const { name, nearest } of rows) {
    it(`finds ${nearest} for ${name.slice(0, 20)}`, () => expect(nearestName(name, known)).to.equal(nearest));
  }
});
