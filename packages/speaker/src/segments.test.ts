// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { fittingSegments } from './segments.ts';
import { ip, link } from './testing.ts';

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
