// SPDX-License-Identifier: Apache-2.0
import { PoolCatalog, parsePoolConfig } from '@berth/core';
import { expect } from 'chai';
import { ip, link, mac } from '../testing.ts';
import { entriesOutside, gatewaysOf, ownAddressConflicts } from './own-addresses.ts';

describe('gatewaysOf', () => {
  it('are the next hops of the default routes, with their MAC addresses as far as they are known', () => {
    const tables = {
      gateways: [
        { ifindex: 4, ip: ip('192.0.2.1') },
        { ifindex: 5, ip: ip('2001:db8::1') },
      ],
      neighbors: [
        { ifindex: 5, ip: ip('192.0.2.1'), mac: mac(0xfd) },
        { ifindex: 4, ip: ip('192.0.2.1'), mac: mac(0xfe) },
      ],
    };
    const gateways = gatewaysOf(tables, [link(4, 'eth0'), link(5, 'eth1')]);
    expect(gateways.map((one) => `${one.address} ${one.interface} ${one.mac}`)).to.deep.equal([
      '192.0.2.1 eth0 00:00:5e:00:53:fe',
      '2001:db8::1 eth1 undefined',
    ]);
  });
});

describe('ownAddressConflicts', () => {
  const parsed = parsePoolConfig({
    'pools.yaml':
      '{ apiVersion: berth.dev/v1, kind: IPAddressPool, metadata: { name: lan }, spec: { addresses: [192.0.2.0/28], exclude: [192.0.2.3/32] } }',
  });
  const pools = new PoolCatalog(parsed.ok ? parsed.config : { pools: [], advertisements: [] });

  it('CF-15: tells addresses of this node and of its gateways that a pool could give', () => {
    const addresses = ['192.0.2.2', '192.0.2.3', '198.51.100.2'].map((text) => {
      return { ifindex: 4, address: ip(text), prefixLength: 24, isTentative: false };
    });
    const gateways = [
      { address: ip('192.0.2.1'), interface: 'eth0', mac: mac(0xfe) },
      { address: ip('198.51.100.1'), interface: 'eth0', mac: undefined },
    ];
    const conflicts = ownAddressConflicts(pools, [link(4, 'eth0', { addresses })], gateways);
    expect(conflicts.map((one) => `${one.vip} ${one.interface} ${one.mac} ${one.kind} ${one.user}`)).to.deep.equal([
      '192.0.2.0 eth0 00:00:00:00:00:00 before-use subnet',
      `192.0.2.1 eth0 ${mac(0xfe)} before-use gateway`,
      `192.0.2.2 eth0 ${mac(4)} before-use node`,
    ]);
  });

  it('leaves out the interface on which kube-proxy keeps the VIPs themselves, whatever else is excluded', () => {
    const addresses = [{ ifindex: 9, address: ip('192.0.2.2'), prefixLength: 32, isTentative: false }];
    expect(ownAddressConflicts(pools, [link(9, 'kube-ipvs0', { addresses })], [])).to.deep.equal([]);
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
