// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { HOST_IS_LITTLE_ENDIAN } from './linux.ts';
import { decodeNeighborMessages, encodeNeighborDump, type NeighborMessage } from './neighbor-messages.ts';

// biome-ignore format: rows are fields in the order of the messages
const ROWS = {
  // Length 40; RTM_NEWNEIGH; family 2, interface 3, state reachable (2); destination; MAC address.
  reachable: ['30000000 1c00 0200 00000000 00000000', '02000000 03000000 0200 00 01', '0800 0100 cb007109', '0a00 0200 00005e0053090000'],
  incomplete: ['1c000000 1c00 0200 00000000 00000000', '02000000 03000000 0100 00 01'],
  // RTM_NEWROUTE; family 2, destination of 0 bits, type unicast (1); out of interface 3; gateway.
  default: ['2c000000 1800 0200 00000000 00000000', '02 00 00 00 fe 03 00 01 00000000', '0800 0400 03000000', '0800 0500 cb007101'],
  subnet: ['24000000 1800 0200 00000000 00000000', '02 18 00 00 fe 02 fd 01 00000000', '0800 0400 03000000'],
  // Two next hops, of 16 bytes each.
  multipath: ['40000000 1800 0200 00000000 00000000', '02 00 00 00 fe 03 00 01 00000000', '2400 0900',
    '1000 00 00 03000000 0800 0500 cb007101', '1000 00 00 04000000 0800 0500 cb007102'],
  done: ['14000000 0300 0200 00000000 00000000', '00000000'],
  error: ['14000000 0200 0000 00000000 00000000', 'ffffffff'],
} as const;

function bytesOf(name: keyof typeof ROWS): Uint8Array {
  return Uint8Array.from(Buffer.from(ROWS[name].join('').replaceAll(' ', ''), 'hex'));
}

function textOf(message: NeighborMessage): string {
  switch (message.type) {
    case 'neighbor':
      return `${message.neighbor.ip} is ${message.neighbor.mac} on ${message.neighbor.ifindex}`;
    case 'gateway':
      return `by ${message.gateway.ip} on ${message.gateway.ifindex}`;
    case 'error':
      return `error ${message.errno}`;
    default:
      return message.type;
  }
}

describe('decodeNeighborMessages', () => {
  before(function () {
    // The rows are of a little-endian machine.
    if (!HOST_IS_LITTLE_ENDIAN) this.skip();
  });

  const cases: { name: keyof typeof ROWS; expected: string[] }[] = [
    { name: 'reachable', expected: ['203.0.113.9 is 00:00:5e:00:53:09 on 3'] },
    { name: 'incomplete', expected: [] },
    { name: 'default', expected: ['by 203.0.113.1 on 3'] },
    { name: 'subnet', expected: [] },
    { name: 'multipath', expected: ['by 203.0.113.1 on 3', 'by 203.0.113.2 on 4'] },
    { name: 'done', expected: ['done'] },
    { name: 'error', expected: ['error 1'] },
  ];
  for (const { name, expected } of cases) {
    it(`reads: ${name}`, () => {
      expect(decodeNeighborMessages(bytesOf(name)).map(textOf)).to.deep.equal(expected);
    });
  }

  it('reads no message that is cut, at any length', () => {
    for (const name of Object.keys(ROWS) as (keyof typeof ROWS)[])
      for (let length = 0; length < bytesOf(name).length; length++)
        expect(decodeNeighborMessages(bytesOf(name).subarray(0, length))).to.deep.equal([]);
  });

  it('asks with the sizes that the kernel wants', () => {
    expect(encodeNeighborDump('neighbors').length).to.equal(28);
    expect(encodeNeighborDump('routes').length).to.equal(28);
  });
});
