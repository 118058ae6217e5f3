// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import { ip } from '../net/testing.ts';
import { isSolicitedNodeGroup, multicastMac, solicitedNodeGroup, solicitedNodeGroups } from './solicited-node.ts';

describe('solicitedNodeGroup', () => {
  for (const { address, group, mac } of [
    { address: '2001:db8:5::7', group: 'ff02::1:ff00:7', mac: '33:33:ff:00:00:07' },
    { address: '2001:db8::ab:cdef', group: 'ff02::1:ffab:cdef', mac: '33:33:ff:ab:cd:ef' },
    { address: 'fe80::ffff:ffff', group: 'ff02::1:ffff:ffff', mac: '33:33:ff:ff:ff:ff' },
  ]) {
    it(`ND-01: of ${address} is ${group}, on Ethernet ${mac}`, () => {
      expect(String(solicitedNodeGroup(ip(address)))).to.equal(group);
      expect(String(multicastMac(solicitedNodeGroup(ip(address))))).to.equal(mac);
    });
  }

  it('ND-01: refuses an IPv4 address', () => {
    expect(() => solicitedNodeGroup(ip('192.0.2.7'))).to.throw('no solicited-node group');
  });
});

describe('multicastMac', () => {
  it('refuses an address that is not a group', () => {
    expect(() => multicastMac(ip('2001:db8::7'))).to.throw('not an IPv6 multicast group');
    expect(() => multicastMac(ip('192.0.2.7'))).to.throw('not an IPv6 multicast group');
  });
});

describe('isSolicitedNodeGroup', () => {
  for (const { address, expected } of [
    { address: 'ff02::1:ff00:0', expected: true },
    { address: 'ff02::1:ffff:ffff', expected: true },
    { address: 'ff02::1', expected: false },
    { address: 'ff02::1:fe00:7', expected: false },
    { address: 'ff05::1:ff00:7', expected: false },
    { address: '2001:db8::1:ff00:7', expected: false },
    { address: '192.0.2.7', expected: false },
  ]) {
    it(`says ${expected} for ${address}`, () => {
      expect(isSolicitedNodeGroup(ip(address))).to.equal(expected);
    });
  }
});

describe('solicitedNodeGroups', () => {
  it('names the group of two addresses with the same low 24 bits once', () => {
    const vips = ['2001:db8:5::7', '2001:db8:6::7', '192.0.2.7', '2001:db8:5::8'].map(ip);
    expect(solicitedNodeGroups(vips).map(String)).to.deep.equal(['ff02::1:ff00:7', 'ff02::1:ff00:8']);
  });
});
