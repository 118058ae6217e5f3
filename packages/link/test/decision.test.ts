// SPDX-License-Identifier: Apache-2.0
/** The decisions in C against those in TypeScript: the same vectors, then random frames, must come to the same end. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { IpAddress, NDP_SILENCE_REASONS, SILENCE_REASONS } from '@berth/core';
import { encodeVipRows, nativeLink } from '@berth/link';
import { expect } from 'chai';
import fc from 'fast-check';
import { ARP_VECTORS } from '../../core/src/layer2/respond.vectors.ts';
import { NDP_VECTORS } from '../../core/src/layer2/respond-ndp.vectors.ts';
import { buildAddon } from '../build.ts';
import { decideInC } from './support/decide-in-c.ts';
import { decideInTypeScript, type Fence, HERE, ip, ownMac, randomFrames } from './support/decisions.ts';

const CORPUS = join(import.meta.dirname, '..', 'fuzz', 'corpus');
/** Room for the longest reply, in bytes. */
const REPLY_BYTES = 86;

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
      expect(decideInC(nativeLink(), frame, fence ?? 'holds')).to.deep.equal(expected);
    });
  }

  for (const { name, frame, fence, expected } of NDP_VECTORS) {
    it(`IPv6: ${name}`, () => {
      // By their EtherType these are ARP's to decide.
      if (expected === 'other-ethertype' || expected === 'short-frame') return;
      expect(decideInC(nativeLink(), frame, fence ?? 'holds')).to.deep.equal(expected);
    });
  }

  it('SE-01: agrees with TypeScript on every frame that the fuzzer has found', () => {
    const inputs = readdirSync(CORPUS).map((name) => readFileSync(join(CORPUS, name)));
    expect(inputs).to.have.length.above(50);
    for (const [first = 0, ...frame] of inputs) {
      const fence = first % 2 === 1 ? 'holds' : 'expired';
      const bytes = Uint8Array.from(frame);
      expect(decideInC(nativeLink(), bytes, fence), Buffer.from(bytes).toString('hex')).to.deep.equal(
        decideInTypeScript(bytes, fence),
      );
    }
  });

  it('SE-01: agrees with TypeScript on random frames', () => {
    fc.assert(
      fc.property(randomFrames(), fc.constantFrom<Fence>('holds', 'expired'), (frame, fence) => {
        expect(decideInC(nativeLink(), frame, fence)).to.deep.equal(decideInTypeScript(frame, fence));
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
