// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { DEFAULT_EXCLUDED_INTERFACES, fitness, type InterfaceFacts } from './fitting-interface.ts';

const LAN: InterfaceFacts = {
  name: 'lan0',
  isUp: true,
  hasCarrier: true,
  isLoopback: false,
  hasBroadcast: true,
  isNoArp: false,
  isEthernet: true,
  hasLinkLocalV6: true,
  isLinkLocalOnly: false,
};

const EXCLUDED = DEFAULT_EXCLUDED_INTERFACES.map((pattern) => new RegExp(pattern));

describe('fitness', () => {
  const table: { name: string; facts: Partial<InterfaceFacts>; reason: string }[] = [
    { name: 'loopback', facts: { name: 'lo', isLoopback: true }, reason: 'loopback' },
    { name: 'a pod’s end of a cable', facts: { name: 'veth0abc' }, reason: 'excluded-by-name' },
    { name: 'a tunnel', facts: { isEthernet: false }, reason: 'not-ethernet' },
    { name: 'a member of a bridge', facts: { masterIndex: 3 }, reason: 'member-of-master' },
    { name: 'an interface that is down', facts: { isUp: false }, reason: 'down' },
    { name: 'a pulled cable', facts: { hasCarrier: false }, reason: 'no-carrier' },
    { name: 'NOARP', facts: { isNoArp: true }, reason: 'no-address-resolution' },
    { name: 'the cable to an iDRAC', facts: { isLinkLocalOnly: true }, reason: 'link-local-only' },
    { name: 'no broadcast', facts: { hasBroadcast: false }, reason: 'no-broadcast' },
  ];
  for (const { name, facts, reason } of table) {
    it(`does not use ${name}`, () => {
      expect(fitness({ ...LAN, ...facts }, 'IPv4', EXCLUDED)).to.deep.equal({ fits: false, reason });
    });
  }

  it('uses a plain interface', () => {
    expect(fitness(LAN, 'IPv4', EXCLUDED)).to.deep.equal({ fits: true });
  });

  it('asks a link-local address for IPv6 only', () => {
    const facts = { ...LAN, hasLinkLocalV6: false, hasBroadcast: false };
    expect(fitness(facts, 'IPv6', EXCLUDED)).to.deep.equal({ fits: false, reason: 'no-link-local-address' });
    expect(fitness({ ...LAN, hasLinkLocalV6: false }, 'IPv4', EXCLUDED)).to.deep.equal({ fits: true });
  });

  it('matches patterns as they are written', () => {
    expect(fitness({ ...LAN, name: 'veth0abc' }, 'IPv4', [/eth/]).fits).to.equal(false);
    expect(fitness({ ...LAN, name: 'veth0abc' }, 'IPv4', [/^(eth1|eth2)$/]).fits).to.equal(true);
  });
});

describe('DEFAULT_EXCLUDED_INTERFACES', () => {
  const isExcluded = (name: string) => EXCLUDED.some((pattern) => pattern.test(name));

  for (const name of [
    ...['lo', 'veth12ab', 'eni0a1b2c3d4e5', 'azv0a1b2c3d4e5', 'cali0123456789a', 'lxc_health', 'vethwe-bridge'],
    ...[
      'cni0',
      'cni-podman0',
      'cbr0',
      'docker0',
      'docker_gwbridge',
      'br-0123456789ab',
      'podman1',
      'flannel.1',
      'flannel-v6.1',
    ],
    ...[
      'cilium_host',
      'cilium_wg0',
      'weave',
      'antrea-gw0',
      'antrea-egress0',
      'ovn0',
      'ovn-k8s-mp0',
      'kube-ipvs0',
      'kube-bridge',
    ],
    ...[
      'nodelocaldns',
      'dummy0',
      'ovs-system',
      'br-int',
      'virbr0',
      'lxdbr0',
      'incusbr0',
      'vmnet8',
      'vboxnet0',
      'vnet3',
      'tap0',
    ],
    ...['tun0', 'tunl0', 'vxlan.calico', 'vxlan_sys_4789', 'genev_sys_6081', 'gretap0', 'erspan0', 'sit0', 'ip6tnl0'],
    ...['wg0', 'wireguard.cali', 'tailscale0', 'ztabcdefgh', 'nebula1', 'nm-office', 'wt0', 'idrac', 'usb0', 'ifb0'],
  ]) {
    it(`NN-04: leaves out ${name}`, () => expect(isExcluded(name)).to.equal(true));
  }

  for (const name of [
    ...[
      'eth0',
      'eno1',
      'enp3s0',
      'enp3s0f0np0',
      'ens192',
      'enx001122334455',
      'enp0s20f0u1',
      'wlan0',
      'wlp2s0',
      'em1',
      'p3p1',
    ],
    ...[
      'bond0',
      'team0',
      'br0',
      'bridge0',
      'vmbr0',
      'br-ex',
      'br-lan',
      'vlan10',
      'eth0.10',
      'bond0.20',
      'lan0',
      'net1',
      'macvlan0',
      'green0',
      'site0',
    ],
  ]) {
    it(`NN-04: takes ${name}`, () => expect(isExcluded(name)).to.equal(false));
  }
});
