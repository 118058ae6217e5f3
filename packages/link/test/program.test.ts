// SPDX-License-Identifier: Apache-2.0
/**
 * The program for the kernel, run by the kernel on frames of ours, against the decision in TypeScript. Needs root, no
 * interface.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nativeLink } from '@berth/link';
import { expect } from 'chai';
import fc from 'fast-check';
import { ARP_VECTORS } from '../../core/src/layer2/respond.vectors.ts';
import { NDP_VECTORS } from '../../core/src/layer2/respond-ndp.vectors.ts';
import { buildAddon } from '../build.ts';
import {
  type Decision,
  decideInTypeScript,
  type Fence,
  ownMac,
  randomFrames,
  vectorRows,
} from './support/decisions.ts';

const CORPUS = join(import.meta.dirname, '..', 'fuzz', 'corpus');
const FRAME_ROOM = 256;
const SHORTEST_BYTES = 14;
const PASSED_ON = 'passed on uncounted';
/** What the program takes for other traffic before it looks closer. */
const OTHER_TRAFFIC = ['other-ethertype', 'other-destination', 'truncated', 'ip-version', 'next-header', 'icmpv6-type'];

function decideInKernel(frames: readonly Uint8Array[], fence: Fence): Decision[] {
  const slab = new Uint8Array(frames.length * FRAME_ROOM);
  for (const [index, frame] of frames.entries()) slab.set(frame, index * FRAME_ROOM);
  const lengths = Uint32Array.from(frames.map((frame) => frame.length));
  const outcomes = new Int32Array(frames.length);
  const holds = fence === 'holds' ? 1 : 0;
  nativeLink().runProgram(vectorRows(), ownMac().toBytes(), holds, slab, lengths, outcomes);
  const names = nativeLink().outcomeNames();
  return frames.map((_, index) => {
    const length = lengths[index] ?? 0;
    if (length > 0) return slab.slice(index * FRAME_ROOM, index * FRAME_ROOM + length);
    return names[outcomes[index] ?? -1]?.replace(/^ndp-/, '') ?? PASSED_ON;
  });
}

function expectSame(frames: readonly Uint8Array[], fence: Fence): void {
  const fitting = frames.filter((frame) => frame.length >= SHORTEST_BYTES && frame.length <= FRAME_ROOM);
  const decisions = decideInKernel(fitting, fence);
  for (const [index, frame] of fitting.entries()) {
    const wanted = decideInTypeScript(frame, fence);
    const found = decisions[index];
    if (found === PASSED_ON) expect(wanted).to.be.oneOf(OTHER_TRAFFIC);
    else expect(found, Buffer.from(frame).toString('hex')).to.deep.equal(wanted);
  }
}

function obstacle(): string | undefined {
  buildAddon();
  try {
    decideInKernel([], 'holds');
    return undefined;
  } catch (error) {
    return String(error);
  }
}

const reason = obstacle();
const suite = reason === undefined ? describe : describe.skip;

suite(`the program in the kernel${reason === undefined ? '' : ` (cannot be had: ${reason})`}`, () => {
  for (const fence of ['holds', 'expired'] as const) {
    it(`decides on every vector as TypeScript does when the fence ${fence}`, () => {
      expectSame(
        [...ARP_VECTORS, ...NDP_VECTORS].map(({ frame }) => frame),
        fence,
      );
    });

    it(`SE-01: decides on the corpus of the fuzzer as TypeScript does when the fence ${fence}`, () => {
      const inputs = readdirSync(CORPUS).map((name) => Uint8Array.from(readFileSync(join(CORPUS, name)).subarray(1)));
      expectSame(inputs, fence);
    });
  }

  it('SE-01: decides on random frames as TypeScript does', () => {
    expectSame(fc.sample(randomFrames(), 3000), 'holds');
  });

  it('answers at the very length of an answer, however long the question was', () => {
    const [arp] = ARP_VECTORS;
    const padded = new Uint8Array(FRAME_ROOM).fill(0x55);
    padded.set(arp?.frame ?? []);
    expect(decideInKernel([padded], 'holds')[0]).to.have.length(42);
  });
});
