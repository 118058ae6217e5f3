// SPDX-License-Identifier: Apache-2.0

// What is fuzzed in TypeScript: each parser of bytes or text that comes from outside, and that the decisions in C and
// in TypeScript agree. Each target is a property that holds for every input.

import {
  decodeArp,
  decodeEthernet,
  decodeHeartbeat,
  decodeIpv6,
  decodeNdp,
  decodeSealed,
  encodeArp,
  encodeEthernet,
  encodeHeartbeat,
  encodeNdp,
  HEARTBEAT_MAX_BYTES,
  HEARTBEAT_OFFSET,
  HEARTBEAT_TAG_BYTES,
  HEARTBEAT_VERSION,
  type Heartbeat,
  IpAddress,
  MacAddress,
  type NdpPacket,
  parsePoolConfig,
} from '@berth/core';
import { nativeLink } from '@berth/link';
import { expect } from 'chai';
import fc from 'fast-check';
import { decideInC } from '../../packages/link/test/support/decide-in-c.ts';
import { decideInTypeScript, type Fence, randomFrames } from '../../packages/link/test/support/decisions.ts';
import { randomPackets, readPacketInC } from '../../packages/link/test/support/packets-in-c.ts';
import { readPacket } from '../../packages/link/test/support/read-packet.ts';

const ETHERNET_HEADER_BYTES = 14;
const ARP_BYTES = 28;

/** Lines and marks of YAML. */
const WORDS = [
  ...['apiVersion: berth.dev/v1', 'kind: IPAddressPool', 'kind: L2Advertisement', 'metadata: {name: a}', 'spec:'],
  ...['  addresses:', '  - 10.0.0.0/8', '  - 2001:db8::/64', '  interfaces: [eth0]', '  exclude: [10.0.0.1]', '---'],
  ...[
    '  quota: {perNamespace: 3}',
    '&a',
    '*a',
    '- ',
    '{',
    '[',
    '"',
    '\t',
    ': ',
    '!!set',
    '? ',
    '|',
    '>',
    '#',
    '<<: *a',
  ],
];

/** Tries this many inputs; returns what was found, for people, or undefined. */
export type Target = (inputs: number) => string | undefined;

export const TARGETS: Readonly<Record<string, Target>> = {
  ethernet: target(randomFrames(), (frame) => {
    const decoded = decodeEthernet(frame);
    if (decoded.ok) expect(encodeEthernet(decoded.frame)).to.deep.equal(frame);
  }),
  arp: target(payloads(), (payload) => {
    const decoded = decodeArp(payload);
    if (decoded.ok) expect(encodeArp(decoded.packet)).to.deep.equal(payload.slice(0, ARP_BYTES));
  }),
  ndp: target(payloads(), (payload) => {
    const packet = readNdp(payload);
    if (packet) expect(readNdp(encodeNdp(packet))).to.deep.equal(packet);
  }),
  heartbeat: target(heartbeats(), (bytes) => {
    const sealed = decodeSealed(bytes);
    const read = sealed.ok ? decodeHeartbeat(sealed.sealed.signed) : undefined;
    // What an older sender leaves out is read as its default, and written out again.
    const isWhole = (bytes[HEARTBEAT_OFFSET.MINOR] ?? 0) >= HEARTBEAT_VERSION.MINOR;
    if (read?.ok && isWhole) expect(readHeartbeat(encodeHeartbeat(read.heartbeat))).to.deep.equal(read.heartbeat);
  }),
  config: target(texts(), (text) => {
    const parsed = parsePoolConfig({ 'pools.yaml': text });
    if (parsed.ok) return;
    expect(parsed.problems).to.not.be.empty;
    for (const { line, column } of parsed.problems) expect(Math.min(line, column)).to.be.greaterThan(0);
  }),
  packet: target(randomPackets(), (bytes) => {
    expect(readPacketInC(bytes)).to.deep.equal(readPacket(bytes));
  }),
  agreement: target(fc.tuple(randomFrames(), fc.constantFrom<Fence>('holds', 'expired')), ([frame, fence]) => {
    expect(decideInC(nativeLink(), frame, fence)).to.deep.equal(decideInTypeScript(frame, fence));
  }),
};

function target<Input>(inputs: fc.Arbitrary<Input>, check: (input: Input) => void): Target {
  return (numRuns) => {
    const details = fc.check(fc.property(inputs, check), { numRuns });
    return details.failed ? fc.defaultReportMessage(details) : undefined;
  };
}

function payloads(): fc.Arbitrary<Uint8Array> {
  return randomFrames().map((frame) => frame.slice(ETHERNET_HEADER_BYTES));
}

function readNdp(payload: Uint8Array): NdpPacket | undefined {
  const ip = decodeIpv6(payload);
  const ndp = ip.ok ? decodeNdp(ip.packet) : ip;
  return ndp.ok && 'message' in ndp.packet ? ndp.packet : undefined;
}

function readHeartbeat(bytes: Uint8Array): Heartbeat | undefined {
  const sealed = decodeSealed(bytes);
  const read = sealed.ok ? decodeHeartbeat(sealed.sealed.signed) : sealed;
  return read.ok ? read.heartbeat : undefined;
}

/** Good heartbeats with a few bytes changed, others with a good header and noise behind it, and noise. */
function heartbeats(): fc.Arbitrary<Uint8Array> {
  const good = encodeHeartbeat(exampleHeartbeat());
  const changes = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 4 });
  const mutated = changes.map((bytes) => {
    const copy = Uint8Array.from(good);
    for (const [offset, value] of bytes) copy[offset] = value;
    return copy;
  });
  const header = good.slice(0, HEARTBEAT_OFFSET.NODE + exampleHeartbeat().node.length);
  const room = HEARTBEAT_MAX_BYTES - header.length - HEARTBEAT_TAG_BYTES;
  const noisy = fc.uint8Array({ maxLength: room }).map((noise) => withLength(Uint8Array.from([...header, ...noise])));
  return fc.oneof(mutated, mutated.map(withLength), noisy, fc.uint8Array({ maxLength: 300 }));
}

function withLength(bytes: Uint8Array): Uint8Array {
  const frame = Uint8Array.from([...bytes, ...new Uint8Array(HEARTBEAT_TAG_BYTES)]);
  new DataView(frame.buffer).setUint16(HEARTBEAT_OFFSET.LENGTH, frame.length);
  return frame;
}

function exampleHeartbeat(): Heartbeat {
  const vip = IpAddress.of('IPv4', 0xcb007114n);
  const entries = [
    { vip, term: 5 },
    { vip: IpAddress.of('IPv6', 0x20010db8_00050000_00000000_00000007n), term: 1 },
  ];
  return {
    ...{ clusterId: '0123456789abcdef', keyId: 0x11223344, newestKeyId: 0x55667788, bootId: 'fedcba9876543210' },
    ...{ counter: 77, port: 3, mac: MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, 1)) ?? MacAddress.ZERO },
    ...{
      phase: 'active',
      fitness: 'fit',
      intervalMs: 25,
      deadAfterMs: 200,
      claimsVersion: 7,
      viewVersion: 9,
      claimCount: 2,
    },
    node: 'edge-1',
    claims: { version: 7, index: 0, total: 1, entries },
    view: { version: 9, index: 1, total: 2, entries: ['00000000000000aa'] },
    wants: ['00000000000000bb'],
    suspects: [{ bootId: '00000000000000cc', counter: 6 }],
    vouches: [{ bootId: '00000000000000dd', counter: 6, ageMs: 12 }],
    offers: [{ to: '00000000000000ee', vip, term: 5 }],
  };
}

/** Text of chance, lines of YAML in any order, and documents of the right shape with any values. */
function texts(): fc.Arbitrary<string> {
  const words = fc.array(fc.constantFrom(...WORDS), { maxLength: 30 });
  const value = fc.jsonValue({ maxDepth: 3 });
  const field = fc.constantFrom(
    'addresses',
    'exclude',
    'reserved',
    'quota',
    'serviceAllocation',
    'interfaces',
    'other',
  );
  const document = fc.record({
    apiVersion: fc.constantFrom('berth.dev/v1', 'metallb.io/v1beta1'),
    kind: fc.constantFrom('IPAddressPool', 'L2Advertisement'),
    metadata: fc.oneof(value, fc.record({ name: fc.constantFrom('a', 'b') })),
    spec: fc.dictionary(field, value),
  });
  return fc.oneof(
    fc.string({ unit: 'binary' }),
    words.map((lines) => lines.join('\n')),
    words.map((lines) => lines.join('')),
    fc.array(document, { maxLength: 4 }).map((all) => all.map((one) => JSON.stringify(one)).join('\n---\n')),
  );
}
