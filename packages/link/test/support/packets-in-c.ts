// SPDX-License-Identifier: Apache-2.0
/** Packets for both readers, C and TypeScript, and what the one in C says. */
import { nativeLink } from '@berth/link';
import fc from 'fast-check';
import { bytesOf, frame, ICMP, ICMPV6, packet, SCTP, sctp, TCP, tcp, two, UDP, udp } from './packet-frames.ts';
import { PACKET_KINDS, type ReadPacket } from './read-packet.ts';

const OUT_BYTES = 38;

export function readPacketInC(bytes: Uint8Array): ReadPacket | undefined {
  const out = Buffer.alloc(OUT_BYTES);
  const kind = PACKET_KINDS[nativeLink().packetKind(bytes, out)];
  if (kind === 'other') return undefined;
  return {
    ...{ kind, source: out.toString('hex', 0, 16), destination: out.toString('hex', 16, 32) },
    ...{ sourcePort: out.readUInt16LE(32), destinationPort: out.readUInt16LE(34) },
    ...{ protocol: out.readUInt8(36), isOpening: out.readUInt8(37) === 1 },
  };
}

/** Good packets of all kinds, cut and with a few bytes changed, and noise behind the beginning of one. */
export function randomPackets(): fc.Arbitrary<Uint8Array> {
  const good = fc.constantFrom(...GOOD);
  const changes = fc.array(fc.tuple(fc.nat(150), fc.nat(255)), { maxLength: 6 });
  const mutated = fc.tuple(good, changes, fc.nat(200)).map(([bytes, edits, length]) => {
    const copy = Uint8Array.from(bytes).subarray(0, length);
    for (const [offset, value] of edits) if (offset < copy.length) copy[offset] = value;
    return copy;
  });
  const noisy = fc
    .tuple(good, fc.uint8Array({ maxLength: 120 }))
    .map(([bytes, noise]) => bytesOf(bytes.subarray(0, 20), noise));
  return fc.oneof(good, mutated, noisy);
}

const MACS = { to: '00:00:5e:00:53:01', from: '00:00:5e:00:53:99' };
const V4 = { ...MACS, source: '198.51.100.7', destination: '203.0.113.20' };
const V6 = { ...MACS, source: '2001:db8:1::7', destination: '2001:db8:5::20' };
const BACK = { ...MACS, source: '203.0.113.20', destination: '198.51.100.7' };
const BACK6 = { ...MACS, source: '2001:db8:5::20', destination: '2001:db8:1::7' };
const fragmentHeader = (next: number, offset: number, hasMore: boolean) => [
  next,
  0,
  ...two(offset + (hasMore ? 1 : 0)),
  0,
  0,
  0,
  7,
];
const icmpError = (type: number, quoted: Uint8Array) => bytesOf(type, 0, 0, 0, 0, 0, 5, 220, quoted);

const GOOD: readonly Uint8Array[] = [
  ...([V4, V6] as const).flatMap((ends) => [
    frame({ ...ends, protocol: TCP, payload: tcp(40000, 80, 'SYN') }),
    frame({ ...ends, protocol: TCP, payload: tcp(40000, 80, 'SYN,ACK') }),
    frame({ ...ends, protocol: UDP, payload: udp(5353, 53) }),
    frame({ ...ends, protocol: SCTP, payload: sctp(7, 9, 'INIT') }),
  ]),
  frame({ ...V4, protocol: TCP, payload: tcp(1, 2, 'ACK'), optionBytes: 40 }),
  frame({ ...V4, protocol: UDP, payload: udp(1, 2, 64), fragment: { id: 7, offset: 0, hasMore: true } }),
  frame({ ...V4, protocol: UDP, payload: new Uint8Array(64), fragment: { id: 7, offset: 64, hasMore: false } }),
  frame({
    ...V4,
    protocol: ICMP,
    payload: icmpError(3, packet({ ...BACK, protocol: TCP, payload: tcp(80, 40000, 'ACK') })),
  }),
  frame({ ...V6, protocol: 44, payload: bytesOf(fragmentHeader(UDP, 0, true), udp(1, 2, 32)) }),
  frame({ ...V6, protocol: 44, payload: bytesOf(fragmentHeader(UDP, 64, false), new Uint8Array(32)) }),
  frame({
    ...V6,
    protocol: 0,
    payload: bytesOf([60, 0, 0, 0, 0, 0, 0, 0], [TCP, 1], new Uint8Array(14), tcp(1, 2, 'SYN')),
  }),
  frame({ ...V6, protocol: 51, payload: bytesOf([TCP, 4], new Uint8Array(22), tcp(1, 2, 'SYN')) }),
  frame({
    ...V6,
    protocol: ICMPV6,
    payload: icmpError(2, packet({ ...BACK6, protocol: UDP, payload: udp(80, 40000) })),
  }),
];
