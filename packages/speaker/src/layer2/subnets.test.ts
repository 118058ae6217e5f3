// SPDX-License-Identifier: Apache-2.0
import type { LinkState } from '@berth/link';
import { expect } from 'chai';
import { ip, link } from '../testing.ts';
import { isInSubnet, subnetsOf } from './subnets.ts';

type Mask = [text: string, prefixLength: number];

function lan(index: number, name: string, ...addresses: Mask[]): LinkState {
  return link(index, name, {
    addresses: addresses.map(([text, prefixLength]) => ({
      ...{ ifindex: index, prefixLength, isTentative: false },
      address: ip(text),
    })),
  });
}

describe('isInSubnet', () => {
  const links = [
    lan(2, 'lan0', ['203.0.113.9', 26], ['2001:db8:5::9', 64], ['fe80::9', 64]),
    lan(3, 'lan1', ['198.51.100.9', 32], ['203.0.113.10', 24]),
  ];
  const rows = [
    { vip: '203.0.113.63', interfaces: ['lan0'], isIn: true },
    { vip: '203.0.113.64', interfaces: ['lan0'], isIn: false },
    { vip: '203.0.113.64', interfaces: ['lan0', 'lan1'], isIn: true },
    { vip: '198.51.100.8', interfaces: ['lan1'], isIn: false },
    { vip: '2001:db8:5::ffff', interfaces: ['lan0'], isIn: true },
    { vip: '2001:db8:6::1', interfaces: ['lan0'], isIn: false },
    { vip: '203.0.113.63', interfaces: [], isIn: false },
  ];
  for (const { vip, interfaces, isIn } of rows) {
    it(`${vip} is ${isIn ? 'in' : 'outside'} the subnets of ${interfaces.join(' and ') || 'nothing'}`, () => {
      expect(isInSubnet(vip, interfaces, links)).to.equal(isIn);
    });
  }
});

describe('subnetsOf', () => {
  it('DR-13: leaves out link-local subnets and single addresses, and has each subnet once', () => {
    const links = [
      lan(
        2,
        'lan0',
        ...([
          ['203.0.113.9', 26],
          ['203.0.113.10', 26],
          ['198.51.100.9', 32],
          ['169.254.7.7', 16],
        ] satisfies Mask[]),
        ...([
          ['2001:db8:5::9', 56],
          ['fe80::9', 64],
          ['2001:db8:7::1', 128],
        ] satisfies Mask[]),
      ),
      lan(3, 'lan1', ['192.0.2.9', 24]),
    ];
    expect(subnetsOf('lan0', links).map(String)).to.deep.equal(['203.0.113.0/26', '2001:db8:5::/56']);
    expect(subnetsOf('lan2', links)).to.deep.equal([]);
  });
});
