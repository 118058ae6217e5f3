// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import fc from 'fast-check';
import { IpAddress } from '../net/ip-address.ts';
import { mac } from '../net/testing.ts';
import { GRATUITOUS_DEFAULTS } from './gratuitous-schedule.ts';
import type { AnsweringPoint, VipPlace } from './respond.ts';
import { VECTOR_MAC } from './respond.vectors.ts';
import { NDP_SILENCE_REASONS, respondToNdp, unsolicitedAdvertisement } from './respond-ndp.ts';
import { NDP_VECTOR_VIPS, NDP_VECTORS } from './respond-ndp.vectors.ts';

const OVERRIDE = 0x20;
const FLAGS_OFFSET = 14 + 40 + 4;

function point(fence: 'holds' | 'expired'): AnsweringPoint {
  return { mac: mac(VECTOR_MAC), fence, placeOf };
}

function placeOf(address: IpAddress): VipPlace {
  if (String(address) === NDP_VECTOR_VIPS.here) return 'here';
  return String(address) === NDP_VECTOR_VIPS.elsewhere ? 'elsewhere' : 'nowhere';
}

describe('respondToNdp', () => {
  for (const { name, frame, fence, expected } of NDP_VECTORS) {
    it(name, () => {
      const decision = respondToNdp(frame, point(fence ?? 'holds'));
      expect(decision.ok ? decision.frame : decision.reason).to.deep.equal(expected);
    });
  }

  it('ND-05: sets Override in every answer', () => {
    const answers = NDP_VECTORS.map(({ frame }) => respondToNdp(frame, point('holds'))).filter(({ ok }) => ok);
    expect(answers).to.have.length.above(5);
    for (const answer of answers) expect(answer.ok && (answer.frame[FLAGS_OFFSET] ?? 0) & OVERRIDE).to.equal(OVERRIDE);
  });

  it('names the VIP of an answer and of a claim', () => {
    for (const wanted of ['ND-04', 'takes a foreign']) {
      const vector = NDP_VECTORS.find(({ name }) => name.startsWith(wanted));
      const decision = respondToNdp(vector?.frame ?? new Uint8Array(), point('holds'));
      expect(String(decision.vip)).to.equal(NDP_VECTOR_VIPS.here);
    }
  });

  it('has a vector for every reason', () => {
    const seen = new Set(NDP_VECTORS.map(({ expected }) => expected));
    expect(NDP_SILENCE_REASONS.filter((reason) => !seen.has(reason))).to.deep.equal([]);
  });

  it('SE-01: answers no random bytes with anything but an advertisement for a VIP of ours', () => {
    const frames = NDP_VECTORS.map(({ frame }) => frame);
    const noise = fc.tuple(fc.constantFrom(...frames), fc.nat(86), fc.uint8Array({ maxLength: 80 }));
    fc.assert(
      fc.property(noise, ([start, kept, tail]) => {
        const frame = Uint8Array.from([...start.subarray(0, kept), ...tail, ...start.subarray(kept + tail.length)]);
        const decision = respondToNdp(frame, point('holds'));
        if (decision.ok)
          expect(String(IpAddress.fromBytes(decision.frame.subarray(62, 78)))).to.equal(NDP_VECTOR_VIPS.here);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('unsolicitedAdvertisement', () => {
  // biome-ignore format: one row per field
  const expected = [
    0x33, 0x33, 0x00, 0x00, 0x00, 0x01,             // destination
    0x00, 0x00, 0x5e, 0x00, 0x53, 0x01,             // source
    0x86, 0xdd,                                     // IPv6
    0x60, 0, 0, 0, 0, 32, 58, 255,                  // version, payload length, next header, hop limit
    0x20, 0x01, 0x0d, 0xb8, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7,
    0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
    136, 0, 0x4a, 0x14, 0x20, 0, 0, 0,              // type, code, checksum, flags: Override alone
    0x20, 0x01, 0x0d, 0xb8, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7,
    2, 1, 0x00, 0x00, 0x5e, 0x00, 0x53, 0x01,       // target link-layer address
  ];

  it('goes to all nodes with Override alone and the target link-layer address', () => {
    const vip = IpAddress.of('IPv6', 0x20010db8_00050000_00000000_00000007n);
    expect([...unsolicitedAdvertisement(vip, mac(VECTOR_MAC))]).to.deep.equal(expected);
  });

  it('is sent three times, at least one second apart, before the slow refresh', () => {
    const gaps = GRATUITOUS_DEFAULTS.burstMs
      .slice(1)
      .map((ms, index) => ms - (GRATUITOUS_DEFAULTS.burstMs[index] ?? 0));
    expect(GRATUITOUS_DEFAULTS.burstMs[0]).to.equal(0);
    expect(gaps).to.have.length(2);
    for (const gap of gaps) expect(gap).to.be.at.least(1000);
  });
});
