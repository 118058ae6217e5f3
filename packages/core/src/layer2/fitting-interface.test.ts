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
