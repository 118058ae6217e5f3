// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import fc from 'fast-check';
import { ip, mac } from '../net/testing.ts';
import {
  decodeHeartbeat,
  decodeSealed,
  encodeHeartbeat,
  HEARTBEAT_MAX_BYTES,
  HEARTBEAT_OFFSET,
  type Heartbeat,
} from './heartbeat.ts';
import { type SpreadSections, STRAYS_A_PART, type WireSet } from './spread-message.ts';
import { serveBytes, setBytes } from './spread-section.ts';

const PLAIN: Heartbeat = {
  ...{ clusterId: '0123456789abcdef', keyId: 1, newestKeyId: 1, bootId: 'fedcba9876543210', counter: 7, port: 3 },
  ...{ mac: mac(1), phase: 'active', fitness: 'fit', intervalMs: 25, deadAfterMs: 200 },
  ...{
    claimsVersion: 7,
    viewVersion: 9,
    claimCount: 0,
    node: 'edge-1',
    isCutOff: false,
    isUnsteady: false,
    keepsConnections: false,
  },
};

const SET: WireSet = {
  version: 9,
  by: 'client',
  pendingBy: 'flow',
  members: [
    { id: 0x11, mac: mac(1), committed: { state: 'serving', weight: 1 }, pending: { state: 'draining', weight: 8 } },
    { id: 0x22, mac: mac(2), committed: undefined, pending: { state: 'serving', weight: 3 } },
  ],
  vips: [ip('203.0.113.20'), ip('2001:db8:5::7')],
};

const ALL: SpreadSections = {
  serves: {
    version: 3,
    index: 0,
    total: 1,
    entries: [
      { vip: ip('203.0.113.20'), weight: 8, holds: false },
      { vip: ip('2001:db8:5::7'), weight: 0, holds: true },
    ],
  },
  sets: { version: 9, index: 0, total: 2, entries: [SET] },
  strays: {
    ...{ version: 5, index: 1, total: 2, holder: 0x22 },
    fingerprints: BigUint64Array.of(1n, 0xfedc_ba98_7654_3210n),
  },
  digest: { serves: 3, sets: 9, strays: 5, has: [{ bootId: '00000000000000aa', sets: 4, strays: 5, told: 6 }] },
};

// biome-ignore format: a row is a section
const SECTIONS = [
  '07 00 00 20', '00 00 00 03', '00 00 00 01', '08 04 cb 00 71 14', '10 06 20 01 0d b8 00 05 00 00 00 00 00 00 00 00 00 07',
  '08 00 00 3d', '00 00 00 09', '00 00 00 02', '00 00 00 09', '03', '02', '00 00 00 11 00 00 5e 00 53 01 01 72', '00 00 00 22 00 00 5e 00 53 02 00 21',
  '02', '04 cb 00 71 14', '06 20 01 0d b8 00 05 00 00 00 00 00 00 00 00 00 07',
  '09 00 00 1c', '00 00 00 05', '00 01 00 02', '00 00 00 22', '00 00 00 00 00 00 00 01', 'fe dc ba 98 76 54 32 10',
  '0b 00 00 20', '00 00 00 03', '00 00 00 09', '00 00 00 05', '00 00 00 00 00 00 00 aa', '00 00 00 04', '00 00 00 05', '00 00 00 06',
].join(' ');

const START = HEARTBEAT_OFFSET.NODE + PLAIN.node.length;

function read(bytes: Uint8Array): ReturnType<typeof decodeHeartbeat> | ReturnType<typeof decodeSealed> {
  const sealed = decodeSealed(bytes);
  return sealed.ok ? decodeHeartbeat(sealed.sealed.signed) : sealed;
}

function spreadOf(bytes: Uint8Array): SpreadSections | undefined {
  const heard = read(bytes);
  if (!heard.ok || !('heartbeat' in heard)) throw new Error('not a heartbeat');
  return heard.heartbeat.spread;
}

/** A frame with these sections, by their bytes. */
function framed(text: string): Uint8Array {
  const sections = Uint8Array.from(text.split(/\s+/), (one) => Number.parseInt(one, 16));
  const plain = encodeHeartbeat(PLAIN);
  const frame = new Uint8Array(plain.length + sections.length);
  frame.set(plain.subarray(0, START));
  frame.set(sections, START);
  new DataView(frame.buffer).setUint16(HEARTBEAT_OFFSET.LENGTH, frame.length);
  return frame;
}

describe('the sections of who serves', () => {
  it('EN-06: are written as laid out', () => {
    expect(encodeHeartbeat({ ...PLAIN, spread: ALL })).to.deep.equal(framed(SECTIONS));
  });

  it('EN-06: are read back', () => {
    expect(spreadOf(framed(SECTIONS))).to.deep.equal(ALL);
  });

  it('EN-06: say how long their entries are', () => {
    expect([setBytes(SET), ...(ALL.serves?.entries ?? []).map(serveBytes)]).to.deep.equal([53, 6, 18]);
  });

  it('EN-07: mean nothing in a frame of a minor version before', () => {
    const bytes = framed(SECTIONS);
    bytes[HEARTBEAT_OFFSET.MINOR] = 2;
    expect(spreadOf(bytes)).to.equal(undefined);
  });

  it('EN-06: a frame cut at any length is dropped and throws nothing', () => {
    const bytes = framed(SECTIONS);
    for (let length = START; length < bytes.length - 16; length++) {
      const cut = new Uint8Array(length + 16);
      cut.set(bytes.subarray(0, length));
      new DataView(cut.buffer).setUint16(HEARTBEAT_OFFSET.LENGTH, cut.length);
      const heard = read(cut);
      if (heard.ok && 'heartbeat' in heard) expect(Object.keys(heard.heartbeat.spread ?? {}).length).to.be.below(4);
      else expect(heard).to.have.property('reason').that.is.oneOf(['lying-length', 'malformed']);
    }
  });

  it('EN-06: random bytes are never worse than malformed', () => {
    const kinds = fc.constantFrom(7, 8, 9, 11);
    fc.assert(
      fc.property(kinds, fc.uint8Array({ maxLength: 400 }), (kind, value) => {
        const head = [kind, 0, value.length >> 8, value.length & 255];
        const text = [...head, ...value].map((byte) => byte.toString(16)).join(' ');
        const heard = read(framed(text));
        if (!heard.ok) expect(heard.reason).to.be.oneOf(['lying-length', 'malformed']);
      }),
    );
  });

  for (const { name, reason, text } of [
    { name: 'weight 9', reason: 'malformed', text: '07 00 00 0e 00 00 00 03 00 00 00 01 09 04 cb 00 71 14' },
    {
      name: 'a member without an id',
      reason: 'malformed',
      text: '08 00 00 1b 00 00 00 09 00 00 00 01 00 00 00 09 00 01 00 00 00 00 00 00 5e 00 53 01 01 00 00',
    },
    {
      name: 'a member with a group address',
      reason: 'malformed',
      text: '08 00 00 1b 00 00 00 09 00 00 00 01 00 00 00 09 00 01 00 00 00 11 01 00 5e 00 53 01 01 00 00',
    },
    {
      name: 'a state that does not exist',
      reason: 'malformed',
      text: '08 00 00 1b 00 00 00 09 00 00 00 01 00 00 00 09 00 01 00 00 00 11 00 00 5e 00 53 01 05 00 00',
    },
    {
      name: 'more members than a set has',
      reason: 'malformed',
      text: '08 00 00 0e 00 00 00 09 00 00 00 01 00 00 00 09 00 ff',
    },
    {
      name: 'half a fingerprint',
      reason: 'lying-length',
      text: '09 00 00 10 00 00 00 05 00 00 00 01 00 00 00 22 00 00 00 00',
    },
    { name: 'strays of no one', reason: 'malformed', text: '09 00 00 0c 00 00 00 05 00 00 00 01 00 00 00 00' },
    {
      name: 'half an entry of a digest',
      reason: 'lying-length',
      text: '0b 00 00 10 00 00 00 03 00 00 00 09 00 00 00 05 00 00 00 00',
    },
    {
      name: 'two digests',
      reason: 'malformed',
      text: `${'0b 00 00 0c 00 00 00 03 00 00 00 09 00 00 00 05 '.repeat(2)}`.trim(),
    },
  ])
    it(`EN-06: drops ${name}`, () => {
      const heard = read(framed(text));
      expect(heard).to.have.property('reason', reason);
    });

  it('EN-06: fits the longest name with the largest part of each list', () => {
    const strays = { version: 1, index: 0, total: 1, holder: 1, fingerprints: new BigUint64Array(STRAYS_A_PART) };
    const vips = [ip('2001:db8:5::7')];
    const members = Array.from({ length: 48 }, (_, index) => ({
      ...{ id: index + 1, mac: mac(index), committed: undefined, pending: undefined },
    }));
    const sets = { version: 1, index: 0, total: 1, entries: [{ ...SET, members, vips }] };
    const has = Array.from({ length: 32 }, () => ({ bootId: '00000000000000aa', sets: 1, strays: 1, told: 1 }));
    const digest = { serves: 1, sets: 1, strays: 1, has };
    for (const spread of [{ strays }, { sets }, { digest }])
      expect(encodeHeartbeat({ ...PLAIN, node: 'n'.repeat(253), spread }).length).to.be.at.most(HEARTBEAT_MAX_BYTES);
  });
});
