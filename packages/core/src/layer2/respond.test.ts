// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { IpAddress } from '../net/ip-address.ts';
import { MacAddress } from '../net/mac-address.ts';
import { type AnsweringPoint, respondToArp, SILENCE_REASONS, type VipPlace } from './respond.ts';
import { ARP_VECTORS, VECTOR_MAC, VECTOR_VIPS } from './respond.vectors.ts';

function point(fence: 'holds' | 'expired'): AnsweringPoint {
  const mac = MacAddress.parse(VECTOR_MAC);
  if (!mac.ok) throw new Error(mac.reason);
  return { mac: mac.value, fence, placeOf };
}

function placeOf(address: IpAddress): VipPlace {
  if (String(address) === VECTOR_VIPS.here) return 'here';
  return String(address) === VECTOR_VIPS.elsewhere ? 'elsewhere' : 'nowhere';
}

describe('respondToArp', () => {
  for (const { name, frame, fence, expected } of ARP_VECTORS) {
    it(name, () => {
      const decision = respondToArp(frame, point(fence ?? 'holds'));
      expect(decision.ok ? decision.frame : decision.reason).to.deep.equal(expected);
    });
  }

  it('names the VIP of a reply and of a claim', () => {
    for (const wanted of ['AR-02', 'AR-08']) {
      const vector = ARP_VECTORS.find(({ name }) => name.startsWith(wanted));
      const decision = respondToArp(vector?.frame ?? new Uint8Array(), point('holds'));
      expect(String(decision.vip)).to.equal(VECTOR_VIPS.here);
    }
  });

  it('has a vector for every reason', () => {
    const seen = new Set(ARP_VECTORS.map(({ expected }) => expected));
    expect(SILENCE_REASONS.filter((reason) => !seen.has(reason))).to.deep.equal([]);
  });

  it('SE-01: answers no random bytes with anything but a reply for a VIP of ours', () => {
    const question = ARP_VECTORS[0]?.frame ?? new Uint8Array();
    const noise = fc.tuple(fc.nat(42), fc.uint8Array({ maxLength: 80 }), fc.uint8Array({ maxLength: 80 }));
    fc.assert(
      fc.property(noise, ([kept, middle, tail]) => {
        const frame = Uint8Array.from([...question.subarray(0, kept), ...middle.slice(0, 42 - kept), ...tail]);
        const decision = respondToArp(frame, point('holds'));
        if (decision.ok)
          expect(IpAddress.fromBytes(decision.frame.subarray(28, 32))?.toString()).to.equal(VECTOR_VIPS.here);
      }),
      { numRuns: 2000 },
    );
  });
});
