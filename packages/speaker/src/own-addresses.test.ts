// SPDX-License-Identifier: Apache-2.0
import { PoolCatalog, parsePoolConfig } from '@berth/core';
import { expect } from 'chai';
import { entriesOutside, gatewaysOf, ownAddressConflicts } from './own-addresses.ts';
import { ip, link, mac } from './testing.ts';

// As the kernel prints them, on a machine with the least significant byte first.
const ROUTE = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	010200C0	0003	0	0	100	00000000	0	0	0
eth1	00000000	00000000	0001	0	0	200	00000000	0	0	0
eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
`;
const IPV6_ROUTE = `20010db8000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 20010db8000000000000000000000001 00000400 00000002 00000000 00000003     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
nonsense
`;
const ARP = `IP address       HW type     Flags       HW address            Mask     Device
192.0.2.1        0x1         0x2         00:00:5e:00:53:fe     *        eth0
192.0.2.9        0x1         0x0         00:00:00:00:00:00     *        eth0
`;

describe('gatewaysOf', () => {
  it('are the next hops of the default routes, with their MAC addresses as far as they are known', () => {
    const gateways = gatewaysOf({ route: ROUTE, ipv6Route: IPV6_ROUTE, arp: ARP });
    expect(gateways.map((one) => `${one.address} ${one.interface} ${one.mac}`)).to.deep.equal([
      '192.0.2.1 eth0 00:00:5e:00:53:fe',
      '2001:db8::1 eth0 undefined',
    ]);
  });

  it('are none where nothing can be read', () => {
    expect(gatewaysOf({ route: '', ipv6Route: 'x', arp: '\n' })).to.deep.equal([]);
  });
});

describe('ownAddressConflicts', () => {
  const parsed = parsePoolConfig({
    'pools.yaml':
      '{ apiVersion: berth.dev/v1, kind: IPAddressPool, metadata: { name: lan }, spec: { addresses: [192.0.2.0/28], exclude: [192.0.2.3/32] } }',
  });
  const pools = new PoolCatalog(parsed.ok ? parsed.config : { pools: [], advertisements: [] });

  it('tells addresses of this node and of its gateways that a pool could give', () => {
    const addresses = ['192.0.2.2', '192.0.2.3', '198.51.100.2'].map((text) => {
      return { ifindex: 4, address: ip(text), prefixLength: 24, isTentative: false };
    });
    const gateways = [
      { address: ip('192.0.2.1'), interface: 'eth0', mac: mac(0xfe) },
      { address: ip('198.51.100.1'), interface: 'eth0', mac: undefined },
    ];
    const conflicts = ownAddressConflicts(pools, [link(4, 'eth0', { addresses })], gateways);
    expect(conflicts.map((one) => `${one.vip} ${one.interface} ${one.mac} ${one.kind}`)).to.deep.equal([
      `192.0.2.1 eth0 ${mac(0xfe)} before-use`,
      `192.0.2.2 eth0 ${mac(4)} before-use`,
    ]);
  });
});

describe('entriesOutside', () => {
  it('are those that share no address with a subnet of the interfaces', () => {
    const parsed = parsePoolConfig({
      'pools.yaml':
        '{ apiVersion: berth.dev/v1, kind: IPAddressPool, metadata: { name: lan }, spec: { addresses: [192.0.2.250-192.0.3.5, 192.0.4.0/24, "2001:db8:1::/64", "2001:db8:2::/64"] } }',
    });
    if (!parsed.ok) throw new Error('pools');
    const addresses = [
      { ifindex: 4, address: ip('192.0.2.9'), prefixLength: 24, isTentative: false },
      { ifindex: 4, address: ip('2001:db8:1::9'), prefixLength: 64, isTentative: false },
    ];
    const outside = entriesOutside(parsed.config, [link(4, 'eth0', { addresses })]);
    expect(outside.map(({ pool, entry }) => `${pool} ${entry}`)).to.deep.equal([
      'lan 192.0.4.0/24',
      'lan 2001:db8:2::/64',
    ]);
  });
});
