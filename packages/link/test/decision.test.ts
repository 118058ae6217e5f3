// SPDX-License-Identifier: Apache-2.0
/** The decisions in C against those in TypeScript: the same vectors, then random frames, must come to the same end. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type AnsweringPoint,
  IpAddress,
  MacAddress,
  NDP_SILENCE_REASONS,
  respondToArp,
  respondToNdp,
  SILENCE_REASONS,
  type VipPlace,
} from '@berth/core';
import { encodeVipRows, nativeLink } from '@berth/link';
import { expect } from 'chai';
import fc from 'fast-check';
import { ARP_VECTORS, VECTOR_MAC, VECTOR_VIPS } from '../../core/src/layer2/respond.vectors.ts';
import { NDP_VECTOR_VIPS, NDP_VECTORS } from '../../core/src/layer2/respond-ndp.vectors.ts';
import { buildAddon } from '../build.ts';

const CORPUS = join(import.meta.dirname, '..', 'fuzz', 'corpus');
const HERE = 0;
const ELSEWHERE = 1;
/** Room for the longest reply, in bytes. */
const REPLY_BYTES = 86;
const REPLY_LENGTHS: Readonly<Record<string, number>> = { reply: 42, 'ndp-reply': 86 };

type Fence = 'holds' | 'expired';

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
  const text = String(address);
  if (text === VECTOR_VIPS.here || text === NDP_VECTOR_VIPS.here) return 'here';
  return text === VECTOR_VIPS.elsewhere || text === NDP_VECTOR_VIPS.elsewhere ? 'elsewhere' : 'nowhere';
}

function decideInC(frame: Uint8Array, fence: Fence): Uint8Array | string {
  const rows = encodeVipRows([
    ...[VECTOR_VIPS.here, NDP_VECTOR_VIPS.here].map((vip) => ({ vip: ip(vip), slots: [HERE] })),
    ...[VECTOR_VIPS.elsewhere, NDP_VECTOR_VIPS.elsewhere].map((vip) => ({ vip: ip(vip), slots: [ELSEWHERE] })),
  ]);
  const reply = new Uint8Array(REPLY_BYTES);
  const outcome = nativeLink().decide(rows, HERE, ownMac().toBytes(), fence === 'holds' ? 1 : 0, frame, reply);
  const name = nativeLink().outcomeNames()[outcome] ?? `outcome ${outcome}`;
  const length = REPLY_LENGTHS[name];
  return length === undefined ? name.replace(/^ndp-/, '') : reply.subarray(0, length);
}

function decideInTypeScript(frame: Uint8Array, fence: Fence): Uint8Array | string {
  const at: AnsweringPoint = { mac: ownMac(), fence, placeOf };
  const isIpv6 = frame.length >= 14 && frame[12] === 0x86 && frame[13] === 0xdd;
  const decision = isIpv6 ? respondToNdp(frame, at) : respondToArp(frame, at);
  return decision.ok ? decision.frame : decision.reason;
}

/** Corrects the checksum of what may be a neighbor discovery message, so that chance gets past it. */
function withChecksum(frame: Uint8Array): Uint8Array {
  const message = frame.subarray(54, 54 + ((frame[18] ?? 0) << 8) + (frame[19] ?? 0));
  if (message.length < 4) return frame;
  message.set([0, 0], 2);
  const words = [...frame.subarray(22, 54), ...message, ...(message.length % 2 === 1 ? [0] : [])];
  let sum = message.length + 58;
  for (let index = 0; index < words.length; index += 2) sum += (words[index] ?? 0) * 256 + (words[index + 1] ?? 0);
  const checksum = 0xffff - (sum % 0xffff || 0xffff);
  message.set([checksum >> 8, checksum & 0xff], 2);
  return frame;
}

describe('the decision in C', () => {
  before(() => buildAddon());

  it('counts under the names of core, in their order', () => {
    const names = nativeLink().outcomeNames();
    expect(names.slice(1, 1 + SILENCE_REASONS.length)).to.deep.equal([...SILENCE_REASONS]);
    const ndp = NDP_SILENCE_REASONS.map((reason) => `ndp-${reason}`);
    expect(names.slice(names.indexOf('ndp-reply') + 1)).to.deep.equal(ndp);
  });

  for (const { name, frame, fence, expected } of ARP_VECTORS) {
    it(name, () => {
      expect(decideInC(frame, fence ?? 'holds')).to.deep.equal(expected);
    });
  }

  for (const { name, frame, fence, expected } of NDP_VECTORS) {
    it(`IPv6: ${name}`, () => {
      // By their EtherType these are ARP's to decide.
      if (expected === 'other-ethertype' || expected === 'short-frame') return;
      expect(decideInC(frame, fence ?? 'holds')).to.deep.equal(expected);
    });
  }

  it('SE-01: agrees with TypeScript on every frame that the fuzzer has found', () => {
    const inputs = readdirSync(CORPUS).map((name) => readFileSync(join(CORPUS, name)));
    expect(inputs).to.have.length.above(50);
    for (const [first = 0, ...frame] of inputs) {
      const fence = first % 2 === 1 ? 'holds' : 'expired';
      const bytes = Uint8Array.from(frame);
      expect(decideInC(bytes, fence), Buffer.from(bytes).toString('hex')).to.deep.equal(
        decideInTypeScript(bytes, fence),
      );
    }
  });

  it('SE-01: agrees with TypeScript on random frames', () => {
    const vectors = fc.constantFrom(...ARP_VECTORS.map(({ frame }) => frame), ...NDP_VECTORS.map(({ frame }) => frame));
    const changes = fc.array(fc.tuple(fc.nat(90), fc.nat(255)), { maxLength: 3 });
    const mutated = fc.tuple(vectors, changes, fc.uint8Array({ maxLength: 30 })).map(([frame, bytes, tail]) => {
      const copy = Uint8Array.from([...frame, ...tail]);
      for (const [offset, value] of bytes) if (offset < copy.length) copy[offset] = value;
      return copy;
    });
    const frames = fc.oneof(mutated, mutated.map(withChecksum), fc.uint8Array({ maxLength: 64 }));
    fc.assert(
      fc.property(frames, fc.constantFrom<Fence>('holds', 'expired'), (frame, fence) => {
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
    const reply = new Uint8Array(REPLY_BYTES);
    for (const index of [0, 1, 2, 777, 4998, 4999]) {
      const frame = Uint8Array.from(template);
      frame.set((vips[index] ?? ip('0.0.0.0')).toBytes(), 38);
      expect(nativeLink().decide(rows, HERE, ownMac().toBytes(), 1, frame, reply)).to.equal(0);
      frame[41] = (frame[41] ?? 0) + 1;
      expect(nativeLink().decide(rows, HERE, ownMac().toBytes(), 1, frame, reply)).to.not.equal(0);
    }
  });
});
