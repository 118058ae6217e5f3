// SPDX-License-Identifier: Apache-2.0
/** The decision in C against the one in TypeScript: the same vectors, then random frames, must come to the same end. */
import { type AnsweringPoint, IpAddress, MacAddress, respondToArp, SILENCE_REASONS, type VipPlace } from '@berth/core';
import { encodeVipRows, nativeLink } from '@berth/link';
import { expect } from 'chai';
import fc from 'fast-check';
import { ARP_VECTORS, VECTOR_MAC, VECTOR_VIPS } from '../../core/src/layer2/respond.vectors.ts';
import { buildAddon } from '../build.ts';

const HERE = 0;
const ELSEWHERE = 1;

function ip(text: string): IpAddress {
  const result = IpAddress.parse(text);
  if (!result.ok) throw new Error(result.reason);
  return result.value;
}

function ownMac(): MacAddress {
  const result = MacAddress.parse(VECTOR_MAC);
  if (!result.ok) throw new Error(result.reason);
  return result.value;
}

function placeOf(address: IpAddress): VipPlace {
  if (String(address) === VECTOR_VIPS.here) return 'here';
  return String(address) === VECTOR_VIPS.elsewhere ? 'elsewhere' : 'nowhere';
}

function decideInC(frame: Uint8Array, fence: 'holds' | 'expired'): Uint8Array | string {
  const rows = encodeVipRows([
    { vip: ip(VECTOR_VIPS.here), slots: [HERE] },
    { vip: ip(VECTOR_VIPS.elsewhere), slots: [ELSEWHERE] },
  ]);
  const reply = new Uint8Array(42);
  const outcome = nativeLink().arpDecide(rows, HERE, ownMac().toBytes(), fence === 'holds' ? 1 : 0, frame, reply);
  return outcome === 0 ? reply : (nativeLink().outcomeNames()[outcome] ?? `outcome ${outcome}`);
}

function decideInTypeScript(frame: Uint8Array, fence: 'holds' | 'expired'): Uint8Array | string {
  const at: AnsweringPoint = { mac: ownMac(), fence, placeOf };
  const decision = respondToArp(frame, at);
  return decision.ok ? decision.frame : decision.reason;
}

describe('the decision in C', () => {
  before(() => buildAddon());

  it('counts under the names of core, in their order', () => {
    expect(
      nativeLink()
        .outcomeNames()
        .slice(1, 1 + SILENCE_REASONS.length),
    ).to.deep.equal([...SILENCE_REASONS]);
  });

  for (const { name, frame, fence, expected } of ARP_VECTORS) {
    it(name, () => {
      expect(decideInC(frame, fence ?? 'holds')).to.deep.equal(expected);
    });
  }

  it('SE-01: agrees with TypeScript on random frames', () => {
    const vectors = fc.constantFrom(...ARP_VECTORS.map(({ frame }) => frame));
    const changes = fc.array(fc.tuple(fc.nat(41), fc.nat(255)), { maxLength: 3 });
    const mutated = fc.tuple(vectors, changes, fc.uint8Array({ maxLength: 30 })).map(([frame, bytes, tail]) => {
      const copy = Uint8Array.from([...frame, ...tail]);
      for (const [offset, value] of bytes) if (offset < copy.length) copy[offset] = value;
      return copy;
    });
    const frames = fc.oneof(mutated, fc.uint8Array({ maxLength: 64 }));
    fc.assert(
      fc.property(frames, fc.constantFrom('holds', 'expired'), (frame, fence) => {
        expect(decideInC(frame, fence)).to.deep.equal(decideInTypeScript(frame, fence));
      }),
      { numRuns: 10_000 },
    );
  });
});

describe('the VIP table in C', () => {
  before(() => buildAddon());

  it('finds each of many neighbouring VIPs and nothing else', () => {
    const vips = Array.from({ length: 5000 }, (_, index) => IpAddress.of('IPv4', 0xc6120000n + BigInt(2 * index)));
    const rows = encodeVipRows(vips.map((vip) => ({ vip, slots: [HERE] })));
    const template = ARP_VECTORS[0]?.frame ?? new Uint8Array();
    const reply = new Uint8Array(42);
    for (const index of [0, 1, 2, 777, 4998, 4999]) {
      const frame = Uint8Array.from(template);
      frame.set((vips[index] ?? ip('0.0.0.0')).toBytes(), 38);
      expect(nativeLink().arpDecide(rows, HERE, ownMac().toBytes(), 1, frame, reply)).to.equal(0);
      frame[41] = (frame[41] ?? 0) + 1;
      expect(nativeLink().arpDecide(rows, HERE, ownMac().toBytes(), 1, frame, reply)).to.not.equal(0);
    }
  });
});
