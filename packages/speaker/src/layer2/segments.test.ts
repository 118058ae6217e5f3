// SPDX-License-Identifier: Apache-2.0

import { ANNOUNCE_EVERYTHING, EMPTY_POOL_CONFIG } from '@berth/core';
import { expect } from 'chai';
import { ip, link } from '../testing.ts';
import { fittingSegments, usedSegments } from './segments.ts';

function names(...links: Parameters<typeof fittingSegments>[0]): string[] {
  return fittingSegments(links, [/^veth/]).map(({ ifname }) => ifname);
}

describe('fittingSegments', () => {
  it('IF-01: takes plain interfaces and masters, not their members, nor excluded names', () => {
    const links = [
      link(1, 'lo', { isLoopback: true }),
      link(2, 'eth0', { masterIndex: 4, masterKind: 'bond' }),
      link(4, 'bond0'),
      link(5, 'eth1', { isUp: false }),
      link(6, 'veth0abc'),
      link(7, 'tun0', { isEthernet: false, mac: undefined }),
      link(8, 'eth2', { isNoArp: true }),
      link(9, 'lan0'),
    ];
    expect(names(...links)).to.deep.equal(['bond0', 'lan0']);
  });

  it('takes a member of a VRF, which is a routing table and no switch', () => {
    expect(names(link(2, 'eth0', { masterIndex: 4, masterKind: 'vrf' }))).to.deep.equal(['eth0']);
  });

  it('waits for a link that is not yet let through (802.1X)', () => {
    expect(names(link(2, 'eth0', { operState: 'dormant' }))).to.deep.equal([]);
    expect(names(link(2, 'eth0', { operState: 'unknown' }))).to.deep.equal(['eth0']);
  });

  it('IF-01: asks for a link-local address that is not tentative with IPv6', () => {
    const address = { ifindex: 2, address: ip('fe80::7'), prefixLength: 64, isTentative: true };
    const familiesOf = (isTentative: boolean) =>
      fittingSegments([link(2, 'eth0', { addresses: [{ ...address, isTentative }] })], []).map(
        ({ families }) => families,
      );
    expect(familiesOf(true)).to.deep.equal([['IPv4']]);
    expect(familiesOf(false)).to.deep.equal([['IPv4', 'IPv6']]);
  });
});

describe('fittingSegments and addresses', () => {
  const withAddresses = (...texts: string[]) =>
    link(2, 'enp0s20f0u8u3', {
      addresses: texts.map((text) => ({ ifindex: 2, address: ip(text), prefixLength: 16, isTentative: false })),
    });

  it('NN-04: leaves out the cable to the board’s controller, whatever its name', () =>
    expect(names(withAddresses('169.254.0.2', 'fe80::2'))).to.deep.equal([]));

  it('NN-04: takes an interface that has an address of its LAN beside, or none at all', () => {
    expect(names(withAddresses('169.254.0.2', '192.0.2.2'))).to.have.lengthOf(1);
    expect(names(withAddresses('169.254.0.2', '2001:db8::2'))).to.have.lengthOf(1);
    expect(names(withAddresses('fe80::2'))).to.have.lengthOf(1);
    expect(names(withAddresses())).to.have.lengthOf(1);
  });
});

describe('usedSegments', () => {
  const fitting = fittingSegments([link(2, 'eth0'), link(3, 'eth1')], []);
  const used = (...interfaces: string[][]) =>
    usedSegments(fitting, {
      ...EMPTY_POOL_CONFIG,
      advertisements: interfaces.map((some) => ({ ...ANNOUNCE_EVERYTHING, interfaces: some })),
    }).map(({ ifname }) => ifname);

  it('NN-05: leaves a card alone that no policy names, so that the other one serves the LAN of both', () =>
    expect(used(['eth1'])).to.deep.equal(['eth1']));

  it('NN-05: takes all that policies name, and all there are where one names none', () => {
    expect(used(['eth1'], ['eth0', 'nosuch0'])).to.deep.equal(['eth0', 'eth1']);
    expect(used(['eth1'], [])).to.deep.equal(['eth0', 'eth1']);
    expect(used()).to.deep.equal(['eth0', 'eth1']);
  });
});
