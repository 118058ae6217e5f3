// SPDX-License-Identifier: Apache-2.0
import { decodeEthernet, internetChecksum, MacAddress } from '@berth/core';
import { expect } from 'chai';
import { trialFrame, trialSender } from './trial-frame.ts';

function mac(text: string): MacAddress {
  const parsed = MacAddress.parse(text);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value;
}

const [FROM, TO] = [mac('00:00:5e:00:53:01'), mac('00:00:5e:00:53:02')];

describe('trialFrame', () => {
  it('MV-28: is a valid echo reply that no one asked for, from an address that is no node’s, and names its sender', () => {
    const frame = trialFrame(FROM, TO);
    const bytes = [...frame];
    // Ethernet: to, from, IPv4.
    expect(bytes.slice(0, 14)).to.deep.equal([0, 0, 0x5e, 0, 0x53, 2, 0, 0, 0x5e, 0, 0x53, 1, 8, 0]);
    // Version and length, total length of 66, one hop, ICMP.
    expect(bytes.slice(14, 18)).to.deep.equal([0x45, 0, 0, 66]);
    expect(bytes.slice(22, 24)).to.deep.equal([1, 1]);
    expect(bytes.slice(26, 34)).to.deep.equal([198, 51, 100, 1, 224, 0, 0, 1]);
    expect(internetChecksum(frame.subarray(14, 34))).to.equal(0);
    // Echo reply.
    expect(bytes.slice(34, 36)).to.deep.equal([0, 0]);
    expect(internetChecksum(frame.subarray(34))).to.equal(0);
    expect(String(trialSender(frame))).to.equal(String(FROM));
    expect(decodeEthernet(frame)).to.not.equal(undefined);
  });

  it('MV-28: no other frame is taken for one', () => {
    const frame = trialFrame(FROM, TO);
    expect(trialSender(frame.subarray(0, 60))).to.equal(undefined);
    expect(trialSender(frame.map((byte, index) => (index === 50 ? byte ^ 1 : byte)))).to.equal(undefined);
    expect(trialSender(new Uint8Array())).to.equal(undefined);
  });
});
