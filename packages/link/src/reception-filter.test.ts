// SPDX-License-Identifier: Apache-2.0

import type { MacAddress } from '@berth/core';
import { mac } from '@berth/core/testing';
import { expect } from 'chai';
import { receptionFilter } from './reception-filter.ts';
import { runFilter } from './testing.ts';

const IFINDEX = 70_000;
const HOST = 0;
const BROADCAST = 1;
const MULTICAST = 2;
const OTHER_HOST = 3;

const GROUP = mac('01:00:5e:00:00:fe');
const OTHER_GROUP = mac('01:00:5e:00:00:fd');

function frameTo(mac: MacAddress): Uint8Array {
  return Uint8Array.from([...mac.toBytes(), ...new Uint8Array(54)]);
}

describe('receptionFilter', () => {
  const rows: { name: string; facts: Parameters<typeof runFilter>[2]; to?: MacAddress; keeps: boolean }[] = [
    { name: 'for this host', facts: { packetType: HOST, ifindex: IFINDEX }, keeps: true },
    { name: 'for all', facts: { packetType: BROADCAST, ifindex: IFINDEX }, keeps: true },
    { name: 'for the group', facts: { packetType: MULTICAST, ifindex: IFINDEX }, to: GROUP, keeps: true },
    { name: 'for another group', facts: { packetType: MULTICAST, ifindex: IFINDEX }, to: OTHER_GROUP, keeps: false },
    { name: 'for another host', facts: { packetType: OTHER_HOST, ifindex: IFINDEX }, keeps: false },
    { name: 'sent by this host', facts: { packetType: 4, ifindex: IFINDEX }, keeps: false },
    {
      name: 'of a VLAN device on this interface',
      facts: { packetType: MULTICAST, ifindex: 9 },
      to: GROUP,
      keeps: false,
    },
    { name: 'with a tag of VLAN 10', facts: { packetType: HOST, ifindex: IFINDEX, vlanTag: 10 }, keeps: false },
    { name: 'with a priority tag', facts: { packetType: HOST, ifindex: IFINDEX, vlanTag: 0xa000 }, keeps: true },
  ];
  for (const { name, facts, to = GROUP, keeps } of rows) {
    it(`WT-21: ${keeps ? 'keeps' : 'drops'} a frame ${name}`, () => {
      const filter = receptionFilter({ ifindex: IFINDEX, groups: [GROUP] });
      expect(runFilter(filter, frameTo(to), facts) > 0).to.equal(keeps);
    });
  }

  it('goes before the program of the reader, which decides on what is left', () => {
    const nothing = Uint8Array.from(receptionFilter({ ifindex: IFINDEX }).slice(-8)).fill(0, 4);
    const filter = receptionFilter({ ifindex: IFINDEX, groups: [GROUP] }, nothing);
    expect(runFilter(filter, frameTo(GROUP), { packetType: MULTICAST, ifindex: IFINDEX })).to.equal(0);
  });

  it('WT-03: a tap keeps frames of its protocol alone', () => {
    const filter = receptionFilter({ ifindex: IFINDEX, protocol: 0x0806 });
    for (const [protocol, keeps] of [
      [0x0806, true],
      [0x0800, false],
      [0x86dd, false],
    ] as const) {
      const facts = { packetType: BROADCAST, ifindex: IFINDEX, protocol };
      expect(runFilter(filter, frameTo(GROUP), facts) > 0, String(protocol)).to.equal(keeps);
    }
    expect(runFilter(filter, frameTo(GROUP), { packetType: OTHER_HOST, ifindex: IFINDEX, protocol: 0x0806 })).to.equal(
      0,
    );
  });

  it('keeps every group where none is named', () => {
    const filter = receptionFilter({ ifindex: IFINDEX });
    const facts = { packetType: MULTICAST, ifindex: IFINDEX };
    expect(runFilter(filter, frameTo(OTHER_GROUP), facts)).to.be.greaterThan(0);
  });
});
