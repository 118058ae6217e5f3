// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { encodeHeartbeat, HEARTBEAT_TAG_BYTES, type Heartbeat } from '../wire/heartbeat.ts';
import { type IntakeOptions, openHeartbeat, type TagCheck } from './intake.ts';
import { heartbeatOf, LoneNode, vipOf } from './testing.ts';

/** A tag that everybody can compute: key 1 makes it of the sum of all bytes. */
function tagOf(signed: Uint8Array): Uint8Array {
  const sum = signed.reduce((total, byte) => (total * 31 + byte) >>> 0, 7);
  const tag = new Uint8Array(HEARTBEAT_TAG_BYTES);
  new DataView(tag.buffer).setUint32(0, sum);
  return tag;
}

const OPTIONS: IntakeOptions = {
  clusterId: heartbeatOf().clusterId,
  verifier: {
    verify(keyId, signed, tag): TagCheck {
      if (keyId !== 1) return 'unknown-key';
      return String(tag) === String(tagOf(signed)) ? 'valid' : 'wrong-key';
    },
  },
};

function sealed(rest: Partial<Heartbeat> = {}): Uint8Array {
  const bytes = encodeHeartbeat(heartbeatOf(rest));
  const signed = bytes.subarray(0, bytes.length - HEARTBEAT_TAG_BYTES);
  bytes.set(tagOf(signed), signed.length);
  return bytes;
}

function reasonOf(bytes: Uint8Array): string | undefined {
  const opened = openHeartbeat(bytes, OPTIONS);
  return opened.ok ? undefined : opened.reason;
}

describe('openHeartbeat', () => {
  it('reads a frame with the right tag', () => {
    expect(openHeartbeat(sealed(), OPTIONS)).to.have.nested.property('heartbeat.node', 'edge-2');
  });

  it('FO-06: drops a frame with a wrong tag, whichever bit is wrong', () => {
    const good = sealed();
    fc.assert(
      fc.property(fc.integer({ min: 24, max: good.length - 1 }), fc.nat(7), (at, bit) => {
        const bad = Uint8Array.from(good);
        bad[at] = (bad[at] ?? 0) ^ (1 << bit);
        expect(reasonOf(bad)).to.equal('wrong-key');
      }),
    );
  });

  it('drops a frame of another cluster', () => {
    expect(reasonOf(sealed({ clusterId: '00000000000000ff' }))).to.equal('other-cluster');
  });

  it('drops a frame with a key that this node does not have', () => {
    expect(reasonOf(sealed({ keyId: 2 }))).to.equal('unknown-key');
  });

  it('drops a frame that is truncated at any length', () => {
    const bytes = sealed();
    for (let length = 0; length < bytes.length; length++)
      expect(reasonOf(bytes.subarray(0, length))).to.equal('truncated');
  });

  it('keeps nothing of ten thousand forged senders, and no owner changes', () => {
    const node = new LoneNode();
    node.want(['edge-1', 'edge-2'], 20);
    node.begin();
    const before = node.state;
    for (let number = 0; number < 10_000; number++) {
      const bytes = sealed({ bootId: number.toString(16).padStart(16, '0'), node: `forged-${number}` });
      bytes[bytes.length - 1] = 1;
      const opened = openHeartbeat(bytes, OPTIONS);
      if (opened.ok) node.give({ type: 'frame', heartbeat: opened.heartbeat });
    }
    expect(node.state).to.equal(before);
    expect(node.owned()).to.deep.equal([String(vipOf(20))]);
  });
});
