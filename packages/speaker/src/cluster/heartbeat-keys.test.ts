// SPDX-License-Identifier: Apache-2.0
import { createHmac, hkdfSync } from 'node:crypto';
import { expect } from 'chai';
import { HeartbeatKey, HeartbeatKeys } from './heartbeat-keys.ts';

const LONG = 'x'.repeat(32);

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function keysOf(current: string, previous?: string): HeartbeatKeys {
  const made = HeartbeatKeys.of({
    current: bytes(current),
    previous: previous === undefined ? undefined : bytes(previous),
  });
  if (!made.ok) throw new Error(made.problem);
  return made.keys;
}

describe('HeartbeatKey', () => {
  it('has the identifier of the test vector', () => {
    expect(new HeartbeatKey(bytes('berth')).id).to.equal(0x1dfbbaab);
  });

  it('makes the tag that HMAC-SHA-256 with the derived key makes', () => {
    const key = Buffer.from(hkdfSync('sha256', bytes('berth'), 'berth heartbeat v1', '', 32));
    expect(key.toString('hex')).to.equal('ad897a413c0de7e96891c8730cdfb2feba7c4eced45e398a89a8f30b53ebc4df');
    const message = bytes('a frame');
    const expected = createHmac('sha256', key).update(message).digest().subarray(0, 16);
    expect([...new HeartbeatKey(bytes('berth')).tag(message)]).to.deep.equal([...expected]);
  });

  it('SE-04: differs for secrets that differ only after 32 characters', () => {
    const [one, two] = [new HeartbeatKey(bytes(`${LONG}a`)), new HeartbeatKey(bytes(`${LONG}b`))];
    expect(one.id).not.to.equal(two.id);
    expect([...one.tag(bytes('frame'))]).not.to.deep.equal([...two.tag(bytes('frame'))]);
  });
});

describe('HeartbeatKeys', () => {
  const message = bytes('a frame');

  it('accepts the newest and the previous key', () => {
    const [old, both] = [keysOf(`${LONG}old`), keysOf(`${LONG}new`, `${LONG}old`)];
    expect(both.verify(old.newest.id, message, old.newest.tag(message))).to.equal('valid');
    expect(both.verify(both.newest.id, message, both.newest.tag(message))).to.equal('valid');
  });

  it('tells a key that it does not have from a tag that is wrong', () => {
    const [one, other] = [keysOf(`${LONG}1`), keysOf(`${LONG}2`)];
    expect(one.verify(other.newest.id, message, other.newest.tag(message))).to.equal('unknown-key');
    expect(one.verify(one.newest.id, message, other.newest.tag(message))).to.equal('wrong-key');
  });

  it('refuses a secret that is too short, and says which', () => {
    expect(HeartbeatKeys.of({ current: bytes('short') })).to.deep.equal({
      ok: false,
      problem: '"current": found 5 bytes, want 16 or more',
    });
    expect(HeartbeatKeys.of({ current: undefined })).to.deep.equal({
      ok: false,
      problem: '"current": found 0 bytes, want 16 or more',
    });
    expect(HeartbeatKeys.of({ current: bytes(LONG), previous: bytes('x') }).ok).to.equal(false);
  });
});
