// SPDX-License-Identifier: Apache-2.0

import {
  ARP_OPERATION,
  arpFrame,
  gratuitousArp,
  IpAddress,
  MacAddress,
  NDP_TYPE,
  ndpFrame,
  probeFrame,
  solicitedNodeGroup,
  unsolicitedAdvertisement,
} from '@berth/core';
import { ip } from '@berth/core/testing';
import { expect } from 'chai';
import { claimFilter, MAX_FILTERED_ADDRESSES } from './claim-filter.ts';
import { HOST_IS_LITTLE_ENDIAN } from './linux.ts';

const MAC = MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, 1)) ?? MacAddress.ZERO;
const [FOUR, OTHER_FOUR, CLIENT] = [ip('192.0.2.20'), ip('192.0.2.21'), ip('192.0.2.99')];
const [SIX, OTHER_SIX, HOST] = [ip('2001:db8::20'), ip('2001:db8::21'), ip('2001:db8::99')];

/** Runs the program as the kernel does: a load behind the end of the frame drops it. */
function passes(program: Uint8Array, frame: Uint8Array): boolean {
  const view = new DataView(program.buffer, program.byteOffset, program.length);
  const data = new DataView(frame.buffer, frame.byteOffset, frame.length);
  let value = 0;
  for (let at = 0; at < program.length; at += 8) {
    const code = view.getUint16(at, HOST_IS_LITTLE_ENDIAN);
    const constant = view.getUint32(at + 4, HOST_IS_LITTLE_ENDIAN);
    if (code === 0x06) return constant > 0;
    if (code === 0x15) at += 8 * view.getUint8(value === constant ? at + 2 : at + 3);
    else if (constant + (code === 0x20 ? 4 : 1) > frame.length) return false;
    else value = code === 0x20 ? data.getUint32(constant) : data.getUint8(constant);
  }
  throw new Error('the program has no end');
}

function question(target: IpAddress, sender: IpAddress): Uint8Array {
  const addresses = { senderProtocolAddr: sender, targetProtocolAddr: target };
  const packet = { operation: ARP_OPERATION.REQUEST, senderHardwareAddr: MAC, targetHardwareAddr: MacAddress.ZERO };
  return arpFrame({ ...packet, ...addresses }, MacAddress.BROADCAST);
}

function solicitation(target: IpAddress, source: IpAddress): Uint8Array {
  const message = { type: NDP_TYPE.NEIGHBOR_SOLICITATION, targetAddress: target };
  return ndpFrame({ source, destination: solicitedNodeGroup(target), message }, MAC, MacAddress.BROADCAST);
}

function addresses(family: IpAddress['family'], count: number): IpAddress[] {
  return Array.from({ length: count }, (_, low) => IpAddress.of(family, 0x0a00_0000n + BigInt(low)));
}

describe('claimFilter', () => {
  const arp = claimFilter('IPv4', [FOUR, OTHER_FOUR]);
  const ndp = claimFilter('IPv6', [SIX, OTHER_SIX]);

  for (const { name, program, frame, wanted } of [
    { name: 'an announcement of an address', program: arp, frame: gratuitousArp('request', FOUR, MAC), wanted: true },
    { name: 'an answer from the second', program: arp, frame: gratuitousArp('reply', OTHER_FOUR, MAC), wanted: true },
    { name: 'a question by its holder', program: arp, frame: question(CLIENT, FOUR), wanted: true },
    { name: 'a probe for it', program: arp, frame: probeFrame(OTHER_FOUR, MAC), wanted: true },
    { name: 'a question about it', program: arp, frame: question(FOUR, CLIENT), wanted: false },
    { name: 'an announcement of another', program: arp, frame: gratuitousArp('request', CLIENT, MAC), wanted: false },
    { name: 'a probe for another', program: arp, frame: probeFrame(CLIENT, MAC), wanted: false },
    { name: 'an advertisement', program: ndp, frame: unsolicitedAdvertisement(SIX, MAC), wanted: true },
    { name: 'duplicate detection for the second', program: ndp, frame: probeFrame(OTHER_SIX, MAC), wanted: true },
    { name: 'a solicitation by its holder', program: ndp, frame: solicitation(HOST, SIX), wanted: true },
    { name: 'a solicitation for it', program: ndp, frame: solicitation(SIX, HOST), wanted: false },
    { name: 'an advertisement of another', program: ndp, frame: unsolicitedAdvertisement(HOST, MAC), wanted: false },
    { name: 'other IPv6', program: ndp, frame: new Uint8Array(90), wanted: false },
    { name: 'a truncated frame', program: arp, frame: probeFrame(FOUR, MAC).subarray(0, 20), wanted: false },
  ])
    it(`${wanted ? 'lets through' : 'drops'} ${name}`, () => {
      expect(passes(program, frame)).to.equal(wanted);
    });

  it('lets nothing through for no address, and everything for too many', () => {
    expect(passes(claimFilter('IPv4', []), gratuitousArp('request', FOUR, MAC))).to.equal(false);
    const tooMany = addresses('IPv4', MAX_FILTERED_ADDRESSES + 1);
    expect(passes(claimFilter('IPv4', tooMany), gratuitousArp('request', FOUR, MAC))).to.equal(true);
  });

  for (const family of ['IPv4', 'IPv6'] as const)
    it(`finds each of as many addresses as it takes (${family})`, () => {
      const many = addresses(family, MAX_FILTERED_ADDRESSES);
      const program = claimFilter(family, many);
      for (const address of many) expect(passes(program, probeFrame(address, MAC)), String(address)).to.equal(true);
    });
});
