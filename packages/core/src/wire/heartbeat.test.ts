// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import fc from 'fast-check';
import { IpAddress } from '../net/ip-address.ts';
import { ip, mac } from '../net/testing.ts';
import {
  decodeHeartbeat,
  decodeSealed,
  encodeHeartbeat,
  HEARTBEAT_MAX_BYTES,
  HEARTBEAT_OFFSET,
  HEARTBEAT_TAG_BYTES,
  type Heartbeat,
} from './heartbeat.ts';
import type { WireClaim } from './heartbeat-section.ts';

const PLAIN: Heartbeat = {
  clusterId: '0123456789abcdef',
  keyId: 0x11223344,
  newestKeyId: 0x55667788,
  bootId: 'fedcba9876543210',
  counter: 0x010203040506,
  port: 3,
  mac: mac('00:00:5e:00:53:01'),
  phase: 'active',
  fitness: 'fit',
  isCutOff: false,
  isUnsteady: false,
  keepsConnections: false,
  intervalMs: 25,
  deadAfterMs: 200,
  claimsVersion: 7,
  viewVersion: 9,
  claimCount: 2,
  node: 'edge-1',
};

const FULL: Heartbeat = {
  ...PLAIN,
  claims: {
    version: 7,
    index: 0,
    total: 1,
    entries: [
      { vip: ip('203.0.113.20'), term: 5, yieldsTo: 5 },
      { vip: ip('2001:db8:5::7'), term: 1, yieldsTo: 1 },
    ],
  },
  view: { version: 9, index: 1, total: 2, entries: ['00000000000000aa'] },
  wants: ['00000000000000bb'],
  suspects: [{ bootId: '00000000000000cc', counter: 6 }],
  vouches: [{ bootId: '00000000000000dd', counter: 6, ageMs: 12 }],
  offers: [{ to: '00000000000000ee', vip: ip('203.0.113.20'), term: 5 }],
};

// biome-ignore format: rows are fields in the order of the header
const HEADER = row(
  '42 52 54 48', '01', '03', '00 da',
  '01 23 45 67 89 ab cd ef', '11 22 33 44', '55 66 77 88',
  'fe dc ba 98 76 54 32 10', '01 02 03 04 05 06', '00 03', '00 00 5e 00 53 01',
  '02', '00', '00 19', '00 c8', '00 00 00 07', '00 00 00 09', '00 02',
  '06', '65 64 67 65 2d 31',
);

// biome-ignore format: a row is a section
const SECTIONS = row(
  '01 00 00 26', '00 00 00 07', '00 00 00 01', '04 cb 00 71 14 00 00 00 05', '06 20 01 0d b8 00 05 00 00 00 00 00 00 00 00 00 07 00 00 00 01',
  '02 00 00 10', '00 00 00 09', '00 01 00 02', '00 00 00 00 00 00 00 aa',
  '03 00 00 08', '00 00 00 00 00 00 00 bb',
  '04 00 00 0e', '00 00 00 00 00 00 00 cc', '00 00 00 00 00 06',
  '05 00 00 10', '00 00 00 00 00 00 00 dd', '00 00 00 00 00 06', '00 0c',
  '06 00 00 11', '00 00 00 00 00 00 00 ee', '04 cb 00 71 14 00 00 00 05',
);

const TAG = row('00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00');

function row(...texts: string[]): Uint8Array {
  const bytes = texts.join(' ').split(/\s+/);
  return Uint8Array.from(bytes, (text) => Number.parseInt(text, 16));
}

function joined(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function patched(at: number, ...bytes: number[]): Uint8Array {
  const frame = encodeHeartbeat(FULL);
  frame.set(bytes, at);
  return frame;
}

/** The reason for which a frame is dropped, whichever of the two stages drops it. */
function reasonOf(bytes: Uint8Array): string | undefined {
  const sealed = decodeSealed(bytes);
  if (!sealed.ok) return sealed.reason;
  const read = decodeHeartbeat(sealed.sealed.signed);
  return read.ok ? undefined : read.reason;
}

describe('encodeHeartbeat', () => {
  it('tells in the flags that the sender is unfit, and ignores all other flags', () => {
    const unfit = encodeHeartbeat({ ...PLAIN, fitness: 'unfit' });
    expect(unfit[HEARTBEAT_OFFSET.FLAGS]).to.equal(1);
    const read = decodeHeartbeat(unfit.subarray(0, -16));
    expect(read.ok && read.heartbeat.fitness).to.equal('unfit');
    const later = decodeHeartbeat(patched(HEARTBEAT_OFFSET.FLAGS, 0xfe).subarray(0, -16));
    expect(later.ok && later.heartbeat.fitness).to.equal('fit');
  });

  it('lays a frame out as the specification says', () => {
    const bytes = encodeHeartbeat(FULL);
    expect([...bytes]).to.deep.equal([...joined(HEADER, SECTIONS, TAG)]);
  });

  it('leaves room for the tag at the end', () => {
    const plain = encodeHeartbeat(PLAIN);
    expect(plain.length).to.equal(HEARTBEAT_OFFSET.NODE + PLAIN.node.length + HEARTBEAT_TAG_BYTES);
  });

  it('refuses what does not fit, which only a bug can cause', () => {
    const entries = Array.from({ length: 200 }, () => '00000000000000aa');
    expect(() => encodeHeartbeat({ ...PLAIN, wants: entries })).to.throw(RangeError, /^core: no room/);
  });
});

describe('decodeHeartbeat', () => {
  it('reads back what was written', () => {
    const sealed = decodeSealed(encodeHeartbeat(FULL));
    if (!sealed.ok) throw new Error(sealed.reason);
    expect(sealed.sealed.keyId).to.equal(FULL.keyId);
    expect(sealed.sealed.clusterId).to.equal(FULL.clusterId);
    expect(decodeHeartbeat(sealed.sealed.signed)).to.deep.equal({ ok: true, heartbeat: FULL });
  });

  it('ignores padding behind the length that is stated', () => {
    expect(reasonOf(joined(encodeHeartbeat(FULL), new Uint8Array(30)))).to.equal(undefined);
  });

  it('drops a frame that is truncated at any length', () => {
    const bytes = encodeHeartbeat(FULL);
    for (let length = 0; length < bytes.length; length++)
      expect(reasonOf(bytes.subarray(0, length)), `${length} bytes`).to.equal('truncated');
  });

  it('skips a section of a newer minor version', () => {
    const newer = row('7f 00 00 02 ab cd');
    const bytes = joined(HEADER, newer, TAG);
    bytes.set([0, bytes.length], HEARTBEAT_OFFSET.LENGTH);
    bytes[HEARTBEAT_OFFSET.MINOR] = 9;
    expect(reasonOf(bytes)).to.equal(undefined);
  });

  const claims = HEADER.length;
  const view = claims + 4 + 38;
  const refused: { name: string; bytes: Uint8Array; reason: string }[] = [
    { name: 'another protocol', bytes: patched(0, 0x41), reason: 'magic' },
    { name: 'another major version', bytes: patched(HEARTBEAT_OFFSET.MAJOR, 2), reason: 'version' },
    {
      name: 'a length below that of any frame',
      bytes: patched(HEARTBEAT_OFFSET.LENGTH, 0, 79),
      reason: 'lying-length',
    },
    { name: 'a length above the bytes', bytes: patched(HEARTBEAT_OFFSET.LENGTH, 0x00, 0xdb), reason: 'truncated' },
    {
      name: 'a length above the largest frame',
      bytes: (() => {
        const long = new Uint8Array(2000);
        long.set(patched(HEARTBEAT_OFFSET.LENGTH, 0x05, 0x01));
        return long;
      })(),
      reason: 'lying-length',
    },
    {
      name: 'a name that leads out of the frame',
      bytes: patched(HEARTBEAT_OFFSET.NODE_LENGTH, 255),
      reason: 'lying-length',
    },
    { name: 'no name', bytes: patched(HEARTBEAT_OFFSET.NODE_LENGTH, 0), reason: 'malformed' },
    { name: 'a name that no node can have', bytes: patched(HEARTBEAT_OFFSET.NODE, 0x45), reason: 'malformed' },
    { name: 'phase 0', bytes: patched(HEARTBEAT_OFFSET.PHASE, 0), reason: 'malformed' },
    { name: 'phase 5', bytes: patched(HEARTBEAT_OFFSET.PHASE, 5), reason: 'malformed' },
    { name: 'an interval of zero', bytes: patched(HEARTBEAT_OFFSET.INTERVAL, 0, 0), reason: 'malformed' },
    {
      name: 'death before the next heartbeat',
      bytes: patched(HEARTBEAT_OFFSET.DEAD_AFTER, 0, 24),
      reason: 'malformed',
    },
    { name: 'counter zero', bytes: patched(HEARTBEAT_OFFSET.COUNTER, 0, 0, 0, 0, 0, 0), reason: 'malformed' },
    { name: 'port zero', bytes: patched(HEARTBEAT_OFFSET.PORT, 0, 0), reason: 'malformed' },
    { name: 'a group as sender', bytes: patched(HEARTBEAT_OFFSET.MAC, 0x01), reason: 'malformed' },
    { name: 'a section that leads out of the frame', bytes: patched(claims + 2, 0x7f, 0xff), reason: 'lying-length' },
    { name: 'a section that cuts an entry in two', bytes: patched(claims + 2, 0, 0x25), reason: 'lying-length' },
    { name: 'a family that does not exist', bytes: patched(claims + 12, 5), reason: 'malformed' },
    { name: 'term zero', bytes: patched(claims + 17, 0, 0, 0, 0), reason: 'malformed' },
    { name: 'part 2 of 2', bytes: patched(view + 8, 0, 2), reason: 'malformed' },
    { name: 'part 0 of 0', bytes: patched(view + 8, 0, 0, 0, 0), reason: 'malformed' },
    { name: 'two lists of claims', bytes: patched(view, 1), reason: 'malformed' },
  ];
  for (const { name, bytes, reason } of refused) {
    it(`drops ${name}`, () => {
      expect(reasonOf(bytes)).to.equal(reason);
    });
  }

  it('SE-01: reads random bytes without a crash', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(reasonOf(bytes)).to.be.oneOf(['truncated', 'magic', 'version', 'lying-length', 'malformed']);
      }),
    );
  });

  it('SE-01: reads random bytes behind a good header without a crash, and keeps no more than they hold', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: HEARTBEAT_MAX_BYTES - HEADER.length - TAG.length }), (bytes) => {
        const frame = joined(HEADER, bytes, TAG);
        new DataView(frame.buffer).setUint16(HEARTBEAT_OFFSET.LENGTH, frame.length);
        const sealed = decodeSealed(frame);
        if (!sealed.ok) throw new Error(sealed.reason);
        const read = decodeHeartbeat(sealed.sealed.signed);
        if (!read.ok) expect(read.reason).to.be.oneOf(['lying-length', 'malformed']);
        else expect(read.heartbeat.wants?.length ?? 0).to.be.at.most(bytes.length / 8);
      }),
    );
  });
});

describe('what minor version 2 adds', () => {
  const standing = (entries: readonly WireClaim[]) => ({
    ...PLAIN,
    claims: { version: 7, index: 0, total: 1, entries },
  });

  function readBack(bytes: Uint8Array): Heartbeat {
    const sealed = decodeSealed(bytes);
    const read = sealed.ok ? decodeHeartbeat(sealed.sealed.signed) : sealed;
    if (!read.ok) throw new Error(read.reason);
    return read.heartbeat;
  }

  const SPECIAL: readonly WireClaim[] = [
    { vip: ip('203.0.113.20'), term: 9, yieldsTo: 5, isWeak: true, isFresh: false },
    { vip: ip('203.0.113.21'), term: 9, yieldsTo: 9, isWeak: false, isFresh: true },
    { vip: ip('203.0.113.22'), term: 1, yieldsTo: 1 },
  ];

  it('BL-19: reads back how claims stand, and the flags', () => {
    const flags = { isCutOff: true, isUnsteady: true, keepsConnections: true };
    const read = readBack(encodeHeartbeat({ ...standing(SPECIAL), ...flags }));
    expect(read.claims?.entries).to.deep.equal(SPECIAL);
    expect({ ...read, ...flags }).to.deep.equal(read);
    expect(read.fitness).to.equal('fit');
  });

  it('BL-19: writes nothing where all is usual', () => {
    const usual = SPECIAL.map(({ vip, term }) => ({ vip, term, yieldsTo: term }));
    const plain = SPECIAL.map(({ vip, term }) => ({ vip, term }));
    expect(encodeHeartbeat(standing(usual))).to.deep.equal(encodeHeartbeat(standing(plain)));
  });

  it('BL-19: remembers no more than 255 terms back', () => {
    const [claim] =
      readBack(encodeHeartbeat(standing([{ vip: ip('203.0.113.20'), term: 1000, yieldsTo: 1 }]))).claims?.entries ?? [];
    expect(claim?.yieldsTo).to.equal(745);
  });

  it('BL-19: knows nothing of how the claims of an older speaker stand', () => {
    const bytes = encodeHeartbeat(standing(SPECIAL));
    bytes[HEARTBEAT_OFFSET.MINOR] = 1;
    expect(readBack(bytes).claims?.entries).to.deep.equal(SPECIAL.map(({ vip, term }) => ({ vip, term })));
  });

  // What a speaker of minor version 1 does with a kind that it does not know.
  it('BL-19: is skipped by who does not know the section', () => {
    const bytes = encodeHeartbeat(standing(SPECIAL));
    bytes[HEARTBEAT_OFFSET.NODE + 6 + 4 + 8 + 3 * 9] = 99;
    expect(readBack(bytes).claims?.entries).to.have.length(3);
  });

  for (const { name, at, byte } of [
    { name: 'for fewer claims than there are', at: 3, byte: 4 },
    { name: 'that cuts an entry in two', at: 3, byte: 5 },
  ])
    it(`BL-19: drops standings ${name}`, () => {
      const bytes = encodeHeartbeat(standing(SPECIAL));
      const section = HEARTBEAT_OFFSET.NODE + 6 + 4 + 8 + 3 * 9;
      expect(bytes[section]).to.equal(10);
      bytes[section + at] = byte;
      expect(reasonOf(bytes)).to.be.oneOf(['malformed', 'lying-length']);
    });

  it('BL-19: fits the longest name with a full part and 16 wishes', () => {
    const entries = Array.from({ length: 72 }, (_, number) => ({
      ...{ vip: IpAddress.of('IPv4', BigInt(number + 1)), term: 9, yieldsTo: 5, isWeak: true },
    }));
    const wants = Array.from({ length: 16 }, () => '00000000000000bb');
    const longest = { ...standing(entries), node: 'n'.repeat(253), wants };
    expect(encodeHeartbeat(longest).length).to.be.at.most(HEARTBEAT_MAX_BYTES);
  });
});
