// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { decodeRouteMessages, encodeDump } from './rtnetlink.ts';

function bytes(...rows: string[]): Uint8Array {
  return Uint8Array.from(Buffer.from(rows.join('').replaceAll(' ', ''), 'hex'));
}

// Messages as a little-endian kernel sends them, some attributes left out.
const LINK = bytes(
  '54000000 1000 0000 00000000 00000000', // length 84, RTM_NEWLINK
  '00 00 0100 04000000 43100100 00000000', // ARPHRD_ETHER, index 4, UP BROADCAST RUNNING MULTICAST LOWER_UP
  '0900 0300 65746830 00 000000', // IFLA_IFNAME "eth0"
  '0a00 0100 02005e005301 0000', // IFLA_ADDRESS
  '0500 1000 06 000000', // IFLA_OPERSTATE up
  '0800 0a00 07000000', // IFLA_MASTER 7
  '0c00 1280 0800 0100 6272 6400', // IFLA_LINKINFO (nested) with IFLA_INFO_KIND "brd"
);

const ADDRESS = bytes(
  '28000000 1400 0000 00000000 00000000', // length 40, RTM_NEWADDR
  '02 18 00 00 04000000', // AF_INET, /24, index 4
  '0800 0200 cb007101', // IFA_LOCAL 203.0.113.1
  '0800 0800 80000000', // IFA_FLAGS permanent
);

const TENTATIVE = bytes(
  '34000000 1400 0000 00000000 00000000',
  '0a 40 40 fd 04000000', // AF_INET6, /64
  '1400 0100 fe80000000000000 0000000000000007', // IFA_ADDRESS
  '0800 0800 40000000', // IFA_FLAGS tentative
);

const DONE = bytes('14000000 0300 0200 00000000 00000000 00000000');
const ERROR = bytes('14000000 0200 0000 00000000 00000000 ffffffff');

describe('decodeRouteMessages', () => {
  it('reads an interface', () => {
    const [message] = decodeRouteMessages(LINK);
    if (message?.type !== 'link') throw new Error('no link');
    expect({ ...message.link, mac: String(message.link.mac) }).to.deep.equal({
      index: 4,
      name: 'eth0',
      mac: '02:00:5e:00:53:01',
      isEthernet: true,
      isUp: true,
      hasCarrier: true,
      isLoopback: false,
      hasBroadcast: true,
      isNoArp: false,
      operState: 'up',
      masterIndex: 7,
      masterKind: undefined,
      kind: 'brd',
    });
  });

  it('reads the removal of an interface', () => {
    const gone = Uint8Array.from(LINK);
    gone[4] = 17;
    expect(decodeRouteMessages(gone).map((message) => message.type)).to.deep.equal(['link-gone']);
  });

  it('reads addresses and whether duplicate detection goes on', () => {
    const messages = decodeRouteMessages(Uint8Array.from([...ADDRESS, ...TENTATIVE]));
    const rows = messages.map((message) => {
      if (message.type !== 'address') throw new Error('no address');
      return `${message.address.address}/${message.address.prefixLength} ${message.address.isTentative}`;
    });
    expect(rows).to.deep.equal(['203.0.113.1/24 false', 'fe80::7/64 true']);
  });

  it('reads the end of a dump and an error', () => {
    expect(decodeRouteMessages(Uint8Array.from([...DONE, ...ERROR]))).to.deep.equal([
      { type: 'done' },
      { type: 'error', errno: 1 },
    ]);
  });

  it('leaves out other messages', () => {
    const neighbor = Uint8Array.from(ADDRESS);
    neighbor[4] = 28;
    expect(decodeRouteMessages(neighbor)).to.deep.equal([]);
  });

  it('stops at a message that is cut', () => {
    for (let length = 0; length < LINK.length; length++)
      expect(decodeRouteMessages(LINK.subarray(0, length))).to.deep.equal([]);
  });

  it('never throws, and always ends', () => {
    const start = fc.constantFrom(LINK, ADDRESS, TENTATIVE, new Uint8Array());
    const changes = fc.array(fc.tuple(fc.nat(83), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(start, changes, fc.uint8Array({ maxLength: 80 }), (message, edits, tail) => {
        const datagram = Uint8Array.from([...message, ...tail]);
        for (const [offset, value] of edits) if (offset < datagram.length) datagram[offset] = value;
        decodeRouteMessages(datagram);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('encodeDump', () => {
  it('asks for all interfaces', () => {
    expect([...encodeDump('links', 0).subarray(0, 8)]).to.deep.equal([32, 0, 0, 0, 18, 0, 1, 3]);
  });
});
