// SPDX-License-Identifier: Apache-2.0
/** The reading of packets in C, against another one in TypeScript. Needs nothing. */
import { expect } from 'chai';
import fc from 'fast-check';
import { buildAddon } from '../build.ts';
import { randomPackets, readPacketInC } from './support/packets-in-c.ts';
import { readPacket } from './support/read-packet.ts';

describe('packets read in C', () => {
  before(() => buildAddon());

  it('SP-09: are read as TypeScript reads them, whatever their bytes', () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(randomPackets(), (bytes) => {
        const wanted = readPacket(bytes);
        kinds.add(wanted?.kind ?? 'other');
        expect(readPacketInC(bytes)).to.deep.equal(wanted);
      }),
      { numRuns: 20_000 },
    );
    expect([...kinds].sort()).to.deep.equal(['error', 'first-fragment', 'flow', 'fragment', 'other']);
  });
});
